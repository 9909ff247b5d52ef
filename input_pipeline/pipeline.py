"""Chains the stages from records to batches.

Records are read by position, through the index of their offsets, so that a
training run can begin at any step without reading what came before. The other
ways were weighed: skipping in a sequential chain reads all that it skips;
checkpoints of iterators carry the whole shuffle buffer, and no strategy can
save them; ArrayRecord reads by position too, but in Python code of its own,
and nobody else's programs read its files as ImageNet. Reading is one Python
call a batch; everything after it is TensorFlow's own threads.
"""

import os
from typing import Any

import numpy as np
import tensorflow as tf

from input_pipeline import (
    augmentation,
    data_service,
    datasets,
    held_out,
    host_share,
    image_cache,
    record_reader,
    shuffle,
    transforms,
)
from input_pipeline.data_config import DataConfig


def make_train_dataset(
    data_dir: str | os.PathLike[str],
    config: DataConfig,
    seed: int,
    first_step: int = 0,
    *,
    statistics: Any = None,
    host: int = 0,
    num_hosts: int = 1,
    skipped: Any = None,
) -> tf.data.Dataset:
    """Returns endless batches of augmented training images.

    Every record comes once an epoch, in another order each time. The same
    seed gives the same batches, bit for bit, wherever a run begins, and
    however many hosts share them.

    Args:
        data_dir: Folder that `tools/build_tfrecords.py` filled, or another
            name that `DataConfig.directory` may have, or an opened
            `datasets.Source`.
        config: A `DataConfig`.
        seed: Integer that fixes the order and every random choice.
        first_step: Batches already trained on. The dataset starts after them
            without reading them.
        statistics: The `Statistics` to use; the folder's own if `None`.
        host: Number of this host, from 0.
        num_hosts: Hosts that share every batch; each reads its own part.
        skipped: A `record_reader.Skipped` to count with, where
            `config.on_error` is "skip".

    Returns:
        A dataset of `(images, labels)`: float32 `(n, crop, crop, 3)` less the
        mean image, and int32 `(n,)`; n is this host's part of the batch size.

    Raises:
        FileNotFoundError: The folder or a shard is missing.
        ValueError: The crop does not fit into the records, a shard is
            damaged, or the hosts cannot share a batch evenly.
    """
    config.validate()
    source = datasets.open_source(config, data_dir)
    margin = _margin(source.info, config.crop_size)
    if config.service:
        return _from_service(
            source, config, margin, seed, first_step, statistics, num_hosts
        )
    mine = host_share.slice_of_batch(config.batch_size, host, num_hosts)
    reader = _reader(source, "train", config, skipped)
    shuffled = shuffle.make_order(len(reader), config, seed)
    draw = augmentation.make_random_parameters(
        config, margin, seed, len(reader), mine
    )
    augment = augmentation.make_augment(
        config, statistics or source.load_statistics()
    )
    steps = tf.data.Dataset.range(first_step, np.iinfo(np.int64).max)

    def positions(step):
        return shuffled.positions(int(step))[mine]

    if config.cache:
        kept = image_cache.load(source, reader, "train", config.cache)
        # Skipped records are not in it.
        shuffled = shuffle.make_order(len(kept), config, seed)
        batches = _from_decoded(steps, kept, positions, draw, config.crop_size)
    else:
        batches = _from_records(steps, source, reader, positions, draw, config)
    # The two calls hold two more: a batch of 128 crops takes 77 MB.
    return batches.map(augment, num_parallel_calls=2).prefetch(1)


def make_eval_dataset(
    data_dir: str | os.PathLike[str],
    config: DataConfig,
    split: str,
    crops: int = 1,
    file_names: bool = False,
    mean_image: Any = None,
    *,
    host: int = 0,
    num_hosts: int = 1,
    skipped: Any = None,
) -> tf.data.Dataset:
    """Returns every image of a split exactly once, in the records' order.

    Args:
        data_dir: See `make_train_dataset`.
        config: A `DataConfig`.
        split: "train", "validation" or "test"; or "held_out", what
            `config.held_out_fraction` keeps back of "train".
        crops: 1 for the centre, 10 for those of `transforms.ten_crops`.
        file_names: Whether each image's file name comes after its label.
        mean_image: What to subtract; the folder's own mean if `None`.
        host: Number of this host, from 0.
        num_hosts: Hosts that share the split: one after another, they have
            all of it.
        skipped: See `make_train_dataset`. A skipped image is missing from
            the dataset.

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
    config.validate()
    source = datasets.open_source(config, data_dir)
    _margin(source.info, config.crop_size)
    is_held_out = split == held_out.SPLIT
    reader = _reader(source, "train" if is_held_out else split, config, skipped)
    positions = range(len(reader))
    if is_held_out:
        positions = held_out.positions_of(len(reader), config)
    if mean_image is None:
        mean_image = source.load_statistics().mean_image
    mean_image = tf.constant(mean_image, tf.float32)
    host_share.check_host(host, num_hosts)
    first, last = [len(positions) * h // num_hosts for h in (host, host + 1)]

    def crop(images, labels, names):
        images = transforms.evaluation_crops(
            images, mean_image, config.crop_size, crops, config.mean
        )
        return (images, labels, names) if file_names else (images, labels)

    return (
        image_cache.make_whole_images(
            source,
            reader,
            positions[first:last],
            max(1, config.eval_batch_size // crops),
        )
        .map(crop, num_parallel_calls=2)
        .prefetch(2)
    )


def _from_records(steps, source, reader, positions, draw, config):
    """Returns crops decoded from JPEG, with labels and random numbers."""
    size = config.crop_size

    def read(step):
        payloads = tf.numpy_function(
            lambda step: reader.read_with_replacement(positions(step)),
            [step],
            tf.string,
            stateful=False,
        )
        numbers = draw(step)
        payloads = tf.ensure_shape(payloads, numbers["mirrored"].shape)
        fields = source.parse(payloads)
        return fields["image"], fields["label"], numbers

    def decode(image_bytes, label, numbers):
        top, left = tf.unstack(numbers["offsets"])
        if source.is_ready:
            crop = transforms.decode_window(image_bytes, top, left, size)
        else:
            image = source.square(image_bytes)
            crop = image[top : top + size, left : left + size]
            crop = tf.ensure_shape(crop, (size, size, 3))
        return crop, label, numbers

    records_ = steps.map(read, num_parallel_calls=2)
    batch_size = records_.element_spec[0].shape[0]
    return (
        records_.unbatch()
        .map(decode, num_parallel_calls=tf.data.AUTOTUNE)
        .batch(batch_size, drop_remainder=True)
    )


def _from_decoded(steps, kept, positions, draw, size):
    """Returns crops cut from decoded images, like `_from_records`."""

    def cut(step):
        numbers = draw(step)
        crops, labels = tf.numpy_function(
            lambda step, offsets: kept.crops(positions(step), offsets, size),
            [step, numbers["offsets"]],
            [tf.uint8, tf.int32],
            stateful=False,
        )
        count = numbers["mirrored"].shape[0]
        crops = tf.ensure_shape(crops, (count, size, size, 3))
        return crops, tf.ensure_shape(labels, (count,)), numbers

    return steps.map(cut, num_parallel_calls=2)


def _from_service(
    source, config, margin, seed, first_step, statistics, num_hosts
):
    """Returns batches whose crops a tf.data service has decoded."""
    if first_step:
        raise ValueError(
            "data.service cannot go on from a step: its order is never the "
            f"same again. Received: step {first_step}. Go on with "
            "--config.data.service= (empty), or begin in another --workdir."
        )
    if num_hosts > 1 or not source.is_ready:
        raise ValueError(
            "data.service serves one host, from records of "
            f"tools.build_tfrecords. Received: {num_hosts} hosts, "
            f"data.directory={config.directory}"
        )
    index = source.load_index("train")
    draw = augmentation.make_random_parameters(
        config, margin, seed, len(index), slice(0, config.batch_size)
    )
    augment = augmentation.make_augment(
        config, statistics or source.load_statistics()
    )

    def join(step, batch):
        crops, labels, offsets, mirrored = batch
        numbers = {**draw(step), "offsets": offsets, "mirrored": mirrored}
        return augment(crops, labels, numbers)

    return (
        data_service.make_crops(index, config, margin, seed)
        .enumerate()
        .map(join, num_parallel_calls=2)
        .prefetch(2)
    )


def _margin(info, crop_size):
    """Returns how far a crop can move, or refuses it."""
    if crop_size > info.image_size:
        raise ValueError(
            "data.crop_size must be at most the size of the records. "
            f"Received: crop_size={crop_size}, records of {info.image_size} "
            f"pixels. Try --config.data.crop_size={info.image_size * 7 // 8}."
        )
    return info.image_size - crop_size


def _reader(source, split, config, skipped):
    """Returns the reader of a split, which fails or skips as configured."""
    if config.on_error == "skip":
        skipped = skipped or record_reader.Skipped()
    else:
        skipped = None
    return record_reader.Reader(source.load_index(split, skipped), skipped)
