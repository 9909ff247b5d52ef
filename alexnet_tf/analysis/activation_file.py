"""One file of many activations, which is mapped and not loaded.

It is HDF5: a contiguous array a layer, `(images, rows, columns, maps)` or
`(images, units)`, with the images' file names and labels. h5py, MATLAB, R and
Julia read it; `load` maps it.
"""

import contextlib
import dataclasses
import json
import math
import os
import pathlib
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import h5py
import numpy as np

from input_pipeline import files

_FACTS = "alexnet_tf"
_NAME_BYTES = 256
# Between two times at which what was written is brought to the disk.
_SAVE_SECONDS = 30.0
# Bytes that are written at a time: those that a processor's cache holds.
_CHUNK = 1 << 20


@dataclasses.dataclass(frozen=True)
class Activations:
    """The contents of a file.

    Attributes:
        layers: Arrays `(n, ...)` by name, mapped.
        file_names: Of the images.
        labels: int32 `(n,)`; -1 where there is none.
        facts: What network, checkpoint and images they are of.
    """

    layers: dict[str, np.ndarray]
    file_names: list[str]
    labels: np.ndarray
    facts: dict[str, Any]


def load(path: str | os.PathLike[str]) -> Activations:
    """Maps a file of activations.

    Raises:
        FileNotFoundError: It is not there.
        ValueError: It is none.
    """
    facts, offsets = _read_layout(path)
    arrays = _map(path, offsets, "r")
    names = [bytes(n).rstrip(b"\0").decode() for n in arrays.pop("file_names")]
    labels = np.array(arrays.pop("labels"))
    arrays.pop("done")
    return Activations(arrays, names, labels, facts)


def write(
    path: str | os.PathLike[str],
    extract: Any,
    batches: Callable[[int], Iterable[tuple[Any, Any, Any]]],
    count: int,
    facts: Mapping[str, Any],
    progress: Any = None,
) -> pathlib.Path:
    """Writes the activations of images, and goes on where it was stopped.

    Until it is whole, the file is called PATH.partial.

    Args:
        path: The file, which must not be there.
        extract: An `activations.Extractor`.
        batches: Called with the number of images that are done; returns
            batches of `(images, labels, file_names)` from there on.
        count: Images in all.
        facts: What network, checkpoint and images they are of, for JSON. What
            was begun with others is not gone on with.
        progress: Called with the images that are done already; returns a
            scope with `update(images)`, or `None`.

    Returns:
        The path.

    Raises:
        ValueError: The file is there, was begun with other facts, is being
            written, or there are more or fewer images.
        OSError: There is no room for it.
    """
    path = pathlib.Path(path)
    if path.exists():
        raise ValueError(
            f"{path} must not be there yet. Remove it, or name another output."
        )
    if not count:
        raise ValueError("There must be images. Received: none")
    partial = path.with_name(f"{path.name}.partial")
    facts = json.loads(json.dumps({**facts, "images": count}))
    if not partial.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with files.unfinished(partial) as temporary:
            _create(temporary, extract, count, facts)
    with open(partial, "r+b", buffering=0) as file:
        if not files.try_lock(file):
            raise ValueError(f"{partial} is being written by another process.")
        begun, offsets = _read_layout(partial)
        _check_same(partial, begun, facts)
        start = int(_map(partial, offsets, "r")["done"][0])
        bar = progress(start) if progress else contextlib.nullcontext()
        with bar as bar:
            rows = _Rows(file.fileno(), offsets, start)
            _fill(rows, extract, batches(start), count, bar)
        files.commit(partial, path)
    return path


class _Rows:
    """Writes rows of the arrays of a file, one batch behind the other.

    They are written and not mapped: that takes less time, and a disk that is
    full all the same is an error.

    Attributes:
        done: Rows that are written.
    """

    def __init__(self, descriptor, offsets, done):
        self.done = done
        self._descriptor = descriptor
        self._offsets = offsets
        self._saved = time.monotonic()

    def append(self, arrays, count):
        """Writes a batch of `count` rows, a dict of arrays by name."""
        for name, rows in arrays.items():
            self._write(name, self.done, rows)
        self.done += count
        if time.monotonic() - self._saved > _SAVE_SECONDS:
            self.save()

    def save(self):
        """Brings all to the disk, and then how many rows they are."""
        os.fdatasync(self._descriptor)
        self._write("done", 0, [self.done])
        os.fdatasync(self._descriptor)
        self._saved = time.monotonic()

    def _write(self, name, first, rows):
        start, shape, dtype = self._offsets[name]
        rows = np.ascontiguousarray(rows, dtype)
        start += first * dtype.itemsize * math.prod(shape[1:])
        left = memoryview(rows.reshape(-1).view(np.uint8))
        while left:
            written = os.pwrite(self._descriptor, left[:_CHUNK], start)
            left, start = left[written:], start + written


def _fill(rows, extract, batches, count, bar):
    """Writes what is missing, and how far it came."""
    try:
        for images, labels, names in batches:
            if rows.done + len(images) > count:
                raise _other_number(count, "more")
            found = dict(zip(extract.shapes, extract(images), strict=True))
            found["labels"] = np.asarray(labels)
            found["file_names"] = [_name(n) for n in np.asarray(names)]
            rows.append(found, len(images))
            if bar is not None:
                bar.update(len(images))
    finally:
        rows.save()
    if rows.done != count:
        raise _other_number(count, str(rows.done))


def _other_number(count, found):
    """Returns the error for more or fewer images than there should be."""
    return ValueError(
        f"There must be {count} images. Found: {found}. List the faults of "
        "records with: python -m tools.verify_tfrecords --help"
    )


def _name(name):
    """Returns a file name as bytes of the file's width."""
    name = name if isinstance(name, bytes) else str(name).encode()
    if len(name) > _NAME_BYTES:
        raise ValueError(
            f"File names must have at most {_NAME_BYTES} bytes. Received: "
            f"{name.decode()}"
        )
    return name


def _create(path, extract, count, facts):
    """Lays out a file whose arrays have no contents yet."""
    kinds = {
        "done": ((1,), np.dtype("<i8")),
        "labels": ((count,), np.dtype("<i4")),
        "file_names": ((count,), np.dtype(f"S{_NAME_BYTES}")),
        **{n: ((count, *s), extract.dtype) for n, s in extract.shapes.items()},
    }
    how = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    how.set_layout(h5py.h5d.CONTIGUOUS)
    how.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    how.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    with h5py.File(path, "w") as file:
        file.attrs[_FACTS] = json.dumps(facts)
        for name, (shape, dtype) in kinds.items():
            h5py.h5d.create(
                file.id,
                name.encode(),
                h5py.h5t.py_create(dtype),
                h5py.h5s.create_simple(shape),
                how,
            )
    # A disk that is too small is found now, not after hours.
    with open(path, "r+b") as file:
        os.posix_fallocate(file.fileno(), 0, os.fstat(file.fileno()).st_size)


def _read_layout(path):
    """Returns the facts of a file, and where each of its arrays is."""
    if not pathlib.Path(path).exists():
        raise FileNotFoundError(
            f"There is no {path}. Make it with: "
            "python -m tools.activations --help"
        )
    try:
        with h5py.File(path, "r", locking=False) as file:
            facts = json.loads(file.attrs[_FACTS])
            return facts, {
                name: (found.id.get_offset(), found.shape, found.dtype)
                for name, found in file.items()
            }
    except (OSError, KeyError, ValueError) as error:
        raise ValueError(
            f"{path} must be a file of tools.activations. Found: {error}"
        ) from None


def _map(path, offsets, mode):
    """Returns the arrays of a file, mapped."""
    return {
        name: np.memmap(path, dtype, mode, offset, shape)
        for name, (offset, shape, dtype) in offsets.items()
    }


def _check_same(partial, begun, facts):
    """Refuses to go on with what was begun otherwise."""
    names = [n for n in {**begun, **facts} if begun.get(n) != facts.get(n)]
    if names:
        words = ", ".join(
            f"{n} {json.dumps(begun.get(n))} and now {json.dumps(facts.get(n))}"
            for n in names
        )
        raise ValueError(
            f"{partial} must have been begun with the same settings. Found: "
            f"{words}. Remove it, or name another output."
        )
