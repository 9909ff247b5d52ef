"""The other layers of a network that is cut into towers (§3.2)."""

import math
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from alexnet_tf.layers import placement
from alexnet_tf.layers.grouped import GroupedLayer


class _Pool2D:
    """What both pools have in common; see `MaxPool2D`."""

    def __init__(self, *args, activation=None, devices=None, **kwargs):
        super().__init__(*args, **kwargs)
        # Keras admits one tensor only; this layer admits a list as well.
        self.input_spec = None
        self.activation = keras.activations.get(activation)
        self.devices = devices

    def call(self, inputs, before_activation=False):
        """Returns the pooled tensor or tensors; see `GroupedLayer.activate`."""
        pool = super().call

        def pool_one(x, tower):
            return pool(x) if before_activation else self.activation(pool(x))

        return placement.map_towers(pool_one, inputs, self.devices)

    def compute_output_shape(self, input_shape):
        """Returns the shape of each pooled tensor."""
        if isinstance(input_shape[0], (list, tuple)):
            return [self.compute_output_shape(shape) for shape in input_shape]
        return super().compute_output_shape(input_shape)

    def get_config(self):
        """Returns the constructor's arguments, less the devices."""
        return {
            **super().get_config(),
            "activation": keras.activations.serialize(self.activation),
        }


@keras.saving.register_keras_serializable(package="alexnet_tf")
class MaxPool2D(_Pool2D, keras.layers.MaxPooling2D):
    """Max pooling of a tensor, or of each tower's tensor on its device.

    Args:
        activation: Applied behind the pool, as the authors' program does with
            some rectifiers. It takes fewer values, and gives the same.
        devices: A device for each tower, or `None`.
        **kwargs: Those of `keras.layers.MaxPooling2D`.
    """


@keras.saving.register_keras_serializable(package="alexnet_tf")
class AveragePool2D(_Pool2D, keras.layers.AveragePooling2D):
    """Average pooling; arguments as in `MaxPool2D`.

    A window that reaches over the edge divides by what it covers.
    """


@keras.saving.register_keras_serializable(package="alexnet_tf")
class MergeTowers(keras.layers.Layer):
    """Brings the maps of all towers together on every device that reads them.

    Here, and only here, data crosses from one tower's device to another's.

    Input: a list of one tensor a tower. Output: their concatenation along the
    channels, as a list of one copy a reader.

    Args:
        readers: How many towers read the result. On one device they share
            one tensor.
        devices: A device for each reader, or `None`.
    """

    def __init__(
        self,
        readers: Any = 1,
        *,
        devices: Sequence[str] | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.readers = readers
        self.devices = devices

    def call(self, inputs: Any) -> Any:
        """Returns the merged maps, once for each reader."""
        if not self.devices:
            return [tf.concat(inputs, axis=-1)] * self.readers
        merged = []
        for reader in range(self.readers):
            with placement.device_scope(self.devices, reader):
                merged.append(tf.concat(inputs, axis=-1))
        return merged

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments, less the devices."""
        return {**super().get_config(), "readers": self.readers}


@keras.saving.register_keras_serializable(package="alexnet_tf")
class SplitTowers(keras.layers.Layer):
    """Gives every tower its own part of the channels; undoes `MergeTowers`.

    Input: a list of one tensor, or of one copy of it a tower. Output: a list
    of one tensor a tower.

    Args:
        towers: How many.
        devices: A device for each tower, or `None`.
    """

    def __init__(
        self,
        towers: int = 2,
        *,
        devices: Sequence[str] | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.towers = towers
        self.devices = devices

    def call(self, inputs: Any) -> Any:
        """Returns the parts."""
        if len(inputs) == 1:
            inputs = list(inputs) * self.towers
        return placement.map_towers(
            lambda x, tower: tf.split(x, self.towers, axis=-1)[tower],
            inputs,
            self.devices,
        )

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments, less the devices."""
        return {**super().get_config(), "towers": self.towers}


@keras.saving.register_keras_serializable(package="alexnet_tf")
class GroupedDense(GroupedLayer):
    """A fully connected layer whose neurons are spread over devices.

    Input: a tensor `(batch, ...)`, of whose last axis each group reads its own
    part, flattened in row, column, channel order. Output: `(batch, units)`.
    With one group that is `keras.layers.Dense` behind `Flatten`.

    Or a list of one tensor a group: then the output is a list of
    `(batch, units / groups)`. Where every group reads a copy of the same
    values, together they are one `keras.layers.Dense`; where each reads its
    own tower's, they are apart.

    Args:
        units: Neurons over all groups; divisible by `groups`.
        groups: Number of groups.
        devices: A device for each group, or `None`.
        activation: As in `keras.layers.Dense`.
        kernel_initializer: As in `keras.layers.Dense`.
        bias_initializer: As in `keras.layers.Dense`.
    """

    def __init__(
        self,
        units: int,
        groups: int = 1,
        devices: Sequence[str] | None = None,
        *,
        activation: Any = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        **kwargs: Any,
    ):
        super().__init__(
            "units",
            units,
            groups,
            devices,
            activation=activation,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            **kwargs,
        )
        self.units = units

    def build(self, input_shape: Any) -> None:
        """Makes a kernel and a bias for each group."""
        if isinstance(input_shape[0], (list, tuple)):
            self.inputs = math.prod(input_shape[0][1:])
        elif input_shape[-1] % self.groups:
            raise ValueError(
                "Channels must divide evenly into groups. "
                f"Received: {input_shape[-1]} channels, groups={self.groups}"
            )
        else:
            self.inputs = math.prod(input_shape[1:]) // self.groups
        self.make_parts((self.inputs,), self.units)

    def call(self, inputs: Any, before_activation: bool = False) -> Any:
        """Returns the outputs, or each group's.

        Args:
            inputs: See the class.
            before_activation: Whether to leave the activation out.
        """
        apart = isinstance(inputs, (list, tuple))
        kernels, biases = self.per_group()

        def multiply(x, group):
            x = tf.reshape(x, (-1, self.inputs))
            outputs = tf.matmul(x, tf.cast(kernels[group], x.dtype))
            bias = tf.cast(biases[group], x.dtype)
            outputs = tf.nn.bias_add(outputs, bias)
            return self.activate(outputs, before_activation)

        if not apart:
            if self.groups == 1:
                return multiply(inputs, 0)
            inputs = tf.split(inputs, self.groups, axis=-1)
        outputs = placement.map_towers(multiply, inputs, self.devices)
        return outputs if apart else tf.concat(outputs, axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments, less the devices."""
        return {**super().get_config(), "units": self.units}
