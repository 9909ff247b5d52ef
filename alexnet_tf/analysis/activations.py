"""What layers say of images, by one pass of the network.

For a split or files, in one file: `write` and `load`, of `activation_file`.
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from alexnet_tf import model as models
from alexnet_tf.analysis.activation_file import Activations, load, write

__all__ = ["Activations", "Extractor", "load", "write"]

# Behind a layer's name: what comes before its rectifier.
PREACTIVATION = "preactivation"


class Extractor:
    """All wanted layers of a network, by one pass.

    Args:
        model: What `alexnet_tf.build` returned.
        layers: Names; "conv5:preactivation" is what conv5 gives before its
            rectifier; ["all"] is every layer.
        towers: 2, say, to have each tower's maps apart, "conv5:tower1" and
            "conv5:tower2"; the last layer has none. With 1 they are merged,
            the first tower's maps first.
        dtype: "float32" or "float16".

    Attributes:
        shapes: Of an image's activations, by name.

    Raises:
        ValueError: There is no such layer; those that there are, are named.
    """

    def __init__(
        self,
        model: keras.Model,
        layers: Sequence[str],
        towers: int = 1,
        dtype: str = "float32",
    ):
        self.dtype = np.dtype(dtype)
        known = [layer.name for layer in model.layers[1:]]
        wanted = known if list(layers) == ["all"] else list(layers)
        _check_names(wanted, known)
        again, outputs = _tap(model, wanted)
        parts = {}
        for name, output in outputs.items():
            if towers == 1 or name.partition(":")[0] == known[-1]:
                parts[name] = output
                continue
            apart = keras.ops.split(output, towers, -1)
            for tower, part in enumerate(apart, 1):
                parts[f"{name}:tower{tower}"] = part
        self.shapes = {name: tuple(x.shape[1:]) for name, x in parts.items()}
        taps = keras.Model(again.input, list(parts.values()))
        self._call = tf.function(
            # Keras gives a tensor where there is one output.
            lambda images: [
                tf.cast(x, self.dtype)
                for x in tf.nest.flatten(taps(images, training=False))
            ],
            input_signature=[
                tf.TensorSpec((None, *model.input_shape[1:]), tf.float32)
            ],
        )

    def __call__(self, images: Any) -> list[np.ndarray]:
        """Returns `(n, ...)` arrays, in the order of `shapes`."""
        # Their own memory, which `numpy()` would copy.
        return [np.asarray(memoryview(x)) for x in self._call(images)]


def _check_names(wanted, known):
    """Refuses names of layers that are not there, and double ones."""
    for name in wanted:
        layer, _, what = name.partition(":")
        is_ours = what in ("", PREACTIVATION)
        models.check_layer(layer if is_ours else name, known)
    if len(set(wanted)) < len(wanted) or not wanted:
        raise ValueError(
            "Layers must be named, each once. Received: "
            f"{', '.join(wanted) or 'none'}"
        )


def _tap(model, wanted):
    """Returns a model, and the wanted outputs of its layers by name."""
    before = {}

    def call(layer, *inputs):
        name = f"{layer.name}:{PREACTIVATION}"
        if name not in wanted:
            return layer(*inputs)
        if not models.has_activation(layer):
            raise ValueError(
                f"{name} must be a layer with a rectifier. Received: a "
                f"{type(layer).__name__}"
            )
        before[name] = layer(*inputs, before_activation=True)
        return _Activate(layer.activation)(before[name])

    again, after = models.recall(model, call)
    found = {**after, **before}
    return again, {name: _merged(found[name]) for name in wanted}


def _merged(output):
    """Returns a tensor, of one or of each tower's."""
    if not isinstance(output, list | tuple):
        return output
    return keras.layers.Concatenate()(output) if len(output) > 1 else output[0]


class _Activate(keras.layers.Layer):
    """An activation, of a tensor or of each tower's."""

    def __init__(self, activation, **kwargs):
        super().__init__(**kwargs)
        self._activation = activation

    def call(self, values):
        """Returns the same structure."""
        return tf.nest.map_structure(self._activation, values)
