"""What every kind of records has: a description, an index, statistics."""

import abc

from input_pipeline import (
    image_cache,
    record_reader,
    records,
    statistics,
    transforms,
)


class Source(abc.ABC):
    """Records with a description.

    Attributes:
        info: A `DatasetInfo`.
        is_ready: Whether every image is a square JPEG of `info.image_size`
            pixels, of which a window can be decoded. Others are decoded
            whole and brought to that size first, which is slower.
        skips: Whether the mean image does without damaged records.
    """

    skips = False

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


def compute_statistics(source):
    """Returns the statistics of every training image of a source."""
    skipped = record_reader.Skipped() if source.skips else None
    index = source.load_index("train", skipped)
    reader = record_reader.Reader(index, skipped)
    sums = statistics.Accumulator(source.info.image_size)
    for squares, *_ in image_cache.make_whole_images(source, reader):
        for image in squares.numpy():
            sums.add(image)
    return sums.finish()
