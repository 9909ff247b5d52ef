"""Whole images of a split, decoded: on the way, or kept as raw uint8."""

import hashlib
import json
import os
import pathlib
import shutil

import numpy as np
import tensorflow as tf

from input_pipeline import files, transforms

_BATCH = 64


def make_whole_images(source, reader, positions=None, batch_size=_BATCH):
    """Returns the images of a split, in the records' order.

    Args:
        source: A `datasets.Source`.
        reader: A `record_reader.Reader` of the split.
        positions: A range of records; all, if `None`.
        batch_size: Images at a time; the last batch may be short.

    Returns:
        A dataset of `(images, labels, file_names)`: uint8
        `(n, size, size, 3)`, int32 `(n,)`, string `(n,)`.
    """
    size = source.info.image_size
    positions = range(len(reader)) if positions is None else positions

    def read(start):
        payloads = tf.numpy_function(
            lambda start: reader.read(positions[start : start + batch_size]),
            [start],
            tf.string,
            stateful=False,
        )
        fields = source.parse(tf.ensure_shape(payloads, [None]))
        return fields["image"], fields["label"], fields["file_name"]

    def decode(image_bytes, label, file_name):
        if source.is_ready:
            image = transforms.decode(image_bytes)
            image = tf.ensure_shape(image, (size, size, 3))
        else:
            image = source.square(image_bytes)
        return image, label, file_name

    return (
        tf.data.Dataset.range(0, len(positions), batch_size)
        .map(read, num_parallel_calls=2)
        .unbatch()
        .map(decode, num_parallel_calls=tf.data.AUTOTUNE)
        .batch(batch_size)
        .prefetch(2)
    )


class Decoded:
    """The images of a split as one array, in memory or in a file.

    Attributes:
        images: uint8 `(n, size, size, 3)`.
        labels: int32 `(n,)`.
    """

    def __init__(self, images, labels):
        self.images = images
        self.labels = labels

    def __len__(self):
        return len(self.labels)

    def crops(self, positions, offsets, size):
        """Returns a window of each image.

        Args:
            positions: `(n,)`.
            offsets: `(n, 2)`, top and left of each window.
            size: Rows and columns.

        Returns:
            uint8 `(n, size, size, 3)` and int32 `(n,)`, the labels.
        """
        crops = np.empty((len(positions), size, size, 3), np.uint8)
        for crop, position, (top, left) in zip(
            crops, positions, offsets, strict=True
        ):
            crop[:] = self.images[
                position, top : top + size, left : left + size
            ]
        return crops, self.labels[positions]


def load(source, reader, split, location):
    """Returns the decoded images of a split, decoded now or before.

    Args:
        source: A `datasets.Source`.
        reader: A `record_reader.Reader` of the split.
        split: Its name.
        location: "memory", or a folder, which keeps them for the next time.

    Raises:
        ValueError: They do not fit.
    """
    size = source.info.image_size
    shape = (len(reader), size, size, 3)
    if location == "memory":
        _check_room(shape, _free_memory_bytes(), "memory")
        return Decoded(*_decode(source, reader, np.empty(shape, np.uint8)))
    folder = pathlib.Path(location)
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{source.info.name}-{split}-{_key(source, split, len(reader))}"
    pixels, labels = folder / f"{name}.uint8", folder / f"{name}.labels.npy"
    if not labels.exists() or not pixels.exists():
        _check_room(shape, shutil.disk_usage(folder).free, str(folder))
        _write(source, reader, shape, pixels, labels)
    images = np.memmap(pixels, np.uint8, "r", shape=shape)
    return Decoded(images, np.load(labels))


def _write(source, reader, shape, pixels, labels):
    """Decodes into a file, which has its name when it is whole."""
    with files.unfinished(pixels) as temporary:
        images = np.memmap(temporary, np.uint8, "w+", shape=shape)
        _, found = _decode(source, reader, images)
        images.flush()
    with files.open_atomically(labels) as file:
        np.save(file, found)


def _decode(source, reader, images):
    """Fills an array with images; returns it, and their labels."""
    labels = np.empty(len(reader), np.int32)
    start = 0
    for some, some_labels, _ in make_whole_images(source, reader):
        end = start + len(some)
        images[start:end] = some.numpy()
        labels[start:end] = some_labels.numpy()
        start = end
    # Fewer where damaged records were skipped.
    return images[:start], labels[:start]


def _key(source, split, count):
    """Returns a word that changes with the records, their size or number."""
    info = source.info
    facts = [info.source, info.image_size, info.resample, info.resize, count]
    facts += [
        [s.file, s.num_images, s.sha256] for s in info.splits[split].shards
    ]
    text = json.dumps(facts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _check_room(shape, free_bytes, where):
    """Refuses images that would fill the machine."""
    needed = int(np.prod(shape, dtype=np.int64))
    if needed > 0.8 * free_bytes:
        raise ValueError(
            f"The decoded images must fit into four fifths of {where}. "
            f"Received: {needed / 1e9:.1f} GB for {shape[0]} images, "
            f"{free_bytes / 1e9:.1f} GB free. Leave data.cache empty, or name "
            "a folder on a larger disk."
        )


def _free_memory_bytes():
    """Returns the memory that could be used without swapping."""
    with open("/proc/meminfo", encoding="ascii") as file:
        for line in file:
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
