"""What grouped convolutions and grouped dense layers have in common."""

import keras
import tensorflow as tf

from alexnet_tf.layers import placement


class GroupedLayer(keras.layers.Layer):
    """A layer whose outputs are spread over groups, perhaps over devices.

    Without devices the groups share one kernel and one bias, cut by outputs;
    with devices each has its own, so that its work needs nothing from
    elsewhere.

    Args:
        name_of_outputs: "filters" or "units", for the error.
        outputs: Outputs over all groups; divisible by `groups`.
        groups: Number of groups.
        devices: A device for each group, or `None`.
        activation: As in `keras.layers.Dense`.
        kernel_initializer: As in `keras.layers.Dense`.
        bias_initializer: As in `keras.layers.Dense`.
        parts: Kernels that the groups are spread over: 1, or as many as
            groups. `None` is one a device. A saved model keeps the number.
        **kwargs: Those of `keras.layers.Layer`.

    Attributes:
        kernels: One variable, or one a group.
        biases: The same.

    Raises:
        ValueError: Outputs or devices do not fit the groups.
    """

    def __init__(
        self,
        name_of_outputs,
        outputs,
        groups,
        devices,
        *,
        activation,
        kernel_initializer,
        bias_initializer,
        parts=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if groups < 1 or outputs % groups:
            raise ValueError(
                f"{name_of_outputs} must divide evenly into groups. "
                f"Received: {name_of_outputs}={outputs}, groups={groups}"
            )
        if devices and len(devices) != groups:
            raise ValueError(
                "devices must name one device for each group. "
                f"Received: devices={tuple(devices)}, groups={groups}"
            )
        self.groups = groups
        self.parts = parts or (groups if devices else 1)
        self.devices = devices
        self.activation = keras.activations.get(activation)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)

    def make_parts(self, front, outputs, places=()):
        """Makes kernels `(*front, outputs)` and biases, each on its device.

        Args:
            front: All but the last dimension of a kernel.
            outputs: Outputs over all groups.
            places: All but the last dimension of a bias.
        """
        parts = self.parts
        self.kernels, self.biases = [], []
        for part in range(parts):
            suffix = f"_{part}" if parts > 1 else ""
            with placement.device_scope(self.devices, part):
                kernel = self.add_weight(
                    name=f"kernel{suffix}",
                    shape=(*front, outputs // parts),
                    initializer=self.kernel_initializer,
                )
                bias = self.add_weight(
                    name=f"bias{suffix}",
                    shape=(*places, outputs // parts),
                    initializer=self.bias_initializer,
                )
            self.kernels.append(kernel)
            self.biases.append(bias)

    def per_group(self):
        """Returns the kernel and the bias of each group, as two lists."""
        if len(self.kernels) == self.groups:
            return self.kernels, self.biases
        return (
            tf.split(self.kernels[0], self.groups, axis=-1),
            tf.split(self.biases[0], self.groups, axis=-1),
        )

    def activate(self, values, before_activation=False):
        """Returns values with their activation, or as they are before it.

        All layers that have one take `before_activation` when they are called:
        what a rectifier has set to zero can be seen, and the gradient taken
        there.
        """
        return values if before_activation else self.activation(values)

    def get_config(self):
        """Returns what all such layers are made of, less the devices."""
        return {
            **super().get_config(),
            "groups": self.groups,
            "parts": self.parts,
            "activation": keras.activations.serialize(self.activation),
            "kernel_initializer": keras.initializers.serialize(
                self.kernel_initializer
            ),
            "bias_initializer": keras.initializers.serialize(
                self.bias_initializer
            ),
        }
