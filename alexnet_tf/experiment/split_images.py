"""The images of a split, as an experiment's data set has them."""

import numpy as np

from input_pipeline import record_reader, transforms


class SplitImages:
    """What an `Experiment` gives of single images, and where they are."""

    def sample_images(self, split, count):
        """Returns images of a split, evenly spread over it.

        Args:
            split: "train", "validation" or "test".
            count: Images; fewer where no more are there, or whole.

        Returns:
            uint8 `(n, image_size, image_size, 3)`, RGB.
        """
        source, reader = self._open_reader(split)
        count = min(count, len(reader))
        positions = np.linspace(0, len(reader) - 1, count).astype(int)
        size = self.info.image_size
        images = [
            source.square(source.parse(record)["image"])
            for record in reader.read(positions)
        ]
        return np.array(images, np.uint8).reshape(-1, size, size, 3)

    def whole_positions(self, split):
        """Returns the positions of a split's records that are read, `(n,)`.

        All, or with data.on_error=skip, after a pass over them, the whole ones.
        """
        _, reader = self._open_reader(split)
        positions = np.arange(len(reader))
        if reader.skipped is None:
            return positions
        return positions[[len(reader.read([p])) == 1 for p in positions]]

    def _open_reader(self, split):
        """Returns the source of a split, and what reads its records."""
        source = self.open_source(split)
        skips = self.config.data.on_error == "skip"
        skipped = self.skipped if skips else None
        index = source.load_index(split, skipped)
        return source, record_reader.Reader(index, skipped)

    def images_at(self, split, positions, file_names=None):
        """Returns the images at some positions of a split.

        Args:
            split: "train", "validation" or "test".
            positions: Integers from 0, in the order of the records.
            file_names: What the records there must be called, or `None`.

        Returns:
            A list of uint8 `(rows, columns, 3)`, RGB.

        Raises:
            ValueError: The records are others than those of the run, or are
                called otherwise.
        """
        source, reader = self._open_reader(split)
        images = []
        for number, position in enumerate(positions):
            record = source.parse(reader.index.read(int(position)))
            name = record["file_name"].numpy().decode()
            if file_names is not None and name != file_names[number]:
                raise ValueError(
                    f"Image {position} of {split} must be "
                    f"{file_names[number]}, as it was when it was "
                    f"evaluated. Found: {name}. "
                    "Evaluate the present records again."
                )
            images.append(transforms.decode(record["image"]).numpy())
        return images
