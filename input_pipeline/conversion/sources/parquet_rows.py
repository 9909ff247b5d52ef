"""Images in the rows of parquet files, read one after the other.

A group of rows can be begun at its start only, and may hold gigabytes: it is
read in batches of a few rows, and a reader remembers where it is.
"""

import threading

import numpy as np

from input_pipeline.conversion import images

_ROWS_AT_A_TIME = 16
_BUFFER_BYTES = 2**20
_ROW_BITS = 32


def import_pyarrow():
    """Returns pyarrow.parquet, which is in an extra."""
    try:
        import pyarrow.parquet
    except ImportError:
        raise ValueError(
            "pyarrow must be installed to read parquet files. Install it with: "
            "pip install 'alexnet-tf[parquet]'"
        ) from None
    return pyarrow.parquet


def open_file(path):
    """Returns a `ParquetFile` that reads a little at a time.

    Raises:
        ValueError: It is no such file, or is damaged.
    """
    parquet = import_pyarrow()
    try:
        return parquet.ParquetFile(
            path, buffer_size=_BUFFER_BYTES, pre_buffer=False
        )
    except ValueError as error:  # ArrowInvalid
        raise _damaged(path, error) from None


def make_offset(group, row):
    """Returns one number for a row, by its group and its number in that."""
    return group << _ROW_BITS | row


def find_groups(rows):
    """Returns the position of the first row of each group.

    Args:
        rows: Of a `Catalogue`, in the files' order.
    """
    groups = rows["offset"] >> _ROW_BITS
    changes = (np.diff(groups) != 0) | (np.diff(rows["container"]) != 0)
    return np.concatenate([[0], np.flatnonzero(changes) + 1])


def read(path, offset):
    """Returns the bytes of the image in a row.

    Args:
        path: Of the file.
        offset: As `make_offset` gives it. Rows that follow are read fast.

    Raises:
        images.ImageError: The row holds none.
        ValueError: The file is damaged.
    """
    group, row = offset >> _ROW_BITS, offset & (1 << _ROW_BITS) - 1
    reader = getattr(_state, "reader", None)
    if reader is None or not reader.can_reach(path, group, row):
        reader = _state.reader = _Reader(path, group)
    image = reader.read(row)
    if not isinstance(image, bytes):
        raise images.ImageError("its row holds no image")
    return image


# A thread reads its own rows.
_state = threading.local()


class _Reader:
    """Reads one group of rows from its start."""

    def __init__(self, path, group):
        self.path, self.group = path, group
        self.first, self.batch = 0, None
        file = open_file(path)
        self.batches = file.iter_batches(
            _ROWS_AT_A_TIME,
            row_groups=[group],
            columns=["image"],
            use_threads=False,
        )

    def can_reach(self, path, group, row):
        """Says whether a row is in this group, and not yet passed."""
        return (path, group) == (self.path, self.group) and row >= self.first

    def read(self, row):
        """Returns the bytes of an image, or what is stored for them."""
        while self.batch is None or row >= self.first + len(self.batch):
            self.first += len(self.batch) if self.batch is not None else 0
            try:
                self.batch = next(self.batches).column(0)
            except StopIteration:
                raise _damaged(self.path, "fewer rows than before") from None
            except (OSError, ValueError) as error:
                raise _damaged(self.path, error) from None
        value = self.batch[row - self.first].as_py()
        return value.get("bytes") if isinstance(value, dict) else value


def _damaged(path, error):
    """Returns the error about a file of which the rest is lost."""
    return ValueError(
        f"{path} must be a whole parquet file. Received: "
        f"{' '.join(str(error).split())}. Download it again."
    )
