"""A grey square over an image: what a network misses when it cannot see.

Figure 6 of Zeiler and Fergus, "Visualizing and Understanding Convolutional
Networks" (2013): the class's probability, or a feature map's strength, as a
function of where the square is.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from alexnet_tf import model as models
from alexnet_tf.analysis import saliency
from alexnet_tf.analysis.batches import map_batches
from alexnet_tf.analysis.deconvnet import check_channels


def occlusion(
    model: keras.Model,
    images: Any,
    classes: Any = None,
    *,
    window: int,
    stride: int,
    fill: float = 0.0,
    layer_name: str | None = None,
    channel: int = 0,
    batch_size: int = 32,
    progress: Any = None,
) -> np.ndarray:
    """Returns what a network says while a square hides a part of an image.

    Args:
        model: Maps images to logits.
        images: float32 `(n, size, size, 3)`, as the model takes them.
        classes: Labels `(n,)`, one label for all, or `None` for each image's
            best when nothing is hidden.
        window: Rows and columns of the square, in pixels.
        stride: Distance between its places, in pixels. The last place touches
            the edge, whatever the stride, so that all of the image is hidden
            once.
        fill: What the square is filled with; 0 is the mean image's grey.
        layer_name: Where given, the strength of a feature map of this
            convolution is measured: the sum of its activations.
        channel: The number of the map.
        batch_size: Images that go through together at most.
        progress: Has `update(places)`, or `None`.

    Returns:
        float32 `(n, rows, columns)`, one value for each place of the square,
        from the upper left one: the class's probability, or the map's
        strength. Where it is low, the square hides what matters.

    Raises:
        ValueError: There are no images, a label is no class, the window does
            not fit, the stride is less than 1, or there is no such map.
    """
    occlude = make_occlusion(
        model,
        window=window,
        stride=stride,
        fill=fill,
        layer_name=layer_name,
        channel=channel,
    )
    return occlude(images, classes, batch_size=batch_size, progress=progress)


def make_occlusion(
    model: keras.Model,
    *,
    window: int,
    stride: int,
    fill: float = 0.0,
    layer_name: str | None = None,
    channel: int = 0,
) -> Callable[..., np.ndarray]:
    """Returns `occlusion` of a model and window as a compiled function.

    Args:
        model: As of `occlusion`, like all others.
        window: The same.
        stride: The same.
        fill: The same.
        layer_name: The same.
        channel: The same.

    Returns:
        A function of images, classes or `None`, `batch_size` and `progress`.

    Raises:
        ValueError: The window does not fit, the stride is less than 1, or
            there is no such map.
    """
    starts = places(model.input_shape[1], window, stride)
    grid = np.stack(np.meshgrid(starts, starts, indexing="ij"), axis=-1)
    grid = grid.reshape(-1, 2).astype(np.int32)
    compute = _probability(model)
    if layer_name is not None:
        name = saliency.check_convolution(model, layer_name)
        check_channels(channel, model.get_layer(name).filters, name)
        compute = _strength(models.feature_extractor(model, name), channel)
    logits_of = tf.function(lambda images: (model(images, training=False),))

    @tf.function
    def answer(images, corners, classes):
        return (compute(_hide(images, corners, window, fill), classes),)

    def occlude(images, classes=None, batch_size=32, progress=None):
        images, classes = saliency.check_inputs(model, images, classes)
        if layer_name is None and len(classes) and classes[0] < 0:
            (logits,) = map_batches(logits_of, (images,), batch_size)
            classes = np.argmax(logits, axis=1).astype(np.int32)
        numbers = np.repeat(np.arange(len(images)), len(grid))
        (found,) = map_batches(
            lambda rows, corners: answer(images[rows], corners, classes[rows]),
            (numbers, np.tile(grid, (len(images), 1))),
            batch_size,
            progress,
        )
        return found.reshape(len(images), len(starts), len(starts))

    return occlude


def places(size: int, window: int, stride: int) -> np.ndarray:
    """Returns the upper or left edges of the square's places along a side.

    Args:
        size: Rows or columns of the image.
        window: Of the square.
        stride: Distance between places.

    Raises:
        ValueError: The window does not fit, or the stride is less than 1.
    """
    if not 1 <= window <= size or stride < 1:
        raise ValueError(
            f"The window must be from 1 to {size} pixels, and the stride 1 or "
            f"more. Received: window={window}, stride={stride}"
        )
    last = size - window
    return np.unique([*range(0, last, stride), last])


def mean_over_windows(
    values: np.ndarray, size: int, window: int, stride: int
) -> np.ndarray:
    """Returns for each pixel the mean over the places that hide it.

    Args:
        values: `(rows, columns)`, one for each place.
        size: Rows and columns of the image.
        window: As of `occlusion`.
        stride: The same.

    Returns:
        float64 `(size, size)`.
    """
    starts = places(size, window, stride)
    sums, counts = np.zeros((size, size)), np.zeros((size, size))
    for row, top in enumerate(starts):
        for column, left in enumerate(starts):
            hidden = np.s_[top : top + window, left : left + window]
            sums[hidden] += values[row, column]
            counts[hidden] += 1
    return sums / counts


def _hide(images, corners, window, fill):
    """Returns images, each with a square over it."""
    pixels = tf.range(tf.shape(images)[1])[tf.newaxis]
    rows, columns = (
        (pixels >= start) & (pixels < start + window)
        for start in (corners[:, :1], corners[:, 1:])
    )
    hidden = rows[:, :, tf.newaxis] & columns[:, tf.newaxis, :]
    grey = tf.constant(fill, images.dtype)
    return tf.where(hidden[..., tf.newaxis], grey, images)


def _probability(model):
    """Returns a function of images and classes to the classes' share."""

    def compute(images, classes):
        logits = tf.cast(model(images, training=False), tf.float32)
        return tf.gather(tf.nn.softmax(logits), classes, batch_dims=1)

    return compute


def _strength(extract, channel):
    """Returns a function of images to the sum of a map's activations."""

    def compute(images, classes):
        maps = tf.cast(extract(images, training=False), tf.float32)
        return tf.reduce_sum(maps[..., channel], axis=(1, 2))

    return compute
