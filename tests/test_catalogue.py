from concurrent import futures

import numpy as np
import pytest

from input_pipeline.conversion import images
from input_pipeline.conversion.sources.catalogue import (
    Catalogue,
    CatalogueBuilder,
)


@pytest.fixture
def catalogue(tmp_path):
    (tmp_path / "archive").write_bytes(b"..one.three")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "é.JPEG").write_bytes(b"whole file")
    builder = CatalogueBuilder()
    builder.add_container(tmp_path / "archive")
    builder.add("1.JPEG", 4, 2, 3)
    builder.add("3.JPEG", -1, 6, 5)
    builder.add_container(tmp_path / "folder")
    builder.add("é.JPEG", 7)
    return builder.finish()


def check(catalogue):
    assert [catalogue.name(i) for i in range(3)] == [
        "1.JPEG",
        "3.JPEG",
        "é.JPEG",
    ]
    assert catalogue.rows["label"].tolist() == [4, -1, 7]
    assert [catalogue.read(i) for i in range(3)] == [
        b"one",
        b"three",
        b"whole file",
    ]
    assert catalogue.location(1).endswith("archive: 3.JPEG")


def test_images_are_read_from_where_they_stand(catalogue):
    check(catalogue)


def test_a_saved_catalogue_is_the_same(catalogue, tmp_path):
    catalogue.save(tmp_path / "saved")

    check(Catalogue.load(tmp_path / "saved"))


def test_some_images_can_be_taken(catalogue):
    taken = catalogue.take(np.array([2, 0]))

    assert [taken.name(i) for i in range(2)] == ["é.JPEG", "1.JPEG"]
    assert [taken.read(i) for i in range(2)] == [b"whole file", b"one"]


def test_an_archive_that_shrank_is_noticed(catalogue, tmp_path):
    (tmp_path / "archive").write_bytes(b"..one.th")

    with pytest.raises(images.ImageError, match="archive is cut short"):
        catalogue.read(1)


def test_threads_read_from_more_files_than_may_stay_open(tmp_path):
    builder = CatalogueBuilder()
    for i in range(100):
        path = tmp_path / f"{i}.tar"
        path.write_bytes(b"%03d" % i)
        builder.add_container(path)
        builder.add(f"{i}", 0, offset=0, size=3)
    images_ = builder.finish()

    with futures.ThreadPoolExecutor(8) as pool:
        found = list(pool.map(images_.read, list(range(100)) * 20))

    assert found == [b"%03d" % i for i in range(100)] * 20
