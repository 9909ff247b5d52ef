"""Convolution whose kernels are not shared, for CIFAR-10's networks."""

import keras
import tensorflow as tf

from alexnet_tf.layers import placement
from alexnet_tf.layers.grouped import GroupedLayer


@keras.saving.register_keras_serializable(package="alexnet_tf")
class LocallyConnected2D(GroupedLayer):
    """A convolution with another kernel and bias at every place.

    The "local" layer of the authors' `conv-local` networks. Keras 3 has none.

    Input shape: `(batch, height, width, channels)`, or a list of one such
    tensor a group. Output shape: `(batch, new_height, new_width, filters)`, or
    a list with `filters / groups` channels each.

    The kernel is `(new_height, new_width, kernel_size ** 2 * channels,
    filters)`, its third axis in row, column, channel order; the bias is
    `(new_height, new_width, filters)`.

    Args:
        filters: Output channels over all groups; divisible by `groups`.
        kernel_size: Rows and columns of a window.
        padding: Zeros on every side of the map. Windows are a pixel apart.
        groups: Number of groups.
        devices: A device for each group, or `None`.
        activation: As in `keras.layers.Conv2D`.
        kernel_initializer: As in `keras.layers.Conv2D`.
        bias_initializer: As in `keras.layers.Conv2D`.

    Raises:
        ValueError: Filters, channels or devices do not fit the groups.
    """

    def __init__(
        self,
        filters,
        kernel_size,
        padding=0,
        groups=1,
        devices=None,
        *,
        activation=None,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        **kwargs,
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
        self.kernel_size = kernel_size
        self.padding = padding

    def build(self, input_shape):
        """Makes a kernel and a bias for every place."""
        if isinstance(input_shape[0], (list, tuple)):
            _, height, width, channels = input_shape[0]
        else:
            _, height, width, channels = input_shape
            if channels % self.groups:
                raise ValueError(
                    "Channels must divide evenly into groups. "
                    f"Received: {channels} channels, groups={self.groups}"
                )
            channels //= self.groups
        shrink = self.kernel_size - 1 - 2 * self.padding
        self.places = (height - shrink, width - shrink)
        window = self.kernel_size**2 * channels
        self.make_parts((*self.places, window), self.filters, self.places)

    def call(self, inputs):
        """Returns the outputs of a tensor, or of each group's tensor."""
        apart = isinstance(inputs, (list, tuple))
        if not apart:
            inputs = tf.split(inputs, self.groups, axis=-1)
        kernels, biases = self.per_group()
        outputs = placement.map_towers(
            lambda x, group: self._multiply(x, kernels[group], biases[group]),
            inputs,
            self.devices,
        )
        return outputs if apart else tf.concat(outputs, axis=-1)

    def _multiply(self, inputs, kernel, bias):
        """Multiplies every window of one group by its own kernel."""
        sides = [self.padding, self.padding]
        padded = tf.pad(inputs, [[0, 0], sides, sides, [0, 0]])
        height, width = self.places
        # Slices have a fast gradient everywhere; extract_patches has none.
        windows = tf.concat(
            [
                padded[:, top : top + height, left : left + width]
                for top in range(self.kernel_size)
                for left in range(self.kernel_size)
            ],
            axis=-1,
        )
        kernel = tf.cast(kernel, inputs.dtype)
        outputs = tf.einsum("nyxi,yxio->nyxo", windows, kernel)
        return self.activation(outputs + tf.cast(bias, inputs.dtype))

    def get_config(self):
        """Returns the constructor's arguments, less the devices."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "padding": self.padding,
        }
