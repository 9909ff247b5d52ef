"""Which images a split has, and where each of them is stored.

A table of numbers, so that fourteen million images fit into memory, and that
worker processes share one copy of it through a mapped file.
"""

import array
import functools
import json
import os
import pathlib
import stat

import numpy as np

from input_pipeline.conversion import images

_ROW = np.dtype(
    [
        ("container", np.int32),
        ("label", np.int32),
        ("stamp", np.uint32),
        ("offset", np.int64),
        ("size", np.int64),
        ("name_end", np.int64),
    ]
)
_MAX_OPEN_FILES = 64
_TAKEN_AT_A_TIME = 2**20


class CatalogueBuilder:
    """Collects the images of a split one by one.

    Args:
        encoding: How the bytes of an image are to be read; known
            to `encodings`.
    """

    def __init__(self, encoding="image"):
        self.encoding = encoding
        self.containers = []
        self.indices = {}
        self.container = -1
        self.columns = [array.array(code) for code in "iiIqqq"]
        self.names = bytearray()

    def __len__(self):
        return len(self.columns[0])

    def add_container(self, path):
        """Makes `path` the file that holds the images that follow."""
        path = str(path)
        if path not in self.indices:
            self.indices[path] = len(self.containers)
            self.containers.append(path)
        self.container = self.indices[path]

    def add(self, name, label, offset=0, size=-1, stamp=0):
        """Adds an image of the container.

        Args:
            name: File name for the record, and for messages; text with
                surrogates for what is not UTF-8, or bytes.
            label: Integer from 0; -1 where it is not known.
            offset: Of its first byte in the container.
            size: In bytes; -1 for the whole file `name` in the container,
                which is a folder then.
            stamp: A number that changes with its contents, as far as can be
                told without reading them all.
        """
        self.names += name if isinstance(name, bytes) else to_bytes(name)
        row = (self.container, label, stamp, offset, size, len(self.names))
        for column, value in zip(self.columns, row, strict=True):
            column.append(value)

    def finish(self):
        """Returns the `Catalogue`."""
        rows = np.empty(len(self), _ROW)
        for field, column in zip(_ROW.names, self.columns, strict=True):
            rows[field] = column
        return Catalogue(self.encoding, self.containers, rows, self.names)


class Catalogue:
    """The images of one split, by position.

    Attributes:
        encoding: How the bytes of an image are to be read.
        containers: Paths of the files, or folders, that hold the images.
        rows: `(n,)` structured array: container, label, stamp, offset, size
            and the end of the name in `names`.
        names: File names, one after the other, UTF-8.
    """

    def __init__(self, encoding, containers, rows, names):
        self.encoding = encoding
        self.containers = containers
        self.rows = rows
        self.names = names

    def __len__(self):
        return len(self.rows)

    def raw_name(self, position):
        """Returns the bytes of an image's file name, which tell it apart."""
        end = self.rows["name_end"][position]
        start = self.rows["name_end"][position - 1] if position else 0
        return bytes(self.names[start:end])

    def name(self, position):
        """Returns the file name of an image as it can be printed."""
        return self.raw_name(position).decode("utf-8", "backslashreplace")

    def location(self, position):
        """Returns container and name, for messages."""
        container = self.containers[self.rows["container"][position]]
        return f"{printable(container)}: {self.name(position)}"

    def size_bytes(self):
        """Returns the bytes of all images; whole files do not count."""
        return int(np.maximum(self.rows["size"], 0).sum())

    def read(self, position):
        """Returns the bytes that hold an image."""
        row = self.rows[position]
        container = self.containers[row["container"]]
        if row["size"] < 0:
            return _read_whole(container, self.raw_name(position))
        size = min(int(row["size"]), images.MAX_FILE_BYTES + 1)
        file = _open(container)
        try:
            contents = os.pread(file.fileno(), size, int(row["offset"]))
        except OSError as error:
            raise _unreadable(error) from None
        if len(contents) < size:
            raise images.ImageError(f"{container} is cut short within it")
        return contents

    def prefetch(self, position):
        """Asks the system to fetch an image, which is read soon."""
        row = self.rows[position]
        if row["size"] > 0:
            file = _open(self.containers[row["container"]])
            os.posix_fadvise(
                file.fileno(),
                int(row["offset"]),
                int(row["size"]),
                os.POSIX_FADV_WILLNEED,
            )

    def take(self, positions):
        """Returns a catalogue of some of the images."""
        names, ends = bytearray(), np.empty(len(positions), np.int64)
        for start in range(0, len(positions), _TAKEN_AT_A_TIME):
            some = positions[start : start + _TAKEN_AT_A_TIME]
            stops = self.rows["name_end"][some]
            begins = np.where(some > 0, self.rows["name_end"][some - 1], 0)
            pieces = zip(begins.tolist(), stops.tolist(), strict=True)
            names += b"".join(self.names[a:b] for a, b in pieces)
            ends[start : start + len(some)] = stops - begins
        rows = self.rows[positions]
        rows["name_end"] = np.cumsum(ends)
        return Catalogue(self.encoding, self.containers, rows, names)

    def save(self, directory):
        """Writes the catalogue into a folder of its own."""
        directory = pathlib.Path(directory)
        directory.mkdir(parents=True, exist_ok=True)
        np.save(directory / "rows.npy", self.rows)
        (directory / "names.bin").write_bytes(self.names)
        fields = {"encoding": self.encoding, "containers": self.containers}
        (directory / "fields.json").write_text(json.dumps(fields))

    @classmethod
    def load(cls, directory):
        """Maps a saved catalogue into memory."""
        directory = pathlib.Path(directory)
        fields = json.loads((directory / "fields.json").read_text())
        return cls(
            fields["encoding"],
            fields["containers"],
            np.load(directory / "rows.npy", mmap_mode="r"),
            np.memmap(directory / "names.bin", np.uint8, mode="r"),
        )


def to_bytes(name):
    """Returns the bytes of a file name, which need not be UTF-8."""
    return name.encode("utf-8", "surrogateescape")


def printable(name):
    """Returns a file name with what is not UTF-8 as `\\xNN`."""
    return to_bytes(name).decode("utf-8", "backslashreplace")


def _read_whole(folder, name):
    """Returns the bytes of a file, which must be one."""
    path = os.path.join(os.fsencode(folder), name)
    try:
        # Without waiting, should it be a pipe.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise images.ImageError("it is not a file any more")
            return file.read(images.MAX_FILE_BYTES + 1)
    except OSError as error:
        if not os.path.isdir(folder):
            raise  # A disk that is gone is more than an image.
        raise _unreadable(error) from None


def _unreadable(error):
    return images.ImageError(f"it cannot be read: {error.strerror}")


@functools.lru_cache(_MAX_OPEN_FILES)
def _open(path):
    """Returns a file that stays open for a while.

    Whoever holds the object may use its descriptor: another thread's opening
    of more files does not close it.
    """
    return open(path, "rb", buffering=0)  # noqa: SIM115
