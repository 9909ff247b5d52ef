"""Images into the model, class names out of it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from alexnet_tf import ilsvrc2012

# Probabilities of float16 sum to 1 within this; logits do not by chance.
_SUM_TOLERANCE = 0.01


def preprocess_input(images: Any, statistics: Any = None) -> Any:
    """Returns images as the network takes them: less the mean.

    Pixels stay on the scale of 0 to 255, which the first weights, the rates
    and the constants of §3.3 were made for.

    Args:
        images: `(n, size, size, 3)` or `(size, size, 3)`, RGB of 0 to 255. As
            large as the mean image, or smaller: then less its central part.
        statistics: A `Statistics` of the training data; `None` is the mean
            colour of ILSVRC-2012.

    Returns:
        float32 tensor of the same shape.

    Raises:
        ValueError: The images are larger than the mean image, or not RGB.
    """
    images = tf.cast(images, tf.float32)
    if images.shape.rank not in (3, 4) or images.shape[-1] != 3:
        raise ValueError(
            "images must be RGB, (n, size, size, 3) or (size, size, 3). "
            f"Received: {images.shape}"
        )
    if statistics is None or statistics.mean_image is None:
        mean = statistics.mean_rgb if statistics else ilsvrc2012.MEAN_RGB
        return images - tf.constant(mean, tf.float32)
    mean_image = statistics.mean_image
    height, width = images.shape[-3:-1]
    top = mean_image.shape[0] - height
    left = mean_image.shape[1] - width
    if top < 0 or left < 0:
        raise ValueError(
            "Images must be at most as large as the mean image. Received: "
            f"{height} x {width}, mean image {mean_image.shape[:2]}"
        )
    window = mean_image[top // 2 :, left // 2 :][:height, :width]
    return images - window.astype(np.float32)


def decode_predictions(
    predictions: Any, class_names: Sequence[str] | None = None, top: int = 5
) -> list[list[tuple[int, str, float]]]:
    """Returns the best classes of each image, best first.

    Args:
        predictions: `(n, classes)`: probabilities, or logits, as the network
            gives them; rows that are no probabilities are softmaxed.
        class_names: By label; `None` is ILSVRC-2012's thousand.
        top: Classes an image.

    Returns:
        A list of lists of `(label, class name, probability)`.

    Raises:
        ValueError: The names are not as many as the classes, or a prediction
            is no number.
    """
    predictions = np.asarray(predictions, np.float64)
    if class_names is None:
        class_names = ilsvrc2012.class_names()
    if predictions.ndim != 2 or predictions.shape[1] != len(class_names):
        raise ValueError(
            "predictions must be (n, classes), with a name for each class. "
            f"Received: {len(class_names)} names, {predictions.shape[-1]} "
            f"classes, {predictions.shape}. Pass class_names=."
        )
    if not np.isfinite(predictions).all():
        raise ValueError(
            "predictions must be numbers. Received: one that is infinite or "
            "none. Are the images finite, and RGB of 0 to 255 less the mean?"
        )
    probabilities = _probabilities(predictions)
    order = np.argsort(-probabilities, axis=-1, kind="stable")[:, :top]
    return [
        [(int(i), class_names[i], float(row[i])) for i in best]
        for row, best in zip(probabilities, order, strict=True)
    ]


def _probabilities(predictions):
    """Returns the rows, softmaxed unless all of them are probabilities."""
    sums = predictions.sum(axis=1)
    if predictions.min(initial=0) >= 0 and np.all(
        abs(sums - 1) < _SUM_TOLERANCE
    ):
        return predictions
    powers = np.exp(predictions - predictions.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
