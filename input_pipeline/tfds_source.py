"""Sets that TFDS has prepared, as records."""

import pathlib

from absl import logging

from input_pipeline import (
    array_records,
    dataset_info,
    ilsvrc2012,
    record_index,
    records,
    statistics,
)
from input_pipeline.record_source import Source, compute_statistics

# Several right labels an image, or none: ReaL's.
_MANY = "real_label"
_MOST_LABELS = 32


class Tfds(Source):
    """A set that TFDS has prepared, with image and label.

    ReaL has several labels an image; they are filled up with -1.

    A set without a validation split, such as CIFAR-10, is validated on its
    test split.
    """

    is_ready = False

    def __init__(self, name, config):
        self.size = config.image_size
        self.skips = config.on_error == "skip"
        builder = load_builder(name, config.tfds_data_dir)
        self.data_dir = pathlib.Path(builder.info.data_dir)
        splits = dict(builder.info.splits)
        if "validation" not in splits and "test" in splits:
            splits["validation"] = splits["test"]
        self.files = {
            split: [pathlib.Path(path) for path in found.filepaths]
            for split, found in splits.items()
        }
        self.file_format = builder.info.file_format.value
        features = builder.info.features
        self.has_many_labels = "label" not in features
        several = self.has_many_labels
        label = features[_MANY].feature if several else features["label"]
        names = label.names
        self.info = dataset_info.DatasetInfo(
            name=builder.info.name,
            image_size=self.size,
            num_classes=len(names),
            synsets=list(names),
            class_names=ilsvrc2012.describe(names),
            resample=config.resample,
            resize=config.resize,
            splits={
                split: dataset_info.Split(
                    sum(found.shard_lengths),
                    [
                        dataset_info.Shard(file.name, count, "")
                        for file, count in zip(
                            self.files[split], found.shard_lengths, strict=True
                        )
                    ],
                )
                for split, found in splits.items()
            },
            source={"tfds": builder.info.full_name},
        )

    def load_index(self, split, skipped=None):
        """Returns the records of a split; see `Source.load_index`."""
        if self.file_format == "array_record" and split in self.files:
            counts = [s.num_images for s in self.info.splits[split].shards]
            return array_records.load_index(self.files[split], counts)
        return record_index.load_index(self.data_dir, self.info, split, skipped)

    def load_statistics(self):
        """Computes them once, and keeps them next to the set if it may."""
        how = "-squash" if self.info.resize == "squash" else ""
        name = f"alexnet_tf-{self.size}-{self.info.resample}{how}"
        folder = self.data_dir / name
        if (folder / statistics.FILE_NAME).exists():
            return statistics.Statistics.load(folder)
        logging.info("Computing the mean image of %s, once.", self.info.name)
        found = compute_statistics(self)
        try:
            folder.mkdir(exist_ok=True)
            found.save(folder)
        except OSError as error:
            logging.warning("The mean image is not kept: %s", error)
        return found

    def parse(self, serialized):
        """Returns the fields of records; see `records.parse`."""
        if self.has_many_labels:
            return _parse_many(serialized)
        return records.parse(serialized, foreign=True)


def _parse_many(serialized):
    """Returns the fields of records with several labels, `(n, 32)` of them."""
    import tensorflow as tf

    fields = tf.io.parse_example(
        serialized,
        {
            "image": tf.io.FixedLenFeature((), tf.string),
            "file_name": tf.io.FixedLenFeature((), tf.string, ""),
            _MANY: tf.io.VarLenFeature(tf.int64),
        },
    )
    labels = tf.sparse.to_dense(fields.pop(_MANY), default_value=-1)
    # An image with more of them is an error here.
    room = _MOST_LABELS - tf.shape(labels)[1]
    labels = tf.pad(labels, [[0, 0], [0, room]], constant_values=-1)
    fields["label"] = tf.ensure_shape(
        tf.cast(labels, tf.int32), (None, _MOST_LABELS)
    )
    return fields


def load_builder(name, data_dir):
    """Returns TFDS's builder of a set that is there."""
    import tensorflow_datasets as tfds

    remedy = (
        f'Prepare it with: python -c "import tensorflow_datasets as tfds; '
        f"tfds.builder('{name}').download_and_prepare()\", or name its folder "
        "with TFDS_DATA_DIR=DIR before the command, or in a run's config with "
        "--config.data.tfds_data_dir=DIR."
    )
    try:
        builder = tfds.builder(name, data_dir=data_dir or None)
        is_there = bool(dict(builder.info.splits))
    except (tfds.core.DatasetNotFoundError, FileNotFoundError) as error:
        reason = str(error).splitlines()[0]
        raise FileNotFoundError(
            f"TFDS must know tfds:{name}. Received: {reason} {remedy}"
        ) from None
    if not is_there:
        raise FileNotFoundError(
            f"tfds:{name} must have been prepared, and is not in "
            f"{builder.data_dir}. {remedy}"
        )
    features = builder.info.features
    if "image" not in features or not {"label", _MANY} & set(features):
        raise ValueError(
            f"tfds:{name} must have the features image and label. Received: "
            f"{', '.join(features)}"
        )
    file_format = builder.info.file_format.value
    if file_format not in ("tfrecord", "array_record"):
        raise ValueError(
            f"tfds:{name} must be prepared as tfrecord or array_record. "
            f"Received: {file_format}"
        )
    return builder
