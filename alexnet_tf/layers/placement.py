"""Where the parts of a layer are computed.

A layer that is cut into towers takes a list of tensors, one a tower, and gives
a list. `devices` names a device for each tower, or is `None`: then everything
stays where TensorFlow puts it. A device is a matter of the running machine, so
no layer writes it into its configuration.

The gradient follows only if it is asked for with
`colocate_gradients_with_ops=True`, as `training.step` does: a `GradientTape`
puts the whole backward pass on the default device, whatever the scopes said.
"""

import contextlib

import tensorflow as tf


def device_scope(devices, tower):
    """Returns a scope that puts operations and variables on a tower's device.

    Without devices it leaves everything alone; `tf.device(None)` would reset
    the scope around it.
    """
    if not devices:
        return contextlib.nullcontext()
    device = devices[tower]
    if isinstance(device, PerReplica):
        return device.scope()
    return tf.device(device)


class PerReplica:
    """A tower's device on every replica of a `MirroredStrategy`.

    The strategy would put a variable on the first device of each replica,
    whatever scope is around it. Its variable creator listens to
    `colocate_with`, though, of which it asks the devices alone; this leans on
    that, in this class only, and a test of the placement holds it.

    Args:
        devices: Names, one a replica.
    """

    def __init__(self, devices):
        # The name that the strategy reads.
        self._devices = tuple(
            d if d.startswith("/") else f"/device:{d}" for d in devices
        )

    @contextlib.contextmanager
    def scope(self):
        """A scope for operations and variables."""
        context = tf.distribute.get_replica_context()
        replicates = tf.distribute.has_strategy()
        replica = 0
        if context is not None and replicates:
            replica = context._replica_id

        def creator(next_creator, **kwargs):
            if replicates and kwargs.get("colocate_with") is None:
                kwargs["colocate_with"] = self
            return next_creator(**kwargs)

        with (
            tf.variable_creator_scope(creator),
            tf.device(self._devices[replica]),
        ):
            yield

    def __repr__(self):
        return f"PerReplica{self._devices}"


def map_towers(function, inputs, devices):
    """Applies a function to a tensor, or to each tower's on its device.

    Args:
        function: Maps a tensor to a tensor. Called as `function(x, tower)`.
        inputs: A tensor, or a list of one tensor a tower.
        devices: A device string for each tower, or `None`.

    Returns:
        A tensor, or a list like `inputs`.
    """
    if not isinstance(inputs, (list, tuple)):
        with device_scope(devices, 0):
            return function(inputs, 0)
    outputs = []
    for tower, tensor in enumerate(inputs):
        with device_scope(devices, tower):
            outputs.append(function(tensor, tower))
    return outputs
