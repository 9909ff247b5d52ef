"""Dropout as §4.2 scales it, with another mask on every replica."""

import contextlib
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import tensorflow as tf

from alexnet_tf.layers import placement

# Replicas are traced in threads of their own.
_part = threading.local()


@contextlib.contextmanager
def part_of_step(number: Any) -> Iterator[None]:
    """A scope in which a part of a batch is computed, with masks of its own.

    Args:
        number: Of the part, from 0; an integer or a tensor of one.
    """
    _part.number = number
    try:
        yield
    finally:
        _part.number = 0


@keras.saving.register_keras_serializable(package="alexnet_tf")
class Dropout(keras.layers.Layer):
    """Sets a random share of the activations to zero in training.

    `keras.layers.Dropout` keeps a random state that no checkpoint holds and
    that gives every replica the same mask. The masks of this layer follow
    from (seed, step, part, replica, tower) alone: a resumed run draws what an
    undisturbed one would have drawn.

    Input and output: a tensor of any shape, or a list of one a tower.

    Args:
        rate: Share set to zero. Paper: 0.5.
        scaling: "paper" leaves the rest alone in training and multiplies by
            1 - `rate` afterwards, as §4.2 does. "inverted" divides by
            1 - `rate` in training and leaves everything alone afterwards, as
            Keras does.
        seed: Integer; layers of one network need different ones.
        devices: A device for each tower, or `None`.

    Raises:
        ValueError: `rate` or `scaling` is impossible.
    """

    def __init__(
        self,
        rate: float = 0.5,
        *,
        scaling: str = "paper",
        seed: int = 0,
        devices: Sequence[str] | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if not 0 <= rate < 1:
            raise ValueError(
                f"rate must be at least 0 and below 1. Received: rate={rate}"
            )
        if scaling not in ("paper", "inverted"):
            raise ValueError(
                "scaling must be paper or inverted. "
                f"Received: scaling={scaling!r}"
            )
        self.rate = rate
        self.scaling = scaling
        self.seed = seed
        self.devices = devices
        self._read_step: Any = None
        # For those who train without `training.step`, with `fit` for example.
        self._seed_generator = keras.random.SeedGenerator(seed)

    def follow(self, step: Any) -> None:
        """Draws masks for the number in `step` from now on.

        Args:
            step: A variable that counts updates, the optimizer's for example.
        """
        # Behind a function: Keras would take the counter for the layer's own.
        self._read_step = lambda: step

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Returns masked inputs in training, scaled ones otherwise."""
        keep = 1.0 - self.rate
        if not training:
            scale = keep if self.scaling == "paper" else 1.0
            return placement.map_towers(
                lambda x, tower: x * tf.cast(scale, x.dtype),
                inputs,
                self.devices,
            )
        seed = self._draw_seed()
        scale = 1.0 if self.scaling == "paper" else 1.0 / keep

        def mask(x, tower):
            # The same numbers on every kind of device, so that a run may move.
            uniform = tf.random.stateless_uniform(
                tf.shape(x), seed + [tower, 0], alg="philox"
            )
            kept = tf.cast(uniform < keep, x.dtype)
            return x * kept * tf.cast(scale, x.dtype)

        return placement.map_towers(mask, inputs, self.devices)

    def _draw_seed(self):
        """Returns two integers for this step and replica."""
        if self._read_step is None:
            first, second = tf.unstack(
                tf.cast(self._seed_generator.next(), tf.int64)
            )
        else:
            first = tf.constant(self.seed, tf.int64)
            second = tf.cast(self._read_step(), tf.int64)
        context = tf.distribute.get_replica_context()
        replica = context.replica_id_in_sync_group if context else 0
        part = tf.cast(getattr(_part, "number", 0), tf.int64)
        # Up to 256 towers, 64 parts of a batch and 1,024 replicas have a
        # number each.
        number = part * 1024 + tf.cast(replica, tf.int64)
        return tf.stack([first * 256, second * 65_536 + number])

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Returns `input_shape`."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments, less the devices."""
        return {
            **super().get_config(),
            "rate": self.rate,
            "scaling": self.scaling,
            "seed": self.seed,
        }
