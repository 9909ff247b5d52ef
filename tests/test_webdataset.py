"""WebDataset's shards give what the official archives give."""

import pathlib

import pytest

from input_pipeline.conversion.sources import image_folders, webdataset
from tests import doors
from tests import ilsvrc_miniature as miniature
from tests.conversions import run

LISTED = miniature.SYNSETS


@pytest.fixture(scope="module")
def official(tmp_path_factory):
    """Records of the official archives with the same files."""
    folder = tmp_path_factory.mktemp("official")
    miniature.make(folder / "in", truth=doors.TRUTH)
    run(folder / "in", folder / "out")
    return folder / "out"


@pytest.mark.parametrize(
    ("label_in", "official_keys"),
    [(".cls", True), (".json", True), (".json", False)],
)
def test_the_shards_are_those_of_the_archives(
    official, tmp_path, label_in, official_keys
):
    pattern = doors.make_webdataset(tmp_path / "in", label_in, official_keys)

    info = doors.convert_source(
        webdataset.open_source(pattern, LISTED), tmp_path / "out"
    )

    assert doors.shards_of(tmp_path / "out") == doors.shards_of(official)
    assert info.synsets == miniature.SORTED


def test_a_conversion_that_was_cut_off_goes_on(official, tmp_path):
    pattern = doors.make_webdataset(tmp_path / "in")

    doors.check_resumes(
        lambda: webdataset.open_source(pattern, LISTED),
        tmp_path / "out",
        official,
    )


def test_other_keys_are_names_with_their_shard(tmp_path):
    pattern = doors.make_webdataset(tmp_path, official_keys=False)

    source = webdataset.open_source(pattern, LISTED)

    names = {name for name, _ in miniature.listing(source.splits["train"])}
    assert len(names) == 12
    assert "imagenet1k-train-0001/000003.jpg" in names


def test_a_list_that_contradicts_the_keys_is_refused(tmp_path):
    pattern = doors.make_webdataset(tmp_path)

    with pytest.raises(ValueError, match="Label 0 of .* must be one class"):
        webdataset.open_source(pattern, miniature.SORTED)


SAMPLES = {
    "no images": [("x.cls", b"1")],
    "2 images": [("x.jpg", b""), ("x.png", b""), ("x.cls", b"1")],
    "no labels": [("x.jpg", b"")],
    "2 labels": [("x.jpg", b""), ("x.cls", b"1"), ("x.json", b'{"label": 2}')],
    "no number": [("x.jpg", b""), ("x.cls", b"one")],
    "cannot be read": [("x.jpg", b""), ("x.json", b"{")],
    "the class list has 4 lines": [("x.jpg", b""), ("x.cls", b"4")],
    "the same name": [("x.jpg", b""), ("x.jpg", b""), ("x.cls", b"1")],
}


@pytest.mark.parametrize("words", SAMPLES)
def test_a_sample_that_is_not_whole_is_named(tmp_path, words):
    path = tmp_path / "train-0.tar"
    path.write_bytes(miniature.make_tar(SAMPLES[words]))

    with pytest.raises(ValueError, match=f"train-0.tar: x.*{words}"):
        webdataset.open_source(path, LISTED)
    source = webdataset.open_source(path, LISTED, "skip")

    assert len(source.skipped) == 1


def test_test_images_need_no_label(tmp_path):
    path = tmp_path / "test-0.tar"
    path.write_bytes(miniature.make_tar([("x.jpg", b"x")]))

    source = webdataset.open_source(path, LISTED)

    assert miniature.listing(source.splits["test"]) == [("test-0/x.jpg", -1)]


def test_a_missing_shard_is_named(tmp_path):
    pattern = doors.make_webdataset(tmp_path)
    (tmp_path / "imagenet1k-train-0000.tar").unlink()

    with pytest.raises(ValueError, match="shard 0 of the train split is miss"):
        webdataset.open_source(pattern, LISTED)


def test_a_cut_shard_is_never_skipped(tmp_path):
    pattern = doors.make_webdataset(tmp_path)
    path = tmp_path / "imagenet1k-train-0001.tar"
    path.write_bytes(path.read_bytes()[:3000])

    with pytest.raises(ValueError, match="train-0001.tar, but it is cut short"):
        webdataset.open_source(pattern, LISTED, "skip")


def test_no_shards_are_told(tmp_path):
    with pytest.raises(FileNotFoundError, match="None match"):
        webdataset.open_source(tmp_path / "train-{0..9}.tar", LISTED)


def test_shards_are_not_taken_for_classes(tmp_path):
    doors.make_webdataset(tmp_path)

    with pytest.raises(ValueError, match="shards of WebDataset. Pass --webda"):
        image_folders.open_source(pathlib.Path(tmp_path))
