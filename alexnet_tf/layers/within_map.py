"""Response normalization within each map, which the 2012 program has too."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from alexnet_tf.layers import lrn, placement


@keras.saving.register_keras_serializable(package="alexnet_tf")
class WithinMapNormalization(keras.layers.Layer):
    """Scales each activation down by the energy around it in its own map.

    At every row `y` and column `x` of a map,

        b[y, x] = a[y, x] / (bias + alpha * sum_ij a[i, j] ** 2) ** beta

    where `(i, j)` runs over the `size` x `size` window around `(y, x)`, as far
    as it lies in the map. Computed in float32 whatever the layer's dtype. Not
    in the paper: layer `cnorm2` of the authors' `layers-145.cfg`.

    Input and output shape: `(batch, height, width, channels)`, or a list of
    such tensors, one a tower.

    Args:
        size: Rows and columns of the window; odd. Authors' program: 5.
        bias: Keeps the denominator away from zero. Authors' program: 1.
        alpha: Weight of the sum. The authors' program divides its own by
            `size ** 2`: its 1e-3 is `alpha=4e-5` here.
        beta: Exponent of the denominator. Authors' program: 0.75.
        implementation: "native", "compiled" or "auto", as in
            `LocalResponseNormalization`.
        devices: A device for each tower, or `None`.

    Raises:
        ValueError: The window is even, or there is no such implementation.
    """

    def __init__(
        self,
        size: int = 5,
        bias: float = 1.0,
        alpha: float = 4e-5,
        beta: float = 0.75,
        *,
        implementation: str = "auto",
        devices: Sequence[str] | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if size < 1 or size % 2 == 0:
            raise ValueError(f"size must be odd. Received: size={size}")
        lrn.check_implementation(implementation)
        self.size = size
        self.bias = bias
        self.alpha = alpha
        self.beta = beta
        self.implementation = implementation
        self.devices = devices

    def call(self, activations: tf.Tensor) -> Any:
        """Returns the normalized activations."""
        is_compiled = lrn.is_compiled(self.implementation)

        def in_float32(a, tower):
            return tf.cast(
                self._normalize(tf.cast(a, tf.float32), is_compiled), a.dtype
            )

        return placement.map_towers(in_float32, activations, self.devices)

    def _normalize(self, a, is_compiled):
        """Returns float32 activations, normalized."""
        radius = self.size // 2
        constants = (self.bias, self.alpha, self.beta)
        if is_compiled:
            return lrn.compiled(a, radius, *constants, axes=(1, 2))
        sides = [[0, 0], [radius, radius], [radius, radius], [0, 0]]
        means = tf.nn.avg_pool2d(
            tf.pad(tf.square(a), sides), self.size, 1, "VALID"
        )
        energy = means * self.size**2
        return a * (self.bias + self.alpha * energy) ** -self.beta

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Returns `input_shape`."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments, less the devices."""
        return {
            **super().get_config(),
            "size": self.size,
            "bias": self.bias,
            "alpha": self.alpha,
            "beta": self.beta,
            "implementation": self.implementation,
        }
