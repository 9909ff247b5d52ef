"""The part of an image that an activation depends on."""

import dataclasses

import keras
import numpy as np


@dataclasses.dataclass(frozen=True)
class ReceptiveField:
    """What the activations of a map see of the image.

    Attributes:
        size: Rows and columns.
        stride: Distance between neighbours' fields, in pixels.
        start: Upper and left edge of the first activation's field; negative
            where it reaches over the image's edge.
    """

    size: int
    stride: int = 1
    start: int = 0

    def window(self, row: int, column: int, image_size: int) -> tuple:
        """Returns the field of an activation, moved to lie in the image.

        Args:
            row: Of the activation.
            column: Of the activation.
            image_size: Rows and columns of the image.

        Returns:
            Two slices, both as long as the field, or as the image.
        """
        size = min(self.size, image_size)
        starts = [
            int(np.clip(self.start + place * self.stride, 0, image_size - size))
            for place in (row, column)
        ]
        return tuple(slice(start, start + size) for start in starts)


def receptive_field(model: keras.Model, layer_name: str) -> ReceptiveField:
    """Returns the receptive field of a layer's activations.

    Response normalization within maps is left out: it widens a field by a few
    faint pixels.

    Args:
        model: What `alexnet_tf.build` returned.
        layer_name: A convolution or pool.
    """
    found = ReceptiveField(1)
    for layer in model.layers:
        size = getattr(layer, "kernel_size", getattr(layer, "pool_size", 1))
        if size != 1:
            size, stride = _one(size), _one(getattr(layer, "strides", 1))
            before = _padding_before(layer, size, stride)
            found = ReceptiveField(
                found.size + (size - 1) * found.stride,
                found.stride * stride,
                found.start - before * found.stride,
            )
        if layer.name == layer_name:
            break
    return found


def _one(value):
    """Returns a number of rows, of one for both directions or of a pair."""
    return value[0] if isinstance(value, (list, tuple)) else value


def _padding_before(layer, size, stride):
    """Returns the zeros, or the missing pixels, above and left of a map."""
    if layer.padding == "same":
        inputs = (
            layer.input[0] if isinstance(layer.input, list) else layer.input
        )
        rows = inputs.shape[1]
        over = (-(-rows // stride) - 1) * stride + size - rows
        return max(over, 0) // 2
    return 0 if layer.padding == "valid" else _one(layer.padding)
