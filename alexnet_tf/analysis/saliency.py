"""Where a network looked: Grad-CAM and guided backpropagation.

Grad-CAM: Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks
via Gradient-based Localization" (2017). Guided backpropagation: Springenberg
et al., "Striving for Simplicity: The All Convolutional Net" (2014).
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from alexnet_tf import layers
from alexnet_tf import model as models
from alexnet_tf.analysis import gradient_rules
from alexnet_tf.analysis.batches import map_batches

_CONVOLUTIONS = (
    layers.GroupedConv2D,
    layers.LocallyConnected2D,
    keras.layers.Conv2D,
)


def gradcam(
    model: keras.Model,
    images: Any,
    classes: Any = None,
    layer_name: str | None = None,
    *,
    batch_size: int = 32,
) -> np.ndarray:
    """Returns where in images a convolution found what speaks for a class.

    With y the class's logit and A the layer's maps, rectified, the map is
    `relu(sum_k a_k A_k)` with `a_k` the mean of dy/dA_k over rows and columns.
    It is not normalized. With towers on devices k runs over all of them.

    For many calls, `make_gradcam` compiles once.

    Args:
        model: Maps images to logits; what `alexnet_tf.build` returned, or any
            functional Keras model with convolutions.
        images: float32 `(n, size, size, 3)`, as the model takes them.
        classes: Labels `(n,)`, one label for all, or `None` for each image's
            best.
        layer_name: A convolution; the last one, if `None`.
        batch_size: Images that go through together at most.

    Returns:
        float32 `(n, rows, columns)` of the layer's maps, 0 or more.

    Raises:
        ValueError: There are no images, a label is no class, or the layer is
            no convolution; the message lists those that are.
    """
    compute = make_gradcam(model, layer_name)
    images, classes = check_inputs(model, images, classes)
    return map_batches(compute, (images, classes), batch_size)[0]


def guided_backpropagation(
    model: keras.Model,
    images: Any,
    classes: Any = None,
    *,
    batch_size: int = 32,
) -> np.ndarray:
    """Returns which pixels speak for a class, by guided backpropagation.

    The gradient of the class's logit, whose negative parts are set to zero at
    each rectifier, too.

    Args:
        model: What `alexnet_tf.build` returned.
        images: As of `gradcam`.
        classes: The same.
        batch_size: The same.

    Returns:
        float32 `(n, size, size, 3)`, of either sign.

    Raises:
        ValueError: There are no images, or a label is no class.
    """
    compute = make_guided(model)
    images, classes = check_inputs(model, images, classes)
    return map_batches(compute, (images, classes), batch_size)[0]


def make_gradcam(
    model: keras.Model, layer_name: str | None = None
) -> Callable[..., Any]:
    """Returns `gradcam` of a model and layer as a compiled function.

    Args:
        model: As of `gradcam`.
        layer_name: The same.

    Returns:
        A function of a batch of images and, for each, its label or -1 for the
        best class, to a tuple of the maps and of the labels `(n,)`.

    Raises:
        ValueError: The layer is no convolution.
    """
    extract = _maps_and_logits(model, layer_name)
    return tf.function(lambda images, c: _gradcam(extract, images, c))


def make_guided(model: keras.Model) -> Callable[..., Any]:
    """Returns `guided_backpropagation` of a model as a compiled function.

    Args:
        model: As of `guided_backpropagation`.

    Returns:
        A function of a batch of images and, for each, its label or -1 for the
        best class, to a tuple of the gradients.
    """
    guided, _ = gradient_rules.with_rule(model, "guided")

    @tf.function
    def compute(images, classes):
        score, _ = _score(guided(images, training=False), classes)
        return tuple(tf.gradients(score, images))

    return compute


def gradcam_graph(model: keras.Model) -> Callable[..., Any]:
    """Returns Grad-CAM of the last convolution, to be part of other graphs.

    Returns:
        A function of a tensor of images to the best class's maps.
    """
    extract = _maps_and_logits(model, None)

    def compute(images):
        best = tf.fill(tf.shape(images)[:1], -1)
        return _gradcam(extract, images, best)[0]

    return compute


def convolutions(model: keras.Model) -> list[str]:
    """Returns the names of a model's convolutions, from the image up."""
    return [x.name for x in model.layers if isinstance(x, _CONVOLUTIONS)]


def check_convolution(model: keras.Model, name: str | None) -> str:
    """Returns a convolution's name: the last one's for `None`.

    Raises:
        ValueError: It is none; the message lists those that are.
    """
    names = convolutions(model)
    if not names:
        raise ValueError("The model must have a convolution. It has none.")
    name = names[-1] if name is None else name
    models.check_layer(name, names)
    return name


def _maps_and_logits(model, layer_name):
    """Returns a model of both: a convolution's maps, and the logits."""
    layer = model.get_layer(check_convolution(model, layer_name))
    return keras.Model(model.input, [layer.output, model.output])


def _gradcam(extract, images, classes):
    """Returns the maps of images for classes, and these, in a graph."""
    maps, logits = extract(images, training=False)
    score, classes = _score(logits, classes)
    towers = maps if isinstance(maps, list) else [maps]
    # What is below the maps is not gone through, nor are kernels' gradients.
    gradients = tf.compat.v1.gradients(
        score, towers, colocate_gradients_with_ops=len(towers) > 1
    )
    total = 0.0
    for tower, gradient in zip(towers, gradients, strict=True):
        weights = tf.reduce_mean(
            tf.cast(gradient, tf.float32), axis=(1, 2), keepdims=True
        )
        total += tf.reduce_sum(weights * tf.cast(tower, tf.float32), axis=-1)
    return tf.nn.relu(total), classes


def _score(logits, classes):
    """Returns the sum of the images' logits of classes, and these.

    Images know nothing of each other: the sum's gradient has each one's own.
    """
    logits = tf.cast(logits, tf.float32)
    best = tf.argmax(logits, axis=1, output_type=tf.int32)
    classes = tf.where(classes < 0, best, classes)
    return tf.reduce_sum(tf.gather(logits, classes, batch_dims=1)), classes


def check_inputs(model, images, classes):
    """Returns images and labels as arrays of one length; -1 is the best."""
    images = np.asarray(images, np.float32)
    count = model.output_shape[-1]
    if classes is None:
        return images, np.full(len(images), -1, np.int32)
    classes = np.broadcast_to(np.asarray(classes, np.int32), len(images))
    if len(classes) and not 0 <= classes.min() <= classes.max() < count:
        raise ValueError(
            f"Classes must be from 0 to {count - 1}. "
            f"Received: {classes.min()} to {classes.max()}"
        )
    return images, classes
