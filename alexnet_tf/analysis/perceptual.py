"""LPIPS: how different two images look, by AlexNet's features.

Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual
Metric", 2018; version 0.1, net "alex", with linear heads.
"""

import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from alexnet_tf.weights import lpips as lpips_weights
from input_pipeline import image_headers, transforms

# Of images from -1 to 1: what LPIPS feeds its trunk, RGB.
_SHIFT = np.array([-0.030, -0.088, -0.188])
_SCALE = np.array([0.458, 0.448, 0.450])
# What the length of a feature is raised by before it divides.
_EPSILON = 1e-10
# A length of 0 has no gradient: below this square it counts as its root.
_SMALLEST_SQUARE = 1e-38
# Below it the last convolution sees no pixel.
MIN_PIXELS = 31

_Weights = (
    str
    | os.PathLike[str]
    | Sequence[str | os.PathLike[str]]
    | Mapping[str, np.ndarray]
)


@keras.saving.register_keras_serializable(package="alexnet_tf")
class LPIPS:
    """The perceptual distance of images: a function, and a loss for Keras.

        lpips = alexnet_tf.analysis.LPIPS(["alexnet.pth", "alex.pth"])
        distances = lpips(a, b)
        autoencoder.compile(loss=lpips)

    Features behind the five rectifiers, each divided by its Euclidean norm
    over the channels plus 1e-10; their squared differences, weighted by a head
    and summed over channels, averaged over rows and columns, summed over the
    layers. The gradient is 0, and no NaN, where two images are equal.

    Args:
        weights: Files, see `weights.lpips.load`; or a dict of such arrays.
        value_range: Black and white of images that are not uint8: (0, 255),
            or (-1, 1) and (0, 1) as other programs have them.

    Raises:
        FileNotFoundError: A file is not there.
        ValueError: Something of the weights is missing.
    """

    def __init__(
        self,
        weights: _Weights,
        value_range: tuple[float, float] = (0.0, 255.0),
    ):
        low, high = map(float, value_range)
        if not low < high:
            raise ValueError(
                "value_range must be black and white, the lower one first. "
                f"Received: {value_range}"
            )
        self.value_range = (low, high)
        self._files: list[str] | None = None
        if isinstance(weights, Mapping):
            arrays = lpips_weights.check(weights)
        else:
            if isinstance(weights, str | os.PathLike):
                weights = [weights]
            self._files = [os.fspath(path) for path in weights]
            arrays = lpips_weights.load(self._files)
        self._arrays = arrays
        self._distances = tf.function(self._compute)
        # Keras names a loss by it.
        self.__name__ = "lpips"

    def __call__(self, a: Any, b: Any) -> Any:
        """Returns the distance of each image of `a` to that of `b`.

        Args:
            a: `(n, height, width, 3)`, RGB: uint8, or numbers of
                `value_range`; 31 pixels a side or more.
            b: The same shape.

        Returns:
            float32 `(n,)`, 0 for equal images.

        Raises:
            ValueError: The images are no such.
        """
        a, b = tf.convert_to_tensor(a), tf.convert_to_tensor(b)
        _check_images(a.shape, b.shape)
        return self._distances(self._scale(a), self._scale(b))

    def _scale(self, images):
        """Returns images as float32, on the scale of uint8."""
        low, high = self.value_range
        if images.dtype == tf.uint8 or (low, high) == (0.0, 255.0):
            return tf.cast(images, tf.float32)
        return (tf.cast(images, tf.float32) - low) * (255.0 / (high - low))

    def _compute(self, a, b):
        """Returns the distances of images of 0 to 255."""
        weights = self._arrays
        # From -1 to 1, less the shift, over the scale; what pads is 0 then.
        maps = tf.concat([a, b], axis=0) - np.float32(127.5 * (1 + _SHIFT))
        first = weights["conv1/kernel"] / (127.5 * _SCALE)[:, np.newaxis]
        total = 0.0
        for number in range(1, 6):
            if number in (2, 3):
                maps = tf.nn.max_pool2d(maps, 3, 2, "VALID")
            if number == 1:
                maps = tf.pad(maps, [[0, 0], [2, 2], [2, 2], [0, 0]])
                maps = tf.nn.conv2d(maps, np.float32(first), 4, "VALID")
            else:
                kernel = weights[f"conv{number}/kernel"]
                maps = tf.nn.conv2d(maps, kernel, 1, "SAME")
            maps = tf.nn.bias_add(maps, weights[f"conv{number}/bias"])
            maps = tf.nn.relu(maps)
            total += _layer_distance(maps, weights[f"lpips{number}/kernel"])
        return total

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments, for a saved model.

        Raises:
            ValueError: The weights were arrays, and not files.
        """
        if self._files is None:
            raise ValueError(
                "A model that is saved with this loss must find its weights "
                "again: make LPIPS of files, not of arrays, or save with "
                "include_optimizer=False."
            )
        return {"weights": self._files, "value_range": self.value_range}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "LPIPS":
        """Makes it again, of `get_config`'s dict."""
        return cls(config["weights"], tuple(config["value_range"]))


@keras.saving.register_keras_serializable(package="alexnet_tf")
class LPIPSMetric(keras.metrics.Mean):
    """The mean LPIPS of all images so far, as a Keras metric.

    Args:
        lpips: An `LPIPS`.
        name: Of the metric.
        **kwargs: Those of `keras.metrics.Metric`.
    """

    def __init__(self, lpips: LPIPS, name: str = "lpips", **kwargs: Any):
        super().__init__(name=name, **kwargs)
        self._lpips = lpips

    def update_state(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> None:
        """Adds the distances of a batch of pairs."""
        super().update_state(self._lpips(y_true, y_pred), sample_weight)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "lpips": keras.saving.serialize_keras_object(self._lpips),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "LPIPSMetric":
        """Makes it again, of `get_config`'s dict."""
        lpips = keras.saving.deserialize_keras_object(config["lpips"])
        return cls(**{**config, "lpips": lpips})


def read_image(path: str | os.PathLike[str]) -> Any:
    """Returns the pixels of an image file, as they are.

    Args:
        path: A JPEG, PNG or still GIF file; grey and CMYK become RGB.

    Returns:
        uint8 `(height, width, 3)`, RGB.

    Raises:
        FileNotFoundError: It is not there.
        ValueError: It is no image, or too large.
    """
    contents = pathlib.Path(path).read_bytes()
    try:
        return transforms.decode(image_headers.check(tf.constant(contents), 0))
    except tf.errors.InvalidArgumentError:
        raise ValueError(
            f"{path} must be an image, JPEG or PNG, of at most "
            f"{image_headers.MAX_PIXELS} pixels. Received: {len(contents)} "
            "bytes that are none"
        ) from None


def _layer_distance(maps, head):
    """Returns what a layer adds to the distances.

    Args:
        maps: `(2 n, rows, columns, channels)`, of all first and all second
            images.
        head: `(channels,)`.
    """
    squares = tf.reduce_sum(tf.square(maps), axis=-1, keepdims=True)
    lengths = tf.sqrt(tf.maximum(squares, _SMALLEST_SQUARE)) + _EPSILON
    first, second = tf.split(maps / lengths, 2)
    differences = tf.math.squared_difference(first, second)
    return tf.reduce_mean(tf.linalg.matvec(differences, head), axis=[1, 2])


def _check_images(a, b):
    """Refuses shapes that are no pairs of images."""
    if a.rank != 4 or b.rank != 4 or not a.is_compatible_with(b) or a[3] != 3:
        raise ValueError(
            "Images must be pairs of one size, (n, height, width, 3), RGB. "
            f"Received: {a} and {b}"
        )
    if min(side or MIN_PIXELS for side in a[1:3]) < MIN_PIXELS:
        raise ValueError(
            f"Images must be at least {MIN_PIXELS} pixels high and wide for "
            f"LPIPS. Received: {a[1]} x {a[2]}"
        )
