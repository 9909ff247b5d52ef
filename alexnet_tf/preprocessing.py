"""Images into the model, class names out of it."""

import numpy as np
import tensorflow as tf


def preprocess_input(images, statistics):
    """Returns images as the network takes them: less the mean image.

    Args:
        images: `(n, size, size, 3)`, RGB of 0 to 255. As large as the mean
            image, or smaller: then less its central part.
        statistics: A `Statistics` of the training data.

    Returns:
        float32 tensor of the same shape.

    Raises:
        ValueError: The images are larger than the mean image.
    """
    images = tf.cast(images, tf.float32)
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


def decode_predictions(probabilities, class_names, top=5):
    """Returns the best classes of each image, best first.

    Args:
        probabilities: `(n, classes)`.
        class_names: By label.
        top: Classes an image.

    Returns:
        A list of lists of `(label, class name, probability)`.
    """
    probabilities = np.asarray(probabilities)
    if probabilities.shape[-1] != len(class_names):
        raise ValueError(
            "There must be a name for each class. Received: "
            f"{len(class_names)} names, {probabilities.shape[-1]} classes"
        )
    order = np.argsort(-probabilities, axis=-1, kind="stable")[:, :top]
    return [
        [(int(i), class_names[i], float(row[i])) for i in best]
        for row, best in zip(probabilities, order, strict=True)
    ]
