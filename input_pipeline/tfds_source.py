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


class Tfds(Source):
    """A set that TFDS has prepared, with image and label.

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
        names = builder.info.features["label"].names
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
        return records.parse(serialized, foreign=True)


def load_builder(name, data_dir):
    """Returns TFDS's builder of a set that is there."""
    import tensorflow_datasets as tfds

    remedy = (
        f'Prepare it with: python -c "import tensorflow_datasets as tfds; '
        f"tfds.builder('{name}').download_and_prepare()\", or name its folder "
        "with --config.data.tfds_data_dir=DIR."
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
    if not {"image", "label"} <= set(features):
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
