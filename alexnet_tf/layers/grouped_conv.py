"""Grouped convolution: the towers' convolution of §3.2."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from alexnet_tf.layers import placement
from alexnet_tf.layers.grouped import GroupedLayer


@keras.saving.register_keras_serializable(package="alexnet_tf")
class GroupedConv2D(GroupedLayer):
    """Convolves groups of channels apart from each other.

    Computes what `keras.layers.Conv2D(groups=...)` computes, with the same
    variables on one device. That layer goes through XLA, whose gradient on a
    CPU is several times slower; TensorFlow's own grouped convolution has no
    gradient there at all. This one is split, convolve, concatenate.

    Input shape: `(batch, height, width, channels)`, split among the groups.
    Or a list of one such tensor a group: then the output is a list too, and
    nothing crosses from one group to another.

    Output shape: `(batch, new_height, new_width, filters)`, or a list of
    tensors with `filters / groups` channels each.

    Args:
        filters: Output channels over all groups; divisible by `groups`.
        kernel_size: Rows and columns of a kernel.
        strides: Distance between windows, in pixels.
        padding: "valid", "same", or a pair: zeros before (top and left) and
            behind (bottom and right) the map.
        groups: Number of groups. Paper: 2, one a GPU.
        devices: A device for each group, or `None`. With devices each group's
            variables and work are on its own.
        activation: As in `keras.layers.Conv2D`.
        kernel_initializer: As in `keras.layers.Conv2D`.
        bias_initializer: As in `keras.layers.Conv2D`.

    Raises:
        ValueError: Filters, channels or devices do not fit the groups.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int | tuple[int, int],
        strides: int | tuple[int, int] = 1,
        padding: Any = "valid",
        groups: int = 2,
        devices: Sequence[str] | None = None,
        *,
        activation: Any = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        **kwargs: Any,
    ):
        super().__init__(
            "filters",
            filters,
            groups,
            devices,
            activation=activation,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            **kwargs,
        )
        self.filters = filters
        self.kernel_size = _pair(kernel_size)
        self.strides = _pair(strides)
        self.padding = padding if isinstance(padding, str) else tuple(padding)

    def build(self, input_shape: Any) -> None:
        """Makes one kernel and bias, or with devices one of each a group."""
        if isinstance(input_shape[0], (list, tuple)):
            channels = input_shape[0][-1]
        elif input_shape[-1] % self.groups:
            raise ValueError(
                "Channels must divide evenly into groups. "
                f"Received: {input_shape[-1]} channels, groups={self.groups}"
            )
        else:
            channels = input_shape[-1] // self.groups
        self.make_parts((*self.kernel_size, channels), self.filters)

    def call(self, inputs: Any, before_activation: bool = False) -> Any:
        """Returns the convolution of a tensor, or of each group's tensor.

        Args:
            inputs: See the class.
            before_activation: Whether to leave the activation out.
        """

        def convolve(x, kernel, bias):
            outputs = self.convolve(x, kernel, bias)
            return self.activate(outputs, before_activation)

        apart = isinstance(inputs, (list, tuple))
        if not apart:
            if self.groups == 1:
                return convolve(inputs, self.kernels[0], self.biases[0])
            inputs = tf.split(inputs, self.groups, axis=-1)
        kernels, biases = self.per_group()
        outputs = placement.map_towers(
            lambda x, group: convolve(x, kernels[group], biases[group]),
            inputs,
            self.devices,
        )
        return outputs if apart else tf.concat(outputs, axis=-1)

    def convolve(self, inputs: Any, kernel: tf.Tensor, bias: Any) -> Any:
        """Convolves one group, with its bias."""
        padding = self.padding
        if not isinstance(padding, str):
            inputs, padding = self._pad(inputs)
        kernel = tf.cast(kernel, inputs.dtype)
        outputs = tf.nn.conv2d(inputs, kernel, self.strides, padding.upper())
        return tf.nn.bias_add(outputs, tf.cast(bias, inputs.dtype))

    def _pad(self, inputs):
        """Returns the inputs, padded if need be, and the rest as a word.

        A convolution with numbers for its padding trains at two thirds of the
        speed on a CPU: its gradient takes another way.
        """
        before, behind = self.padding
        # What "same" pads where windows are a pixel apart, and odd in size.
        same = {(size - 1) / 2 for size in self.kernel_size}
        if self.strides == (1, 1) and same == {before} == {behind}:
            return inputs, "same"
        if before or behind:
            sides = [before, behind]
            inputs = tf.pad(inputs, [[0, 0], sides, sides, [0, 0]])
        return inputs, "valid"

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments, less the devices."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
        }


def _pair(value):
    """Returns rows and columns, from one number or from both."""
    return (value, value) if isinstance(value, int) else tuple(value)
