"""Records by position: where each one is stored, and its bytes."""

import functools
import os
import pathlib
import resource
import struct
import threading
import zipfile

import numpy as np

from input_pipeline import files, records

_CONVERT_AGAIN = (
    "Copy the file again, or remove the folder and convert again; "
    "python -m tools.verify_tfrecords lists every fault."
)


class RecordIndex:
    """Where each record of a split is stored, and its bytes by position.

    Safe to use from many threads at once. Copies that are pickled, or
    inherited by a fork, open the files anew or share them without harm.

    Attributes:
        data_dir: Folder of the shards.
        paths: Of the shards, in order.
        shard: `(n,)` int32, which of `paths` holds the record.
        offset: `(n,)` int64, where its payload starts.
        length: `(n,)` int32, bytes of its payload.
    """

    def __init__(self, data_dir, paths, shard, offset, length):
        self.data_dir = pathlib.Path(data_dir)
        self.paths = [pathlib.Path(path) for path in paths]
        self.shard = np.asarray(shard, np.int32)
        self.offset = np.asarray(offset, np.int64)
        self.length = np.asarray(length, np.int32)
        self._open_files = {}
        self._lock = threading.Lock()

    def __len__(self):
        return len(self.offset)

    def __getstate__(self):
        return (
            self.data_dir,
            self.paths,
            self.shard,
            self.offset,
            self.length,
        )

    def __setstate__(self, state):
        self.__init__(*state)

    def read(self, position):
        """Returns the serialized record at `position`, checked.

        Raises:
            ValueError: The bytes are not those that were written.
        """
        shard = int(self.shard[position])
        length = int(self.length[position])
        file = self._open_files.get(shard) or self._open(shard)
        block = os.pread(
            file.descriptor,
            length + records.FOOTER_BYTES,
            int(self.offset[position]),
        )
        payload = block[:length]
        if block[length:] != struct.pack("<I", records.masked_crc(payload)):
            first = int(np.searchsorted(self.shard, shard))
            raise ValueError(
                f"Record {int(position) - first} of {self.paths[shard]} must "
                f"match its checksum, and does not. {_CONVERT_AGAIN}"
            )
        return payload

    def _open(self, shard):
        """Opens a shard and keeps it open, within the process's limit."""
        with self._lock:
            if shard not in self._open_files:
                if len(self._open_files) >= _max_open_files():
                    # Closed when the last thread that reads it lets it go.
                    self._open_files.pop(next(iter(self._open_files)))
                self._open_files[shard] = _OpenFile(self.paths[shard])
            return self._open_files[shard]


class _OpenFile:
    """A file descriptor that is closed when nobody uses it any more."""

    def __init__(self, path):
        self.descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def __del__(self):
        if hasattr(self, "descriptor"):
            os.close(self.descriptor)


def load_index(data_dir, info, split, skipped=None):
    """Returns the `RecordIndex` of a split.

    Taken from the file that the converter left, where that agrees with the
    shards; otherwise read from the headers in the shards themselves.

    Args:
        data_dir: Folder of the shards.
        info: Its `DatasetInfo`.
        split: "train", "validation" or "test".
        skipped: A `record_reader.Skipped` that counts what comes after
            damage in a shard, or `None` where that is an error.

    Raises:
        FileNotFoundError: A shard is missing.
        ValueError: There is no such split, or a shard is damaged.
    """
    data_dir = pathlib.Path(data_dir)
    if split not in info.splits or not info.splits[split].num_images:
        raise no_such_split(data_dir, info, split)
    shards = info.splits[split].shards
    paths = [data_dir / shard.file for shard in shards]
    sizes = np.array([_size_bytes(file) for file in paths], np.int64)
    counts = np.array([shard.num_images for shard in shards], np.int64)
    saved = _read_saved_index(data_dir / f"index-{split}.npz", sizes, counts)
    if saved is None:
        scanned = [
            scan_shard(file, count, skipped)
            for file, count in zip(paths, counts, strict=True)
        ]
        counts = [len(offsets) for offsets, _ in scanned]
        saved = tuple(
            np.concatenate(part) for part in zip(*scanned, strict=True)
        )
    shard = np.repeat(np.arange(len(paths), dtype=np.int32), counts)
    return RecordIndex(data_dir, paths, shard, *saved)


def no_such_split(location, info, split):
    """Returns the error for a split that has no records."""
    held = [name for name, found in info.splits.items() if found.num_images]
    return ValueError(
        f"{location} must hold a {split} split with records. "
        f"Received: {', '.join(held) or 'no records'}"
    )


def save_index(data_dir, split, sizes_bytes, offsets, lengths):
    """Writes `index-SPLIT.npz`, which `load_index` reads.

    Args:
        data_dir: Folder of the shards.
        split: "train", "validation" or "test".
        sizes_bytes: Of each shard.
        offsets: Of each record's payload in its shard, in record order.
        lengths: Of each record's payload.
    """
    files.write_arrays(
        pathlib.Path(data_dir) / f"index-{split}.npz",
        sizes_bytes=np.asarray(sizes_bytes, np.int64),
        offsets=np.asarray(offsets, np.int64),
        lengths=np.asarray(lengths, np.int32),
    )


def scan_shard(path, num_images, skipped=None):
    """Reads where the records of a shard start from its headers alone.

    Args:
        path: Of the shard.
        num_images: Records that it must hold.
        skipped: A `record_reader.Skipped` that counts what cannot be
            reached, or `None` where that is an error.

    Returns:
        Two arrays: offsets (int64) and lengths (int32) of the payloads.

    Raises:
        ValueError: A header is damaged, or the shard holds another number of
            records than `num_images`.
    """
    offsets, lengths = [], []
    fault = None
    with open(path, "rb", buffering=0) as file:
        size_bytes = os.fstat(file.fileno()).st_size
        start = 0
        while start < size_bytes:
            header = os.pread(file.fileno(), records.HEADER_BYTES, start)
            length = records.read_length(header)
            payload = start + records.HEADER_BYTES
            end = payload + (length or 0) + records.FOOTER_BYTES
            if length is None or end > size_bytes:
                fault = (
                    f"Record {len(offsets)} of {path} must be whole, and is "
                    f"damaged or cut off at byte {start}. {_CONVERT_AGAIN}"
                )
                if skipped is None:
                    raise ValueError(fault)
                break
            offsets.append(payload)
            lengths.append(length)
            start = end
    if len(offsets) != num_images:
        fault = fault or (
            f"{path} must hold {num_images} records, as dataset.json says. "
            f"Found: {len(offsets)}. {_CONVERT_AGAIN}"
        )
        if skipped is None or len(offsets) > num_images:
            raise ValueError(fault)
        lost = num_images - len(offsets)
        skipped.add(path, f"{fault} Records lost: {lost}.", lost)
    return np.array(offsets, np.int64), np.array(lengths, np.int32)


def _read_saved_index(path, sizes_bytes, counts):
    """Returns offsets and lengths, or None where they fit other shards."""
    try:
        with np.load(path, allow_pickle=False) as saved:
            fits = np.array_equal(saved["sizes_bytes"], sizes_bytes)
            offsets, lengths = saved["offsets"], saved["lengths"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    if not fits or not len(offsets) == len(lengths) == counts.sum():
        return None
    return offsets, lengths


def _size_bytes(path):
    """Returns the size of a shard that must be there."""
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        raise FileNotFoundError(
            f"The shard {path} is missing, which dataset.json names. "
            f"{_CONVERT_AGAIN}"
        ) from None


@functools.cache
def _max_open_files():
    """Half of what the process may open; the rest is for everybody else."""
    return max(resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2, 8)
