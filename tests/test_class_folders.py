import os

import pytest

from input_pipeline.conversion import convert
from input_pipeline.conversion.sources import image_folders
from tests import ilsvrc_miniature as miniature
from tests.conversions import read_all

SETTINGS = convert.Settings("toy", 16, train_shards=1)


@pytest.fixture
def folder(tmp_path):
    """Two classes of two images each."""
    for number in range(4):
        path = tmp_path / "in" / "ab"[number // 2] / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(miniature.render_jpeg(number))
    return tmp_path / "in"


def convert_folder(folder, on_error="skip"):
    """Returns file names of the records, and what was left out."""
    out = folder.parent / "out"
    source = image_folders.open_source(folder, on_error)
    info = convert.convert(source, SETTINGS, out, {}, on_error=on_error)
    names = sorted(name.decode() for name in read_all(out)["file_name"])
    skipped = {
        os.path.relpath(entry["file"].replace(": ", "/"), folder): entry[
            "reason"
        ]
        for entry in info.skipped
    }
    return names, skipped


PLAIN = ["a/0.jpg", "a/1.jpg", "b/2.jpg", "b/3.jpg"]


def make_pipe(path):
    os.mkfifo(path / "b/9.jpg")


def make_dangling_link(path):
    (path / "b/9.jpg").symlink_to("lost.jpg")


def make_loose_image(path):
    (path / "9.jpg").write_bytes(b"image")


def make_packed_class(path):
    (path / "c.tar.gz").write_bytes(b"packed")


def make_circle(path):
    (path / "b/9").symlink_to(path)


@pytest.mark.parametrize(
    ("make", "file", "reason"),
    [
        (make_pipe, "b/9.jpg", "it is a pipe or a device"),
        (make_dangling_link, "b/9.jpg", "a link to lost.jpg, which is not th"),
        (make_loose_image, "9.jpg", "it is in no folder of a class"),
        (make_packed_class, "c.tar.gz", "it is compressed"),
        (make_circle, "b/9", "it is a link to a folder above"),
    ],
)
def test_what_is_no_image_of_a_class_is_named(folder, make, file, reason):
    make(folder)

    with pytest.raises(ValueError, match=rf"{file}, but .*{reason}"):
        convert_folder(folder, "fail")
    names, skipped = convert_folder(folder)

    assert names == PLAIN
    assert skipped.keys() == {file}
    assert reason in skipped[file]


def test_files_that_are_never_images_are_listed(folder):
    for name in ("b/._2.jpg", ".DS_Store", "b/boxes.txt", "README"):
        (folder / name).write_bytes(b"")

    names, skipped = convert_folder(folder, "fail")

    assert names == PLAIN
    assert skipped == {
        "b/._2.jpg": "it is hidden",
        ".DS_Store": "it is hidden",
        "b/boxes.txt": "its name is not that of an image",
        "README": "its name is not that of an image",
    }


def test_linked_folders_are_followed(folder, tmp_path):
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "9.jpg").write_bytes(miniature.render_jpeg(9))
    (folder / "b" / "more").symlink_to(tmp_path / "more")

    names, _ = convert_folder(folder, "fail")

    assert names == [*PLAIN, "b/more/9.jpg"]


def test_names_that_are_not_utf_8_are_converted_and_named(folder):
    parent = os.fsencode(folder / "a")
    for name in (b"caf\xe9.jpg", b"caf\xea.jpg"):
        with open(os.path.join(parent, name), "wb") as file:
            file.write(miniature.render_jpeg(7))
    with open(os.path.join(parent, b"caf\xe8.jpg"), "wb") as file:
        file.write(b"no image")

    with pytest.raises(ValueError, match=r"a/caf\\xe8.jpg, but it is no image"):
        convert_folder(folder, "fail")
    names, skipped = convert_folder(folder)

    assert names == [*PLAIN[:2], r"a/caf\xe9.jpg", r"a/caf\xea.jpg", *PLAIN[2:]]
    assert skipped == {r"a/caf\xe8.jpg": "it is no image"}


def test_a_class_whose_name_is_not_utf_8_is_converted(folder):
    os.rename(folder / "b", os.path.join(os.fsencode(folder), b"caf\xe9"))

    source = image_folders.open_source(folder)

    assert source.synsets == ["a", r"caf\xe9"]
    names, _ = convert_folder(folder, "fail")
    assert names[2:] == [r"caf\xe9/2.jpg", r"caf\xe9/3.jpg"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_named(folder):
    (folder / "b/3.jpg").chmod(0)

    _, skipped = convert_folder(folder)

    assert skipped == {"b/3.jpg": "it cannot be read: Permission denied"}


def test_a_file_that_goes_meanwhile_is_named(folder):
    source = image_folders.open_source(folder, "skip")
    (folder / "b/3.jpg").unlink()

    info = convert.convert(
        source, SETTINGS, folder.parent / "out", {}, on_error="skip"
    )

    (entry,) = info.skipped
    assert entry["reason"] == "it cannot be read: No such file or directory"
