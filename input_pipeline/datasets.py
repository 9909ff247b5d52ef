"""Where records come from: our folders, sets of TFDS, rendered images."""

import pathlib

import simplejpeg

from input_pipeline import (
    dataset_info,
    record_index,
    records,
    statistics,
    synthetic,
    tfds_source,
)
from input_pipeline.conversion import images
from input_pipeline.record_source import Source, compute_statistics

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
        return tfds_source.Tfds(rest, config)
    if kind == "synthetic":
        return _Rendered(rest, config)
    return _Folder(name)


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
        return compute_statistics(self)


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
