"""Where records come from: our folders, sets of TFDS, rendered images."""

import abc
import pathlib

import simplejpeg
from absl import logging

from input_pipeline import (
    array_records,
    dataset_info,
    ilsvrc2012,
    image_cache,
    record_index,
    record_reader,
    records,
    statistics,
    synthetic,
    transforms,
)
from input_pipeline.conversion import images

# Rendered images of a class, as `tools/render_dataset.py` has them.
_RENDERED = {"train": 200, "validation": 50}


def open_source(config, data_dir=None):
    """Returns the source that a config names.

    Args:
        config: A `DataConfig`.
        data_dir: Wins over `config.directory`; or an opened source, which is
            returned as it is.

    Raises:
        FileNotFoundError: There is no such folder or TFDS set.
        ValueError: The name is none that we know.
    """
    if isinstance(data_dir, Source):
        return data_dir
    name = str(data_dir or config.directory)
    kind, _, rest = name.partition(":")
    if kind == "tfds":
        return _Tfds(rest, config)
    if kind == "synthetic":
        return _Rendered(rest, config)
    return _Folder(name)


class Source(abc.ABC):
    """Records with a description.

    Attributes:
        info: A `DatasetInfo`.
        is_ready: Whether every image is a square JPEG of `info.image_size`
            pixels, of which a window can be decoded. Others are decoded
            whole and brought to that size first, which is slower.
    """

    @abc.abstractmethod
    def load_index(self, split, skipped=None):
        """Returns the records of a split: a length, and `read(position)`.

        Args:
            split: "train", "validation" or "test".
            skipped: A `record_reader.Skipped`, or `None` where damage is an
                error.
        """

    @abc.abstractmethod
    def load_statistics(self):
        """Returns the `Statistics` of the training images."""

    def parse(self, serialized):
        """Returns the fields of records; see `records.parse`."""
        return records.parse(serialized)

    def square(self, image_bytes):
        """Returns an image file as one of the records' size; see `info`."""
        return transforms.square_from_bytes(
            image_bytes,
            self.info.image_size,
            self.info.resample,
            self.info.resize,
        )


class _Folder(Source):
    """What `tools/build_tfrecords.py` made."""

    is_ready = True

    def __init__(self, data_dir):
        self.data_dir = pathlib.Path(data_dir)
        self.info = dataset_info.DatasetInfo.load(data_dir)
        if self.info.image_size == 0:
            raise ValueError(
                "The records must all be of one size. Received: image_size=0, "
                "images as they were. Convert them with --image_size=256."
            )

    def load_index(self, split, skipped=None):
        return record_index.load_index(self.data_dir, self.info, split, skipped)

    def load_statistics(self):
        return statistics.Statistics.load(self.data_dir)


class _Tfds(Source):
    """A set that TFDS has prepared, with image and label.

    A set without a validation split, such as CIFAR-10, is validated on its
    test split.
    """

    is_ready = False

    def __init__(self, name, config):
        self.size = config.image_size
        builder = _load_builder(name, config.tfds_data_dir)
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
        found = _compute_statistics(self)
        try:
            folder.mkdir(exist_ok=True)
            found.save(folder)
        except OSError as error:
            logging.warning("The mean image is not kept: %s", error)
        return found

    def parse(self, serialized):
        return records.parse(serialized, foreign=True)


class _Rendered(Source):
    """Images that are painted when they are read."""

    is_ready = True

    def __init__(self, classes, config):
        most = len(synthetic.CLASSES)
        if not classes.isdigit() or not 2 <= int(classes) <= most:
            raise ValueError(
                f"synthetic:CLASSES must name 2 to {most} classes, such as "
                f"synthetic:{most}. Received: synthetic:{classes}"
            )
        shown = synthetic.CLASSES[: int(classes)]
        counts = {s: n * len(shown) for s, n in _RENDERED.items()}
        self.info = dataset_info.DatasetInfo(
            name="synthetic",
            image_size=config.image_size,
            num_classes=len(shown),
            synsets=[c.synset for c in shown],
            class_names=[c.name for c in shown],
            resample=config.resample,
            resize=config.resize,
            splits={
                split: dataset_info.Split(
                    count, [dataset_info.Shard("rendered", count, "")]
                )
                for split, count in counts.items()
            },
            source={"synthetic": synthetic.VERSION},
        )

    def load_index(self, split, skipped=None):
        del skipped
        if split not in self.info.splits:
            raise record_index.no_such_split("synthetic", self.info, split)
        return _RenderedIndex(self.info, split)

    def load_statistics(self):
        return _compute_statistics(self)


class _RenderedIndex:
    """Paints a record at each position; the classes take turns."""

    def __init__(self, info, split):
        self.info = info
        self.split = split
        self.known = {}

    def __len__(self):
        return self.info.splits[self.split].num_images

    def read(self, position):
        """Returns the record at a position."""
        position = int(position)
        if position not in self.known:
            self.known[position] = self._render(position)
        return self.known[position]

    def _render(self, position):
        number, label = divmod(position, self.info.num_classes)
        image = simplejpeg.decode_jpeg(
            synthetic.render_jpeg(0, self.split, label, number)
        )
        if self.info.resize != "squash":
            image = images.centre_square(image)
        image = images.scale(image, self.info.image_size, self.info.resample)
        return records.serialize(
            simplejpeg.encode_jpeg(image, quality=95),
            label,
            f"{self.split}-{position}.JPEG",
            self.info.synsets[label],
        )


def _load_builder(name, data_dir):
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


def _compute_statistics(source):
    """Returns the statistics of every training image of a source."""
    reader = record_reader.Reader(source.load_index("train"))
    sums = statistics.Accumulator(source.info.image_size)
    for squares, *_ in image_cache.make_whole_images(source, reader):
        for image in squares.numpy():
            sums.add(image)
    return sums.finish()
