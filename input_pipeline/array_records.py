"""Records of ArrayRecord files, which TFDS can write too, by position."""

import functools
import pathlib
import threading

import numpy as np

_MAX_OPEN_FILES = 64


class ArrayRecordIndex:
    """Records of a split, by position. Safe to use from many threads.

    Attributes:
        paths: Of the files, in order.
        starts: `(files + 1,)` int64, position of each file's first record.
    """

    def __init__(self, paths, counts):
        self.paths = [pathlib.Path(path) for path in paths]
        self.starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)

    def __len__(self):
        return int(self.starts[-1])

    def read(self, position):
        """Returns the record at `position`.

        Raises:
            ValueError: Its file is damaged.
        """
        file = int(np.searchsorted(self.starts, position, "right")) - 1
        return read(str(self.paths[file]), int(position - self.starts[file]))


def load_index(paths, counts):
    """Returns the `ArrayRecordIndex` of files, with so many records each."""
    for path, count in zip(paths, counts, strict=True):
        check(path, count)
    return ArrayRecordIndex(paths, counts)


def check(path, count):
    """Refuses a file that does not hold so many records.

    The format's own reader takes a file that was cut off for an empty one.

    Raises:
        FileNotFoundError: There is none.
        ValueError: It holds fewer or more.
    """
    if not pathlib.Path(path).is_file():
        raise FileNotFoundError(f"{path} must be there, and is not.")
    found = _open(str(path))[0].num_records()
    if found != count:
        raise ValueError(
            f"{path} must hold {count} records. Received: {found}. Prepare the "
            "set again."
        )


def read(path, number):
    """Returns a record of a file, by its number from 0."""
    reader, lock = _open(path)
    try:
        with lock:
            return reader.read([number])[0]
    except (RuntimeError, ValueError, IndexError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(
            f"Record {number} of {path} must be whole. Received: {reason}. "
            "Prepare the set again."
        ) from None


@functools.lru_cache(_MAX_OPEN_FILES)
def _open(path):
    """Returns a reader that stays open for a while, and its lock."""
    from array_record.python import array_record_module

    # Records are read in no order: what follows one is not needed.
    options = "readahead_buffer_size:0"
    reader = array_record_module.ArrayRecordReader(path, options)
    return reader, threading.Lock()
