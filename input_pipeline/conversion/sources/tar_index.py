"""Where the files of a tar are stored, so that they are read from it.

Nothing is ever unpacked. A tar inside a tar is a range of bytes of the outer
one, and its members are too.
"""

import dataclasses
import os
import pathlib

_BLOCK_BYTES = 512
_REGULAR = (b"0", b"\0", b"7")
_DIRECTORY = b"5"
_LONG_NAME = b"L"
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


@dataclasses.dataclass
class Member:
    """A file in a tar.

    Attributes:
        name: As the tar has it.
        offset: Of its first byte in the whole (outer) file.
        size: In bytes.
        fault: Why it must not be used; empty if it may.
    """

    name: str
    offset: int
    size: int
    fault: str = ""


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
            file.seek(start)
            header = file.read(max(0, min(_BLOCK_BYTES, end - start)))
            if header == bytes(_BLOCK_BYTES):
                return
            kind, own_name, own_size = _parse(header, start)
            offset = start + _BLOCK_BYTES
            size = own_size if size is None else size
            start = offset + -(-size // _BLOCK_BYTES) * _BLOCK_BYTES
            if offset + size > end:
                raise CutShort(f"it is cut short within {name or own_name}")
            if kind in (_LONG_NAME, _EXTENDED):
                name, size = _read_attributes(file, kind, size, name)
                continue
            if kind not in (_DIRECTORY, _GLOBAL_EXTENDED):
                yield _member(name or own_name, kind, offset, size)
            name, size = None, None


def _parse(header, start):
    """Returns type, name and size of a header that is whole."""
    if len(header) < _BLOCK_BYTES:
        raise CutShort(f"it is cut short at byte {start}: it has no end mark")
    try:
        checksum = int(header[148:156].strip(b" \0") or b"0", 8)
        size = _number(header[124:136])
    except ValueError:
        checksum = size = -1
    if checksum != sum(header[:148]) + 256 + sum(header[156:]) or size < 0:
        raise CutShort(f"it holds no tar header at byte {start}")
    name = header[:100].split(b"\0", 1)[0]
    if header[257:263] == b"ustar\0" and header[345]:
        name = header[345:500].split(b"\0", 1)[0] + b"/" + name
    return header[156:157], name.decode("utf-8", "replace"), size


def _number(field):
    """Reads octal digits, or the binary number of a very large file."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    return int(field.strip(b" \0") or b"0", 8)


def _read_attributes(file, kind, size, name):
    """Reads the name, and perhaps size, of the member that follows."""
    if size > _MAX_ATTRIBUTES_BYTES:
        raise CutShort(f"it holds a name of {size} bytes")
    text = file.read(size)
    if kind == _LONG_NAME:
        return text.rstrip(b"\0").decode("utf-8", "replace"), None
    size = None
    while text:
        digits, _, _ = text.partition(b" ")
        if not digits.isdigit() or not 0 < int(digits) <= len(text):
            raise CutShort("it holds damaged attributes")
        entry, text = text[: int(digits)], text[int(digits) :]
        key, _, value = entry[len(digits) + 1 :].rstrip(b"\n").partition(b"=")
        if key == b"path":
            name = value.decode("utf-8", "replace")
        elif key == b"size" and value.isdigit():
            size = int(value)
    return name, size


def _member(name, kind, offset, size):
    """Returns the member; links, devices and climbing names have a fault."""
    fault = ""
    if kind not in _REGULAR:
        fault = f"it is {_SPECIAL.get(kind, 'of an unknown type')}"
    elif name.startswith("/") or ".." in pathlib.PurePosixPath(name).parts:
        fault = "its name leads out of the archive"
    return Member(name, offset, size, fault)
