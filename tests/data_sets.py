"""Small data sets of records, rendered for a test."""

import pathlib

import cv2
import numpy as np
import simplejpeg

from input_pipeline import (
    dataset_info,
    make_train_dataset,
    record_index,
    records,
    shards,
    statistics,
    synthetic,
)


def make_records(
    data_dir, train=12, validation=6, image_size=48, classes=3, num_shards=2
):
    """Fills a folder with records of rendered images; returns its info.

    The classes take turns; file names are `SPLIT-NUMBER.JPEG`.
    """
    data_dir = pathlib.Path(data_dir)
    data_dir.mkdir(parents=True, exist_ok=True)
    sums = statistics.Accumulator(image_size)
    splits = {}
    for split, count in (("train", train), ("validation", validation)):
        finished = []
        for shard in range(num_shards):
            name = records.shard_name("tiny", split, shard, num_shards)
            with shards.ShardWriter(data_dir / name) as writer:
                for number in range(shard, count, num_shards):
                    label = number % classes
                    image = square(split, label, number, image_size)
                    if split == "train":
                        sums.add(image)
                    writer.write(
                        records.serialize(
                            simplejpeg.encode_jpeg(image, quality=95),
                            label,
                            f"{split}-{number}.JPEG",
                            synthetic.CLASSES[label].synset,
                        )
                    )
                finished.append(writer.finish())
        splits[split] = dataset_info.Split(count, [f.shard for f in finished])
        record_index.save_index(
            data_dir,
            split,
            [f.size_bytes for f in finished],
            [offset for f in finished for offset in f.offsets],
            [length for f in finished for length in f.lengths],
        )
    sums.finish().save(data_dir)
    info = dataset_info.DatasetInfo(
        name="tiny",
        image_size=image_size,
        num_classes=classes,
        synsets=[c.synset for c in synthetic.CLASSES[:classes]],
        class_names=[f"class {i}" for i in range(classes)],
        splits=splits,
    )
    info.save(data_dir)
    return info


def square(split, label, number, image_size):
    """Returns a rendered image, its central square."""
    jpeg = synthetic.render_jpeg(0, split, label, number)
    image = simplejpeg.decode_jpeg(jpeg)
    side = min(image.shape[:2])
    top, left = (image.shape[0] - side) // 2, (image.shape[1] - side) // 2
    return cv2.resize(
        image[top : top + side, left : left + side],
        (image_size, image_size),
        interpolation=cv2.INTER_AREA,
    )


def train_batches(data_dir, count, config, seed=0, first_step=0, **how):
    """Returns the first batches of a training, as pairs of arrays."""
    dataset = make_train_dataset(data_dir, config, seed, first_step, **how)
    return [
        (images.numpy(), labels.numpy())
        for images, labels in dataset.take(count)
    ]


def random_statistics(size):
    """Returns the `Statistics` of three images of noise, always the same."""
    sums = statistics.Accumulator(size)
    rng = np.random.default_rng(0)
    for _ in range(3):
        sums.add(rng.integers(0, 256, (size, size, 3), np.uint8))
    return sums.finish()
