"""What a unit wants: images that move a class or a feature map most.

Activation maximization (Erhan et al. 2009), as in Olah, Mordvintsev and
Schubert, "Feature Visualization" (Distill, 2017).
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from alexnet_tf import model as models
from alexnet_tf.analysis.deconvnet import check_channels

# Of the noise in the beginning, in units of the colours' deviations, and of
# the climb (Adam). The publication's.
_NOISE, _RATE = 0.01, 0.05
# Pixels that a sigmoid moves by where it is steepest, for each unit.
_STEEPEST = 255 / 4


def maximize(
    model: keras.Model,
    layer_name: str,
    units: Sequence[int],
    *,
    mean_rgb: Any,
    covariance: Any,
    steps: int = 256,
    seed: int = 0,
    progress: Any = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Returns images that move units as far as they can be moved.

    The recipe: an image is the inverse Fourier transform of a spectrum, whose
    frequencies are scaled by one over the frequency, as photographs have them;
    its three values a pixel run along the principal components of the training
    images' colours; a sigmoid keeps pixels within 0 to 255. It begins as noise
    of a hundredth of a deviation around the mean colour. Adam climbs the
    unit's value for so many steps, at a rate of 0.05; before each, the image
    is moved by up to a fourteenth of its side along both axes, around the
    edge, so that nothing depends on a single pixel.

    A map's value is its mean over rows and columns. Values are those before a
    rectifier, where a silent unit has a gradient too; a class's are logits.

    Args:
        model: What `alexnet_tf.build` returned.
        layer_name: A layer's name, such as "fc8" or "conv5".
        units: Numbers of maps, or of neurons; of fc8, labels.
        mean_rgb: `(3,)`, as of `Statistics`: what the model's images lack.
        covariance: `(3, 3)`, of the pixels of the training images.
        steps: Of the climb.
        seed: Another one, another image of the same unit.
        progress: Has `update(steps)`, or `None`.

    Returns:
        Images uint8 `(n, size, size, 3)`, and the units' values float32 `(n,)`.

    Raises:
        ValueError: There is no such layer or unit, or a number is less than 1.
    """
    extract = models.feature_extractor(model, layer_name, True)
    units = list(units)
    check_channels(units, extract.output_shape[-1], layer_name)
    if not units or steps < 1:
        raise ValueError(
            "There must be units, and steps must be 1 or more. "
            f"Received: {len(units)} units, steps={steps}"
        )
    size = model.input_shape[1]
    paint = _Paint(size, np.asarray(mean_rgb), np.asarray(covariance))
    shape = (2, len(units), 3, size, size // 2 + 1)
    noise = tf.random.stateless_normal(shape, (seed, 0), stddev=_NOISE)
    spectrum = tf.Variable(noise)
    optimizer = keras.optimizers.Adam(_RATE)
    optimizer.build([spectrum])
    choice = tf.one_hot(units, extract.output_shape[-1])

    def value(images):
        outputs = tf.cast(extract(images, training=False), tf.float32)
        outputs = tf.reshape(outputs, (len(units), -1, outputs.shape[-1]))
        return tf.reduce_sum(tf.reduce_mean(outputs, axis=1) * choice, axis=1)

    @tf.function
    def climb(shift):
        with tf.GradientTape() as tape:
            images = tf.roll(paint(spectrum) - paint.mean, shift, (1, 2))
            loss = -tf.reduce_sum(value(images))
        optimizer.apply(tape.gradient(loss, [spectrum]), [spectrum])

    most = max(1, size // 14)
    for step in range(steps):
        climb(
            tf.random.stateless_uniform(
                (2,), (seed, step + 1), -most, most + 1, tf.int32
            )
        )
        if progress is not None:
            progress.update(1)
    images = np.round(paint(spectrum).numpy()).astype(np.uint8)
    return images, value(images.astype(np.float32) - paint.mean).numpy()


def count_units(model: keras.Model, layer_name: str) -> int:
    """Returns the maps or neurons of a layer.

    Raises:
        ValueError: There is no such layer.
    """
    return models.feature_extractor(model, layer_name).output_shape[-1]


class _Paint:
    """From spectra to images of 0 to 255.

    Args:
        size: Rows and columns.
        mean_rgb: `(3,)`.
        covariance: `(3, 3)`.
    """

    def __init__(self, size, mean_rgb, covariance):
        self.size = size
        self.mean = np.asarray(mean_rgb, np.float32)
        rows = np.fft.fftfreq(size)[:, np.newaxis]
        frequency = np.hypot(rows, np.fft.rfftfreq(size))
        # An orthonormal transform: a spectrum of ones has pixels of about one.
        scale = size / np.maximum(frequency * size, 1)
        self._scale = (scale / scale.std()).astype(np.float32)
        values, axes = np.linalg.eigh(covariance)
        colours = axes * np.sqrt(np.maximum(values, 0))
        self._colours = (colours / _STEEPEST).astype(np.float32)
        share = (self.mean / 255).clip(0.02, 0.98)
        self._middle = np.log(share / (1 - share))

    def __call__(self, spectrum):
        """Returns float32 `(n, size, size, 3)`.

        Args:
            spectrum: Float32 `(2, n, 3, size, size // 2 + 1)`: real and
                imaginary parts.
        """
        waves = tf.complex(*tf.unstack(spectrum * self._scale))
        values = tf.signal.irfft2d(waves, [self.size, self.size]) * self.size
        values = tf.transpose(values, (0, 2, 3, 1))
        values = tf.einsum("nijk,ck->nijc", values, self._colours)
        return 255 * tf.sigmoid(values + self._middle)
