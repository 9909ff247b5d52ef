import tarfile

import pytest

from input_pipeline.conversion.sources import tar_index
from tests import ilsvrc_miniature as miniature


def test_members_are_read_in_place(tmp_path):
    images = [("a.JPEG", b"one"), ("b" * 150 + ".JPEG", b"two" * 400)]
    path = tmp_path / "outer.tar"
    path.write_bytes(
        miniature.make_tar([("inner.tar", miniature.make_tar(images))])
    )

    (inner,) = tar_index.members(path)
    members = list(
        tar_index.members(path, inner.offset, inner.offset + inner.size)
    )

    contents = path.read_bytes()
    assert [
        (m.name, contents[m.offset : m.offset + m.size]) for m in members
    ] == images


@pytest.mark.parametrize(
    "format_", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]
)
def test_every_tar_format_is_read(tmp_path, format_):
    names = ["short.JPEG", "folder/" * 16 + "x.JPEG", "é.JPEG"]
    for name in names:
        (tmp_path / "file").write_bytes(name.encode())
        with tarfile.open(tmp_path / "t.tar", "a", format=format_) as archive:
            archive.add(tmp_path / "file", name)

    found = list(tar_index.members(tmp_path / "t.tar"))

    contents = (tmp_path / "t.tar").read_bytes()
    assert [m.name for m in found] == names
    for member in found:
        end = member.offset + member.size
        assert contents[member.offset : end] == member.name.encode()


@pytest.mark.parametrize(
    ("member", "fault"),
    [
        ("../../etc/passwd", "leads out"),
        ("/etc/passwd", "leads out"),
        (
            miniature.special_member("link", tarfile.SYMTYPE, "/etc/passwd"),
            "symbolic link",
        ),
        (miniature.special_member("link", tarfile.LNKTYPE, "a"), "hard link"),
        (miniature.special_member("null", tarfile.CHRTYPE), "device"),
        (miniature.special_member("disk", tarfile.BLKTYPE), "device"),
        (miniature.special_member("pipe", tarfile.FIFOTYPE), "pipe"),
        (miniature.special_member("odd", b"Q"), "unknown type"),
    ],
)
def test_dangerous_members_have_a_fault(tmp_path, member, fault):
    path = tmp_path / "t.tar"
    path.write_bytes(miniature.make_tar([(member, b""), ("a.JPEG", b"a")]))

    bad, good = tar_index.members(path)

    assert fault in bad.fault
    assert (good.name, good.fault) == ("a.JPEG", "")


@pytest.mark.parametrize("keep", [0, 100, 512, 700, 1024, 1400])
def test_a_tar_that_is_cut_short_is_noticed(tmp_path, keep):
    path = tmp_path / "t.tar"
    members = [("a.JPEG", b"a" * 100), ("b.JPEG", b"b" * 600)]
    path.write_bytes(miniature.make_tar(members)[:keep])

    with pytest.raises(tar_index.CutShort, match="cut short"):
        list(tar_index.members(path))


def test_a_member_that_is_not_whole_is_not_yielded(tmp_path):
    path = tmp_path / "t.tar"
    members = [("a.JPEG", b"a" * 100), ("b.JPEG", b"b" * 600)]
    path.write_bytes(miniature.make_tar(members)[:2000])
    found = tar_index.members(path)

    assert next(found).name == "a.JPEG"
    with pytest.raises(tar_index.CutShort, match="cut short within b.JPEG"):
        next(found)


def test_a_tar_without_end_mark_is_noticed(tmp_path):
    path = tmp_path / "t.tar"
    path.write_bytes(miniature.make_tar([("a", b"a")], end=False))

    with pytest.raises(tar_index.CutShort, match="no end mark"):
        list(tar_index.members(path))


def test_a_damaged_header_is_noticed(tmp_path):
    path = tmp_path / "t.tar"
    contents = bytearray(miniature.make_tar([("a", b"a"), ("b", b"b")]))
    contents[1024 + 3] ^= 1
    path.write_bytes(contents)

    with pytest.raises(tar_index.CutShort, match="no tar header at byte 1024"):
        list(tar_index.members(path))


def test_what_follows_zeros_is_found(tmp_path):
    path = tmp_path / "t.tar"
    contents = bytearray(
        miniature.make_tar([("a", b"a"), ("b", b"b"), ("c", b"c")])
    )
    contents[1024 : 1024 + 512] = bytes(512)
    path.write_bytes(contents)

    a, hole, c = tar_index.members(path)

    assert (a.name, hole.name, c.name) == ("a", "bytes 1024 to 2048", "c")
    assert hole.is_damage
    assert "zeros at byte 1024" in hole.fault


def test_zeros_must_follow_the_end_mark(tmp_path):
    path = tmp_path / "t.tar"
    contents = bytearray(miniature.make_tar([("a", b"a")]))
    contents[-1] = 1
    path.write_bytes(contents)

    with pytest.raises(
        tar_index.CutShort, match="zeros at byte 1024, and no w"
    ):
        list(tar_index.members(path))


def test_a_lone_block_of_zeros_is_no_end_mark(tmp_path):
    path = tmp_path / "t.tar"
    path.write_bytes(miniature.make_tar([("a", b"a")], end=False) + bytes(512))

    with pytest.raises(tar_index.CutShort, match="no end mark"):
        list(tar_index.members(path))


def test_a_stamp_changes_with_the_first_bytes(tmp_path):
    path = tmp_path / "t.tar"
    stamps = []
    for contents in (b"one", b"two", b"one"):
        path.write_bytes(miniature.make_tar([("a", contents)]))
        (member,) = tar_index.members(path)
        stamps.append(member.stamp)

    assert stamps[0] == stamps[2] != stamps[1]
