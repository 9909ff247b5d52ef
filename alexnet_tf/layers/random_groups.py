"""Random groups of channels, of the authors' first networks."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf


def random_groups(reads: Any, channels: int, groups: int, seed: int) -> Any:
    """Returns the channels that each group of each tower sees.

    Every tower's maps are shuffled and dealt to the groups evenly, for each
    reader anew, as `randSparse` of the authors' program has it.

    Args:
        reads: For each reader the numbers of the towers that it reads.
        channels: Of a tower.
        groups: Of a reader.
        seed: Integer; another one, other groups.

    Returns:
        A list of integers: channels of all towers side by side, reader after
        reader, in each group after group.

    Raises:
        ValueError: The channels do not divide evenly.
    """
    if groups < 1 or channels % groups:
        raise ValueError(
            "channels must divide evenly into groups. "
            f"Received: channels={channels}, groups={groups}"
        )
    rng = np.random.Generator(np.random.Philox(key=seed))
    found = []
    for row in reads:
        dealt = [
            tower * channels + rng.permutation(channels).reshape(groups, -1)
            for tower in row
        ]
        found.append(np.concatenate(dealt, axis=1))
    return np.concatenate(found).ravel().tolist()


@keras.saving.register_keras_serializable(package="alexnet_tf")
class GatherChannels(keras.layers.Layer):
    """Puts channels into another order; some may come more than once.

    Args:
        indices: Numbers of the channels, in their new order.
    """

    def __init__(self, indices: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self.indices = list(indices)
        self.devices = None

    def call(self, maps: tf.Tensor) -> Any:
        """Returns the maps in the new order."""
        return tf.gather(maps, self.indices, axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "indices": self.indices}
