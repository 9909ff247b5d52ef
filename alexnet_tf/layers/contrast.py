"""Contrast normalization within each map, of the authors' earlier networks."""

import keras
import tensorflow as tf

from alexnet_tf.layers.within_map import WithinMapNormalization


@keras.saving.register_keras_serializable(package="alexnet_tf")
class ContrastNormalization(WithinMapNormalization):
    """Scales each activation down by the variance around it in its own map.

    As `WithinMapNormalization`, but the squares that are summed are those of
    `d = a - m`, where `m` is the mean of the window around each activation,
    as far as it lies in the map. Not in the paper: `cnorm` of the authors'
    program, which their networks have up to number 136.

    The gradient takes `m` for a constant, as the program's does (ContrastNorm
    of cuda-convnet hands `d` to the gradient of the plain norm).
    """

    def _normalize(self, a, is_compiled):
        """Returns float32 activations, normalized."""
        mean = tf.nn.avg_pool2d(a, self.size, 1, "SAME")
        squares = tf.square(a - tf.stop_gradient(mean))
        radius = self.size // 2
        sides = [[0, 0], [radius, radius], [radius, radius], [0, 0]]
        # A mean over the window and the zeros around the map, times its size.
        energy = self.size**2 * tf.nn.avg_pool2d(
            tf.pad(squares, sides), self.size, 1, "VALID"
        )
        return a * (self.bias + self.alpha * energy) ** -self.beta
