"""A network with what belongs to it: from image files to class names."""

import dataclasses
import functools
import os
import pathlib
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from alexnet_tf import evaluation, preprocessing
from alexnet_tf.analysis import class_names, saliency
from alexnet_tf.model import feature_extractor
from input_pipeline import dataset_info, image_headers, transforms
from input_pipeline.statistics import Statistics

# Images that go through the network together.
_BATCH = 32
_ENDINGS = (".gif", ".jpeg", ".jpg", ".png")


@dataclasses.dataclass(frozen=True, eq=False)
class Classifier:
    """A trained network, and how images must come to it.

    Attributes:
        model: From float32 `(n, crop_size, crop_size, 3)`, less the mean
            image, to logits `(n, classes)`.
        statistics: Of the images it was trained on.
        class_names: By label.
        mean: How the mean image is subtracted; see `DataConfig`.
        resample: The filter that brings images to size; see `DatasetInfo`.
        resize: "shorter side" or "squash"; see `DatasetInfo`.
        synsets: WordNet ids, or folder names, by label, where they are known.

    Raises:
        ValueError: The parts do not belong together.
    """

    model: keras.Model
    statistics: Statistics
    class_names: list[str]
    mean: str = "paper"
    resample: str = "triangle"
    resize: str = "shorter side"
    synsets: Sequence[str] = ()

    def __post_init__(self):
        if len(self.class_names) != self.model.output_shape[-1]:
            raise ValueError(
                "There must be a name for each class. Received: "
                f"{len(self.class_names)} names, "
                f"{self.model.output_shape[-1]} classes"
            )
        if self.image_size < self.crop_size:
            raise ValueError(
                "The mean image must be at least as large as a crop. "
                f"Received: {self.image_size} and {self.crop_size} pixels"
            )
        dataset_info.check_resample(self.resample)
        dataset_info.check_resize(self.resize)

    @property
    def image_size(self) -> int:
        """Rows and columns of the records it was trained on."""
        return len(np.asarray(self.statistics.mean_image))

    @property
    def crop_size(self) -> int:
        """Rows and columns of what the network sees."""
        return self.model.input_shape[1]

    def square(self, image_bytes: Any, position: int = 0) -> Any:
        """Returns an image file as the records hold theirs.

        Args:
            image_bytes: String scalar: a JPEG, PNG or still GIF file.
            position: Of the image among others, for the message.

        Returns:
            uint8 `(image_size, image_size, 3)`, RGB.

        Raises:
            tf.errors.InvalidArgumentError: It is no such file, or its header
                says that it is too large.
        """
        # Before any memory is taken for its pixels.
        image_bytes = image_headers.check(image_bytes, position)
        return transforms.square_from_bytes(
            image_bytes, self.image_size, self.resample, self.resize
        )

    def crops(self, images: Any, crops: int = 1) -> Any:
        """Returns what the network sees of images; see `evaluation_crops`.

        Args:
            images: uint8 `(n, image_size, image_size, 3)`, RGB.
            crops: 1 for the centre, 10 for those of §4.1.
        """
        return transforms.evaluation_crops(
            images,
            # An array: a constant of whatever graph this is called in, where
            # a tensor would be one more input to it.
            np.asarray(self.statistics.mean_image, np.float32),
            self.crop_size,
            crops,
            self.mean,
        )

    def probabilities(self, images: Any, crops: int = 1) -> np.ndarray:
        """Returns what the network says of images, averaged over the crops.

        Args:
            images: uint8 `(n, image_size, image_size, 3)`, RGB.
            crops: 1 or 10.

        Returns:
            float32 `(n, classes)`.
        """
        return self._predict(self.crops(tf.constant(images), crops)).numpy()

    def classify(
        self,
        files: Sequence[str | os.PathLike[str]],
        top: int = 5,
        crops: int = 1,
    ) -> list:
        """Names what image files show.

        Args:
            files: Paths.
            top: Classes a file.
            crops: 1 for the centre, 10 for those of §4.1.

        Returns:
            For each file a list of `(label, class name, probability)`, best
            first.

        Raises:
            FileNotFoundError: One of them is not there.
            ValueError: One of them is no image; it is named.
        """
        found = []
        for images in self._read(files):
            found += preprocessing.decode_predictions(
                self.probabilities(images, crops), self.class_names, top
            )
        return found

    def features(
        self, files: Sequence[str | os.PathLike[str]], layer_name: str = "fc7"
    ) -> np.ndarray:
        """Returns what a layer says of the centres of image files.

        Args:
            files: Paths.
            layer_name: Whose outputs, rectified; Figure 4's is fc7.

        Returns:
            float32 `(n, ...)`.

        Raises:
            FileNotFoundError: One of them is not there.
            ValueError: One of them is no image; it is named.
        """
        extract = feature_extractor(self.model, layer_name)
        outputs = [
            np.asarray(extract(self.crops(images), training=False), np.float32)
            for images in self._read(files)
        ]
        return np.concatenate(outputs)

    def explain(
        self,
        file: str | os.PathLike[str],
        label: str | int | None = None,
        layer_name: str | None = None,
    ) -> np.ndarray:
        """Returns where in an image file's centre the network looked: Grad-CAM.

        `analysis.saliency` has more, and says what the numbers mean.

        Args:
            file: Its path.
            label: A class, as `find_class` takes it; the best, if `None`.
            layer_name: A convolution; the last one, if `None`.

        Returns:
            float32 `(rows, columns)` of the layer's maps, 0 or more.

        Raises:
            FileNotFoundError: It is not there.
            ValueError: It is no image, or there is no such class or layer.
        """
        crops = self.crops(self.read(file)[tf.newaxis])
        label = None if label is None else self.find_class(label)
        return saliency.gradcam(self.model, crops, label, layer_name)[0]

    def find_class(self, text: str | int) -> int:
        """Returns the label of a class: by number, WordNet id or name.

        Raises:
            ValueError: There is no such class, or there are several.
        """
        return class_names.find_class(text, self.class_names, self.synsets)

    @functools.cached_property
    def _predict(self):
        """The network's probabilities, compiled once."""
        return evaluation.make_predictor(self.model)

    def _read(self, files):
        """Yields the squares of files, a batch at a time."""
        files = [files] if isinstance(files, str) else list(files)
        for start in range(0, len(files), _BATCH):
            batch = files[start : start + _BATCH]
            yield tf.stack([self.read(file) for file in batch])

    def read(self, file: str | os.PathLike[str]) -> Any:
        """Returns an image file as the records hold theirs.

        Args:
            file: Its path.

        Returns:
            uint8 `(image_size, image_size, 3)`, RGB.

        Raises:
            FileNotFoundError: It is not there.
            ValueError: It is no image.
        """
        image_bytes = pathlib.Path(file).read_bytes()
        try:
            return self.square(image_bytes)
        except tf.errors.InvalidArgumentError:
            raise ValueError(
                f"{file} must be an image, JPEG or PNG, of at most "
                f"{image_headers.MAX_PIXELS} pixels. Received: "
                f"{len(image_bytes)} bytes that are none"
            ) from None


def find_images(paths) -> list[pathlib.Path]:
    """Returns image files, those of folders in the order of their names.

    Args:
        paths: Of files, taken as they are; of folders, whose files with an
            image's ending are taken, also from the folders in them.

    Raises:
        FileNotFoundError: One of them is not there.
        ValueError: A folder has no such file.
    """
    found = []
    for path in map(pathlib.Path, paths):
        if not path.is_dir():
            # A wrong name is missed before there is work to lose.
            path.stat()
            found.append(path)
            continue
        inside = [p for p in path.rglob("*") if p.suffix.lower() in _ENDINGS]
        if not inside:
            raise ValueError(
                f"{path} must hold image files. Found: none that end with "
                f"{', '.join(_ENDINGS)}"
            )
        found += sorted(inside)
    return found
