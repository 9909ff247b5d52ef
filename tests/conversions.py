"""Small conversions that several tests look at."""

import pytest
import tensorflow as tf

from input_pipeline import record_index, records
from input_pipeline.conversion import convert
from input_pipeline.conversion.sources import ilsvrc
from input_pipeline.dataset_info import DatasetInfo

SETTINGS = convert.Settings(
    name="toy", image_size=16, train_shards=4, validation_shards=2
)
REQUEST = {"ilsvrc_dir": "toy", "image_size": 16}


def run(directory, output_dir, settings=SETTINGS, on_error="fail", **options):
    source = ilsvrc.open_source(directory, on_error)
    return convert.convert(
        source, settings, output_dir, REQUEST, on_error=on_error, **options
    )


def contents_of(directory):
    """Returns name and bytes of every file in a folder."""
    return {p.name: p.read_bytes() for p in sorted(directory.iterdir())}


def read_all(data_dir, split="train"):
    info = DatasetInfo.load(data_dir)
    index = record_index.load_index(data_dir, info, split)
    serialized = [index.read(i) for i in range(len(index))]
    fields = records.parse(tf.constant(serialized))
    return {name: value.numpy().tolist() for name, value in fields.items()}


def interrupt(archives, output_dir, after_images):
    """Starts a conversion of archives and cuts it off."""
    interrupt_source(ilsvrc.open_source(archives), output_dir, after_images)


def interrupt_source(source, output_dir, after_images):
    """Starts a conversion and cuts it off."""

    class Progress(convert._NoProgress):
        done = 0

        def update(self, finished):
            self.done += finished
            if self.done >= after_images:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        convert.convert(
            source, SETTINGS, output_dir, REQUEST, make_progress=Progress
        )
