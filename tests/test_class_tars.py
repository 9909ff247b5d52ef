import pytest

from input_pipeline.conversion.sources import catalogue, class_tars, source
from tests import ilsvrc_miniature as miniature


def index(tmp_path, members, on_error="fail"):
    """Returns name and label of what a class tar holds, and what is skipped."""
    path = tmp_path / "class.tar"
    path.write_bytes(members if isinstance(members, bytes) else tar(members))
    builder, faults = catalogue.CatalogueBuilder(), source.Faults(on_error)
    class_tars.add_tar(builder, faults, path, 3)
    return builder.finish(), faults.skipped


def tar(names):
    return miniature.make_tar([(name, name.encode("latin1")) for name in names])


def test_files_of_one_name_in_two_folders_are_two(tmp_path):
    found, _ = index(tmp_path, ["x/1.jpg", "y/1.jpg", "y/2.jpg"])

    assert miniature.listing(found) == [
        ("2.jpg", 3),
        ("x/1.jpg", 3),
        ("y/1.jpg", 3),
    ]


def test_names_that_are_not_utf_8_are_told_apart_by_their_bytes(tmp_path):
    names = ["caf\xe9.jpg", "caf\xea.jpg"]
    contents = tar(
        [name.replace("\xe9", "1").replace("\xea", "2") for name in names]
    )
    for digit, byte in ((b"1", b"\xe9"), (b"2", b"\xea")):
        contents = rename(contents, b"caf" + digit, b"caf" + byte)

    found, _ = index(tmp_path, contents)

    assert [found.raw_name(i) for i in range(2)] == [
        b"caf\xe9.jpg",
        b"caf\xea.jpg",
    ]
    assert miniature.listing(found) == [
        ("caf\\xe9.jpg", 3),
        ("caf\\xea.jpg", 3),
    ]


def rename(contents, old, new):
    """Returns a tar with another name and the checksum that belongs to it."""
    contents = bytearray(contents)
    start = contents.index(old)
    contents[start : start + len(old)] = new
    header = contents[start : start + 512]
    total = sum(header[:148]) + 256 + sum(header[156:])
    contents[start + 148 : start + 156] = b"%06o\0 " % total
    return bytes(contents)


def test_what_file_managers_leave_is_no_image(tmp_path):
    found, skipped = index(tmp_path, ["._1.jpg", "1.jpg", ".DS_Store"])

    assert miniature.listing(found) == [("1.jpg", 3)]
    assert [entry["reason"] for entry in skipped] == ["it is hidden"] * 2


def test_one_file_twice_is_named(tmp_path):
    with pytest.raises(ValueError, match="class.tar: 1.jpg, but another file"):
        index(tmp_path, ["1.jpg", "1.jpg"])
