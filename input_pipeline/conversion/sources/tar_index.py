"""Where the files of a tar are stored, so that they are read from it.

Nothing is ever unpacked. A tar inside a tar is a range of bytes of the outer
one, and its members are too. A tar ends at its end mark and nowhere else:
where something follows a block of zeros, or a header is damaged, the next
header is searched for, and the bytes between are a member with a fault.
"""

import dataclasses
import os
import pathlib

import google_crc32c
import numpy as np

_BLOCK_BYTES = 512
# The end mark is two blocks of zeros; writers fill up with more.
_END_MARK_BYTES = 2 * _BLOCK_BYTES
_REGULAR = (b"0", b"\0", b"7")
_DIRECTORY = b"5"
_LONG_NAME = b"L"
_LONG_LINK = b"K"
_EXTENDED = b"x"
_GLOBAL_EXTENDED = b"g"
_SPECIAL = {
    b"1": "a hard link",
    b"2": "a symbolic link",
    b"3": "a device",
    b"4": "a device",
    b"6": "a pipe",
}
# Names and attributes are short; anything longer is damage.
_MAX_ATTRIBUTES_BYTES = 2**20
_SEARCH_BYTES = 2**20
_MAGIC = np.frombuffer(b"ustar", np.uint8)
_MAGIC_COLUMNS = slice(257, 262)


@dataclasses.dataclass
class Member:
    """A file in a tar, or damaged bytes between two files.

    Attributes:
        name: As the tar has it; bytes that are not UTF-8 are surrogates.
        offset: Of its first byte in the whole (outer) file.
        size: In bytes.
        stamp: Checksum of its header and first bytes.
        fault: Why it must not be used; empty if it may.
        is_damage: Whether it is no file but damaged bytes, in which files
            whose names are gone may be lost.
    """

    name: str
    offset: int
    size: int
    stamp: int = 0
    fault: str = ""
    is_damage: bool = False


class CutShort(ValueError):
    """The tar ends in the middle, or goes on with something else."""


def members(path, start=0, end=None):
    """Yields a `Member` for each file of a tar, in order; no directories.

    Args:
        path: File that is, or contains, an uncompressed tar.
        start: Offset of the tar's first byte.
        end: Offset after its last byte; None for the end of the file.

    Raises:
        CutShort: After the last member that is whole.
    """
    with open(path, "rb") as file:
        size_bytes = os.fstat(file.fileno()).st_size
        end = size_bytes if end is None else min(end, size_bytes)
        name, size = None, None
        while True:
            block = _read(file, start, 2 * _BLOCK_BYTES, end)
            header = block[:_BLOCK_BYTES]
            try:
                kind, own_name, own_size = _parse(header, start)
            except _NoHeader as error:
                going_on = _find_header(file, start, end)
                if going_on is None:
                    _check_end(file, start, end, error)
                    return
                yield _damage(start, going_on, error)
                start, name, size = going_on, None, None
                continue
            offset = start + _BLOCK_BYTES
            size = own_size if size is None else size
            start = offset + -(-size // _BLOCK_BYTES) * _BLOCK_BYTES
            if offset + size > end:
                raise CutShort(f"it is cut short within {name or own_name}")
            if kind in (_LONG_NAME, _EXTENDED):
                text = _read(
                    file, offset, min(size, _MAX_ATTRIBUTES_BYTES + 1), end
                )
                name, size = _read_attributes(kind, text, name)
                continue
            if kind == _LONG_LINK:
                size = None
                continue
            if kind not in (_DIRECTORY, _GLOBAL_EXTENDED):
                stamp = google_crc32c.value(block[: _BLOCK_BYTES + size])
                yield _member(name or own_name, kind, offset, size, stamp)
            name, size = None, None


class _NoHeader(ValueError):
    """Says what is stored where a header must be."""


def _read(file, start, size, end):
    """Returns bytes of the tar, fewer at its end."""
    file.seek(start)
    return file.read(max(0, min(size, end - start)))


def _parse(header, start):
    """Returns type, name and size of a header that is whole."""
    if len(header) < _BLOCK_BYTES:
        raise CutShort(f"it is cut short at byte {start}: it has no end mark")
    if not any(header):
        raise _NoHeader("zeros")
    try:
        checksum = int(header[148:156].strip(b" \0") or b"0", 8)
        size = _number(header[124:136])
    except ValueError:
        checksum = size = -1
    if checksum != sum(header[:148]) + 256 + sum(header[156:]) or size < 0:
        raise _NoHeader("no tar header")
    name = header[:100].split(b"\0", 1)[0]
    if header[257:263] == b"ustar\0" and header[345]:
        name = header[345:500].split(b"\0", 1)[0] + b"/" + name
    return header[156:157], _to_text(name), size


def _find_header(file, start, end):
    """Returns the offset of the next whole header, None if there is none."""
    while start < end:
        chunk = _read(file, start, _SEARCH_BYTES, end)
        blocks = np.frombuffer(chunk, np.uint8)
        blocks = blocks[: len(blocks) // _BLOCK_BYTES * _BLOCK_BYTES]
        blocks = blocks.reshape(-1, _BLOCK_BYTES)
        alike = (blocks[:, _MAGIC_COLUMNS] == _MAGIC).all(axis=1)
        for row in np.flatnonzero(alike):
            try:
                _parse(blocks[row].tobytes(), start)
            except _NoHeader:
                continue
            return start + int(row) * _BLOCK_BYTES
        start += _SEARCH_BYTES
    return None


def _check_end(file, start, end, error):
    """Refuses an end that is no end mark with zeros to the end."""
    position, is_zero = start, True
    while position < end and is_zero:
        chunk = _read(file, position, _SEARCH_BYTES, end)
        is_zero = not np.frombuffer(chunk, np.uint8).any()
        position += _SEARCH_BYTES
    if not is_zero:
        raise CutShort(
            f"it holds {error} at byte {start}, and no whole header from "
            "there on"
        )
    if end - start < _END_MARK_BYTES:
        raise CutShort(f"it is cut short at byte {start}: it has no end mark")


def _damage(start, end, error):
    """Returns the member for bytes that belong to no file."""
    return Member(
        name=f"bytes {start} to {end}",
        offset=start,
        size=end - start,
        fault=f"it holds {error} at byte {start}, where a header must be",
        is_damage=True,
    )


def _to_text(name):
    """Returns a name whose bytes can be had back, whatever they are."""
    return name.decode("utf-8", "surrogateescape")


def _number(field):
    """Reads octal digits, or the binary number of a very large file."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    return int(field.strip(b" \0") or b"0", 8)


def _read_attributes(kind, text, name):
    """Reads the name, and perhaps size, of the member that follows."""
    if len(text) > _MAX_ATTRIBUTES_BYTES:
        raise CutShort(f"it holds a name of {len(text)} bytes")
    if kind == _LONG_NAME:
        return _to_text(text.rstrip(b"\0")), None
    size = None
    while text:
        digits, _, _ = text.partition(b" ")
        if not digits.isdigit() or not 0 < int(digits) <= len(text):
            raise CutShort("it holds damaged attributes")
        entry, text = text[: int(digits)], text[int(digits) :]
        key, _, value = entry[len(digits) + 1 :].rstrip(b"\n").partition(b"=")
        if key == b"path":
            name = _to_text(value)
        elif key == b"size" and value.isdigit():
            size = int(value)
    return name, size


def _member(name, kind, offset, size, stamp):
    """Returns the member; links, devices and climbing names have a fault."""
    fault = ""
    if kind not in _REGULAR:
        fault = f"it is {_SPECIAL.get(kind, 'of an unknown type')}"
    elif name.startswith("/") or ".." in pathlib.PurePosixPath(name).parts:
        fault = "its name leads out of the archive"
    return Member(name, offset, size, stamp, fault)
