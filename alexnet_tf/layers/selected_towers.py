"""Towers that read some of the towers below, and not others."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from alexnet_tf.layers import placement


@keras.saving.register_keras_serializable(package="alexnet_tf")
class SelectTowers(keras.layers.Layer):
    """Brings together, for each reader, the maps of the towers that it reads.

    As `MergeTowers`, for networks on four devices whose towers talk in pairs,
    or to two others of three (`layers-153-4gpu.cfg`).

    Input: a list of one tensor a tower; or one tensor, the towers along its
    channels. Output: a list of one tensor a reader; or one tensor, the
    readers' along its channels.

    Args:
        reads: For each reader the numbers of the towers that it reads.
        towers: How many there are.
        devices: A device for each reader, or `None`.
    """

    def __init__(
        self,
        reads: Any,
        towers: int,
        *,
        devices: Sequence[str] | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.reads = tuple(tuple(row) for row in reads)
        self.towers = towers
        self.devices = devices

    def call(self, inputs: Any) -> Any:
        """Returns what each reader sees."""
        apart = isinstance(inputs, (list, tuple))
        if not apart:
            inputs = tf.split(inputs, self.towers, axis=-1)
        seen = []
        for reader, row in enumerate(self.reads):
            with placement.device_scope(self.devices, reader):
                seen.append(tf.concat([inputs[t] for t in row], axis=-1))
        return seen if apart else tf.concat(seen, axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments, less the devices."""
        return {
            **super().get_config(),
            "reads": self.reads,
            "towers": self.towers,
        }
