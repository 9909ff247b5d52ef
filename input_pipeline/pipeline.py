"""Chains the stages from records to batches.

Records are read by position, through the index of their places, so that a
training run can begin at any step without reading what came before. Reading
is one Python call a batch; everything behind it is TensorFlow's own threads.
"""

import numpy as np
import tensorflow as tf

from input_pipeline import order, record_index, records, transforms
from input_pipeline.dataset_info import DatasetInfo
from input_pipeline.statistics import Statistics


def make_train_dataset(data_dir, config, seed, first_step=0):
    """Returns endless batches of augmented training images.

    Every record comes once an epoch, in another order each time. The same
    seed gives the same batches, bit for bit, wherever a run begins.

    Args:
        data_dir: Folder that `tools/build_tfrecords.py` filled.
        config: A `DataConfig`.
        seed: Integer that fixes the order and every random choice.
        first_step: Batches already trained on. The dataset starts behind them
            without reading them.

    Returns:
        A dataset of `(images, labels)`: float32 `(batch, crop, crop, 3)` less
        the mean image, and int32 `(batch,)`.

    Raises:
        FileNotFoundError: The folder or a shard is missing.
        ValueError: The crop does not fit into the records.
    """
    info = DatasetInfo.load(data_dir)
    margin = _margin(info, config.crop_size)
    index = _load_index(data_dir, info, "train", config)
    statistics = Statistics.load(data_dir)
    mean_image = tf.constant(statistics.mean_image, tf.float32)
    components = tf.constant(transforms.lighting_components(statistics))
    shuffled = order.ShuffledOrder(len(index), config.batch_size, seed)
    is_lit = config.lighting != "none"
    size = config.crop_size

    def read(step):
        payloads = tf.numpy_function(
            lambda step: _read(index, shuffled.positions(int(step))),
            [step],
            tf.string,
            stateful=False,
        )
        fields = records.parse(tf.ensure_shape(payloads, [config.batch_size]))
        numbers = transforms.random_numbers(
            config.batch_size,
            margin + 1,
            seed,
            step,
            config.lighting_stddev if is_lit else 0.0,
        )
        if not config.random_crops:
            numbers["offsets"] = tf.fill((config.batch_size, 2), margin // 2)
        if not config.mirror:
            numbers["mirrored"] = tf.fill((config.batch_size,), False)
        return fields["image"], fields["label"], numbers

    def decode(jpeg, label, numbers):
        top, left = tf.unstack(numbers["offsets"])
        crop = transforms.decode_window(jpeg, top, left, size)
        return crop, label, numbers

    def augment(crops, labels, numbers):
        images = transforms.augment_batch(
            crops,
            numbers["offsets"],
            numbers["mirrored"],
            numbers["light"],
            mean_image,
            components,
        )
        return images, labels

    return (
        tf.data.Dataset.range(first_step, np.iinfo(np.int64).max)
        .map(read, num_parallel_calls=2)
        .unbatch()
        .map(decode, num_parallel_calls=tf.data.AUTOTUNE)
        .batch(config.batch_size, drop_remainder=True)
        .map(augment, num_parallel_calls=2)
        .prefetch(2)
    )


def make_eval_dataset(
    data_dir, config, split, crops=1, file_names=False, mean_image=None
):
    """Returns every image of a split exactly once, in the records' order.

    Args:
        data_dir: Folder that `tools/build_tfrecords.py` filled.
        config: A `DataConfig`.
        split: "train", "validation" or "test".
        crops: 1 for the centre, 10 for those of `transforms.ten_crops`.
        file_names: Whether each image's file name stands behind its label.
        mean_image: What to subtract; the folder's own mean if `None`.

    Returns:
        A dataset of `(images, labels)`, or `(images, labels, file_names)`:
        float32 `(n, crop, crop, 3)`, or `(n, 10, crop, crop, 3)` for ten
        crops, less the mean image; int32 `(n,)`; string `(n,)`. The last
        batch may be short.

    Raises:
        FileNotFoundError: The folder or a shard is missing.
        ValueError: There is no such split, or the crop does not fit.
    """
    if crops not in (1, 10):
        raise ValueError(f"crops must be 1 or 10. Received: {crops}")
    info = DatasetInfo.load(data_dir)
    _margin(info, config.crop_size)
    index = _load_index(data_dir, info, split, config)
    if mean_image is None:
        mean_image = Statistics.load(data_dir).mean_image
    mean_image = tf.constant(mean_image, tf.float32)
    size = config.crop_size
    batch_size = max(1, config.eval_batch_size // crops)

    def read(start):
        payloads = tf.numpy_function(
            lambda start: _read(
                index, range(start, min(start + batch_size, len(index)))
            ),
            [start],
            tf.string,
            stateful=False,
        )
        fields = records.parse(tf.ensure_shape(payloads, [None]))
        return fields["image"], fields["label"], fields["file_name"]

    def decode(jpeg, label, file_name):
        image = tf.ensure_shape(transforms.decode(jpeg), mean_image.shape)
        return image, label, file_name

    def crop(images, labels, names):
        images = tf.cast(images, tf.float32) - mean_image
        if crops == 10:
            images = transforms.ten_crops(images, size)
        else:
            images = transforms.center_crop(images, size)
        return (images, labels, names) if file_names else (images, labels)

    return (
        tf.data.Dataset.range(0, len(index), batch_size)
        .map(read, num_parallel_calls=2)
        .unbatch()
        .map(decode, num_parallel_calls=tf.data.AUTOTUNE)
        .batch(batch_size)
        .map(crop, num_parallel_calls=2)
        .prefetch(2)
    )


def _margin(info, crop_size):
    """Returns how far a crop can move, or refuses it."""
    if info.image_size == 0:
        raise ValueError(
            "The records must all be of one size. Received: image_size=0, "
            "images as they were. Convert them with --image_size=256."
        )
    if crop_size > info.image_size:
        raise ValueError(
            "data.crop_size must be at most the size of the records. "
            f"Received: crop_size={crop_size}, records of {info.image_size} "
            f"pixels. Try --config.data.crop_size={info.image_size * 7 // 8}."
        )
    return info.image_size - crop_size


def _load_index(data_dir, info, split, config):
    """Returns the index of a split that has records."""
    if split not in info.splits or not info.splits[split].num_images:
        held = [name for name, s in info.splits.items() if s.num_images]
        raise ValueError(
            f"{data_dir} must hold a {split} split with records. "
            f"Received: {', '.join(held) or 'no records'}"
        )
    index = record_index.load_index(data_dir, info, split)
    return _InMemory(index) if config.cache == "memory" else index


class _InMemory:
    """An index whose records are read once."""

    def __init__(self, index):
        self._records = [index.read(i) for i in range(len(index))]

    def __len__(self):
        return len(self._records)

    def read(self, position):
        """Returns the record at a position."""
        return self._records[position]


def _read(index, positions):
    """Returns records as an array that TensorFlow takes for strings."""
    payloads = [index.read(int(position)) for position in positions]
    return np.array(payloads, dtype=object)
