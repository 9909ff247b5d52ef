"""Whole images of a split, decoded: on the way, or kept as raw uint8."""

import hashlib
import json
import os
import shutil

import numpy as np
import tensorflow as tf

from input_pipeline import files, machine, transforms

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

    @tf.autograph.experimental.do_not_convert
    def read(start):
        payloads = tf.numpy_function(
            lambda start: reader.read(positions[start : start + batch_size]),
            [start],
            tf.string,
            stateful=False,
        )
        fields = source.parse(tf.ensure_shape(payloads, [None]))
        return fields["image"], fields["label"], fields["file_name"]

    @tf.autograph.experimental.do_not_convert
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
        ValueError: They do not fit; or a record is damaged that was left out
            before, and none may be left out now.
    """
    size = source.info.image_size
    shape = (len(reader), size, size, 3)
    if location == "memory":
        _check_room(shape, machine.free_memory_bytes(), "memory")
        return _decode_into_memory(source, reader, shape)
    folder = files.local_path(location)
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{source.info.name}-{split}-{_key(source, split, len(reader))}"
    pixels, labels = folder / f"{name}.uint8", folder / f"{name}.labels.npz"
    if not _is_usable(pixels, labels, reader):
        _check_room(shape, shutil.disk_usage(folder).free, str(folder))
        _decode_into_file(source, reader, shape, pixels, labels)
    with np.load(labels) as saved:
        labels = saved["labels"]
    images = np.memmap(pixels, np.uint8, "r", shape=(len(labels), *shape[1:]))
    return Decoded(images, labels)


def _is_usable(pixels, labels, reader):
    """Says whether kept images are all that can be read now."""
    if not labels.exists() or not pixels.exists():
        return False
    with np.load(labels) as saved:
        # The reader fails for a damaged record, unless it may leave it out.
        return not any(len(reader.read([p])) for p in saved["left_out"])


def _decode_into_memory(source, reader, shape):
    images, start = np.empty(shape, np.uint8), 0
    labels = []
    for some, some_labels, _ in make_whole_images(source, reader):
        images[start : start + len(some)] = some.numpy()
        labels.append(some_labels.numpy())
        start += len(some)
    # Fewer where damaged records were skipped.
    return Decoded(images[:start], _join(labels))


def _decode_into_file(source, reader, shape, pixels, labels):
    """Decodes into a file, which has its name when it is whole.

    It is written and not mapped: a full disk ends a process that writes to a
    mapped file, without an error.
    """
    tracked, found = _Tracked(reader), []
    with (
        files.unfinished(pixels) as temporary,
        open(temporary, "wb") as file,
    ):
        # A disk that is too small is found now, not after hours.
        os.posix_fallocate(file.fileno(), 0, int(np.prod(shape)))
        for some, some_labels, _ in make_whole_images(source, tracked):
            file.write(some.numpy())
            found.append(some_labels.numpy())
        file.truncate()
    left_out = np.array(sorted(tracked.left_out), np.int64)
    files.write_arrays(labels, labels=_join(found), left_out=left_out)


class _Tracked:
    """A reader that remembers which records it left out."""

    def __init__(self, reader):
        self.reader = reader
        self.left_out = set()

    def __len__(self):
        return len(self.reader)

    def read(self, positions):
        payloads = self.reader.read(positions)
        if len(payloads) < len(positions):
            self.left_out |= {
                int(p) for p in positions if not len(self.reader.read([p]))
            }
        return payloads


def _join(labels):
    return np.concatenate([np.zeros(0, np.int32), *labels])


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
