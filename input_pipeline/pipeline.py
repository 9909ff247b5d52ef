"""Batches of training and evaluation, ready for a network.

Functions that are mapped over a dataset are traced as they stand: to convert
their Python and that of whatever they call takes seconds before the first step.
"""

import os
from typing import Any

import tensorflow as tf

from input_pipeline import (
    augmentation,
    datasets,
    held_out,
    host_share,
    image_cache,
    training_crops,
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
    statistics = statistics or source.load_statistics()
    batches = training_crops.make_crop_dataset(
        source,
        config,
        seed,
        first_step,
        statistics=statistics,
        host=host,
        num_hosts=num_hosts,
        skipped=skipped,
    )
    augment = augmentation.make_augment(config, statistics)
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
    first_record: int = 0,
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
        first_record: Its position in the split.

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
    host_share.check_host(host, num_hosts)
    source = datasets.open_source(config, data_dir)
    training_crops.check_crop_size(source.info, config.crop_size)
    reader, positions = _open_split(source, split, config, skipped)
    positions = positions[first_record:]
    if mean_image is None:
        mean_image = source.load_statistics().mean_image
    first, last = [len(positions) * h // num_hosts for h in (host, host + 1)]
    batch_size = max(1, config.eval_batch_size // crops)
    images = image_cache.make_whole_images(
        source, reader, positions[first:last], batch_size
    )
    cut = _make_cut(config, crops, mean_image, file_names)
    return images.map(cut, num_parallel_calls=2).prefetch(2)


def _open_split(source, split, config, skipped):
    """Returns the reader of a split, and which of its records are in it."""
    if split != held_out.SPLIT:
        reader = training_crops.make_reader(source, split, config, skipped)
        return reader, range(len(reader))
    reader = training_crops.make_reader(source, "train", config, skipped)
    return reader, held_out.positions_of(len(reader), config)


def _make_cut(config, crops, mean_image, file_names):
    """Returns the function from whole images to what is evaluated."""
    mean_image = tf.constant(mean_image, tf.float32)

    @tf.autograph.experimental.do_not_convert
    def cut(images, labels, names):
        images = transforms.evaluation_crops(
            images, mean_image, config.crop_size, crops, config.mean
        )
        return (images, labels, names) if file_names else (images, labels)

    return cut
