"""Networks whose gradient goes back by other rules than its own."""

from typing import Any

import keras
import tensorflow as tf

from alexnet_tf import layers
from alexnet_tf import model as models

_NORMS = (
    layers.LocalResponseNormalization,
    # ContrastNormalization is one, too.
    layers.WithinMapNormalization,
)


def with_rule(
    model: keras.Model, rule: str
) -> tuple[keras.Model, dict[str, Any]]:
    """Returns a model that gives the same, and whose gradient differs.

    Args:
        model: What `alexnet_tf.build` returned.
        rule: "guided": at a rectifier, the gradient passes where it is
            positive and where the rectifier is open (Springenberg et al.
            2014). "deconvnet": it passes where it is positive, open or not,
            and goes through normalizations unchanged (Zeiler and Fergus 2013).
            Layers with another activation, such as tanh, keep their gradient.

    Returns:
        The model, and the outputs of its layers by name.
    """

    def call(layer, *inputs):
        if rule == "deconvnet" and isinstance(layer, _NORMS):
            return _PassUnchanged()(*inputs, layer(*inputs))
        is_ours = models.has_activation(layer)
        if is_ours and layer.activation is keras.activations.relu:
            outputs = layer(*inputs, before_activation=True)
            return _Rectifier(rule)(outputs)
        return layer(*inputs)

    return models.recall(model, call)


class _Rectifier(keras.layers.Layer):
    """A rectifier with another gradient.

    Keras's own has the true one, and TensorFlow's way to override it by name
    works on graphs only.
    """

    def __init__(self, rule, **kwargs):
        super().__init__(**kwargs)
        self._rectify = {"guided": _guided, "deconvnet": _deconvnet}[rule]

    def call(self, values):
        """Returns a tensor, or each tower's, rectified."""
        return tf.nest.map_structure(self._rectify, values)


class _PassUnchanged(keras.layers.Layer):
    """Gives a layer's outputs, and hands the gradient to its inputs."""

    def call(self, inputs, outputs):
        """Returns the outputs, a tensor or one of each tower."""
        return tf.nest.map_structure(_pass_unchanged, inputs, outputs)


@tf.custom_gradient
def _guided(x):
    rectified = tf.nn.relu(x)

    def backward(upstream):
        is_open = tf.cast(rectified > 0, upstream.dtype)
        return tf.nn.relu(upstream) * is_open

    return rectified, backward


@tf.custom_gradient
def _deconvnet(x):
    return tf.nn.relu(x), tf.nn.relu


@tf.custom_gradient
def _pass_unchanged(inputs, outputs):
    def backward(upstream):
        return upstream, tf.zeros_like(upstream)

    return tf.identity(outputs), backward
