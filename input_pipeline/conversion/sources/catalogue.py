"""Which images a split has, and where each of them is stored.

A table of numbers, so that fourteen million images fit into memory, and that
worker processes share one copy of it through a mapped file.
"""

import array
import functools
import json
import os
import pathlib

import numpy as np

from input_pipeline.conversion import images

_ROW = np.dtype(
    [
        ("container", np.int32),
        ("label", np.int32),
        ("offset", np.int64),
        ("size", np.int64),
        ("name_end", np.int64),
    ]
)
_MAX_OPEN_FILES = 64


class CatalogueBuilder:
    """Collects the images of a split one by one.

    Args:
        encoding: How the bytes of an image are to be read; known
            to `encodings`.
    """

    def __init__(self, encoding="image"):
        self.encoding = encoding
        self.containers = []
        self.columns = [array.array(code) for code in "iiqqq"]
        self.names = bytearray()

    def __len__(self):
        return len(self.columns[0])

    def add_container(self, path):
        """Makes `path` the file that holds the images that follow."""
        self.containers.append(str(path))

    def add(self, name, label, offset=0, size=-1):
        """Adds an image of the last container.

        Args:
            name: File name for the record, and for messages.
            label: Integer from 0; -1 where it is not known.
            offset: Of its first byte in the container.
            size: In bytes; -1 for the whole file `name` in the container,
                which is a folder then.
        """
        self.names += name.encode("utf-8", "surrogateescape")
        row = (len(self.containers) - 1, label, offset, size, len(self.names))
        for column, value in zip(self.columns, row, strict=True):
            column.append(value)

    def finish(self):
        """Returns the `Catalogue`."""
        rows = np.empty(len(self), _ROW)
        for field, column in zip(_ROW.names, self.columns, strict=True):
            rows[field] = column
        return Catalogue(
            self.encoding, self.containers, rows, bytes(self.names)
        )


class Catalogue:
    """The images of one split, by position.

    Attributes:
        encoding: How the bytes of an image are to be read.
        containers: Paths of the files, or folders, that hold the images.
        rows: `(n,)` structured array: container, label, offset, size and the
            end of the name in `names`.
        names: File names, one after the other, UTF-8.
    """

    def __init__(self, encoding, containers, rows, names):
        self.encoding = encoding
        self.containers = containers
        self.rows = rows
        self.names = names

    def __len__(self):
        return len(self.rows)

    def name(self, position):
        """Returns the file name of an image."""
        end = self.rows["name_end"][position]
        start = self.rows["name_end"][position - 1] if position else 0
        name = bytes(self.names[start:end])
        return name.decode("utf-8", "surrogateescape")

    def location(self, position):
        """Returns container and name, for messages."""
        container = self.containers[self.rows["container"][position]]
        return f"{container}: {self.name(position)}"

    def size_bytes(self):
        """Returns the bytes of all images; whole files do not count."""
        return int(np.maximum(self.rows["size"], 0).sum())

    def read(self, position):
        """Returns the bytes that hold an image."""
        row = self.rows[position]
        container = self.containers[row["container"]]
        if row["size"] < 0:
            path = pathlib.Path(container, self.name(position))
            with open(path, "rb") as file:
                return file.read(images.MAX_FILE_BYTES + 1)
        size = min(int(row["size"]), images.MAX_FILE_BYTES + 1)
        file = _open(container)
        contents = os.pread(file.fileno(), size, int(row["offset"]))
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
        names = [
            self.name(i).encode("utf-8", "surrogateescape") for i in positions
        ]
        rows = self.rows[positions].copy()
        rows["name_end"] = np.cumsum([len(name) for name in names])
        return Catalogue(self.encoding, self.containers, rows, b"".join(names))

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


@functools.lru_cache(_MAX_OPEN_FILES)
def _open(path):
    """Returns a file that stays open for a while.

    Whoever holds the object may use its descriptor: another thread's opening
    of more files does not close it.
    """
    return open(path, "rb", buffering=0)  # noqa: SIM115
