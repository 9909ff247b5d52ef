"""From records to the crops of training batches, still uint8.

Records are read by position, through the index of their offsets, so that a
training run can begin at any step without reading what came before. The other
ways were weighed: skipping in a sequential chain reads all that it skips;
checkpoints of iterators carry the whole shuffle buffer, and no strategy can
save them; ArrayRecord reads by position too, but in Python code of its own,
and nobody else's programs read its files as ImageNet. Reading is one Python
call a batch; everything after it is TensorFlow's own threads. To decode in
Python's threads as well, with simplejpeg, took as much of the processor.
"""

import os
from typing import Any

import numpy as np
import tensorflow as tf

from input_pipeline import (
    augmentation,
    data_service,
    datasets,
    host_share,
    image_cache,
    record_reader,
    shuffle,
    transforms,
)
from input_pipeline.data_config import DataConfig


def make_crop_dataset(
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
    """Returns what `augmentation.make_augment` makes training batches of.

    A quarter of their bytes, for a device that augments by itself.

    Args:
        data_dir: See `pipeline.make_train_dataset`, also for the others.

    Returns:
        A dataset of `(crops, labels, numbers)`: uint8 `(n, crop, crop, 3)`,
        int32 `(n,)`, and a dict of what `make_random_parameters` draws.
    """
    config.validate()
    source = datasets.open_source(config, data_dir)
    check_crop_size(source.info, config.crop_size)
    statistics = statistics or source.load_statistics()
    if config.service:
        return _from_service(
            source, config, seed, first_step, statistics, num_hosts
        )
    mine = host_share.slice_of_batch(config.batch_size, host, num_hosts)
    reader = make_reader(source, "train", config, skipped)
    draw = augmentation.make_random_parameters(
        config, statistics, seed, len(reader), mine
    )
    steps = tf.data.Dataset.range(first_step, np.iinfo(np.int64).max)
    kept = None
    if config.cache:
        kept = image_cache.load(source, reader, "train", config.cache)
    # Skipped records are not in the cache.
    shuffled = shuffle.make_order(
        len(reader if kept is None else kept), config, seed
    )

    def positions(step):
        return shuffled.positions(int(step))[mine]

    if kept is not None:
        return _from_decoded(steps, kept, positions, draw, config.crop_size)
    return _from_records(steps, source, reader, positions, draw, config)


def check_crop_size(info, crop_size):
    """Refuses crops that are larger than the records."""
    if crop_size > info.image_size:
        raise ValueError(
            "data.crop_size must be at most the size of the records. "
            f"Received: crop_size={crop_size}, records of {info.image_size} "
            f"pixels. Try --config.data.crop_size={info.image_size * 7 // 8}."
        )


def make_reader(source, split, config, skipped):
    """Returns the reader of a split, which fails or skips as configured."""
    if config.on_error == "skip":
        skipped = skipped or record_reader.Skipped()
    else:
        skipped = None
    return record_reader.Reader(source.load_index(split, skipped), skipped)


def _from_records(steps, source, reader, positions, draw, config):
    """Returns crops decoded from JPEG, with labels and random numbers."""
    size = config.crop_size

    @tf.autograph.experimental.do_not_convert
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

    @tf.autograph.experimental.do_not_convert
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

    @tf.autograph.experimental.do_not_convert
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


def _from_service(source, config, seed, first_step, statistics, num_hosts):
    """Returns crops that a tf.data service has decoded."""
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
        config, statistics, seed, len(index), slice(0, config.batch_size)
    )

    @tf.autograph.experimental.do_not_convert
    def join(step, batch):
        crops, labels, offsets, mirrored = batch
        # Its workers have drawn these two.
        return (
            crops,
            labels,
            draw(step)
            | {
                "offsets": offsets,
                "mirrored": mirrored,
            },
        )

    margin = source.info.image_size - config.crop_size
    crops = data_service.make_crops(index, config, margin, seed)
    return crops.enumerate().map(join, num_parallel_calls=2)
