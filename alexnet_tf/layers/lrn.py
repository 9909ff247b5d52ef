"""Local response normalization, the brightness normalization of §3.3."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from alexnet_tf.layers import placement


@keras.saving.register_keras_serializable(package="alexnet_tf")
class LocalResponseNormalization(keras.layers.Layer):
    """Scales each activation down by the energy of its channel neighbours.

    At every pixel, channel `c` becomes

        b[c] = a[c] / (bias + alpha * sum_j a[j] ** 2) ** beta

    where `j` runs over the channels within `depth_radius` of `c` that exist.
    Arguments carry the names of `tf.nn.local_response_normalization`. In the
    paper's letters: k = `bias`, n = 2 * `depth_radius` + 1.

    Computed in float32 whatever the layer's dtype: squares overflow float16,
    and TensorFlow has no bfloat16 kernel for the CPU.

    Input and output shape: `(batch, height, width, channels)`. Or a list of
    such tensors, one a tower on a device of its own: then each is normalized
    by itself, whatever `groups` says.

    Args:
        depth_radius: Channels summed on each side. Paper: 2.
        bias: Keeps the denominator away from zero. Paper: 2.
        alpha: Weight of the sum. Paper: 1e-4. The authors' program, Caffe and
            PyTorch divide it by n: their 1e-4 is `alpha=2e-5` here.
        beta: Exponent of the denominator. Paper: 0.75.
        implementation: "native" is `tf.nn.local_response_normalization`,
            which every program that loads a SavedModel knows. "compiled" is
            the same by XLA, several times faster on a CPU. "auto" takes
            "native" where there is a GPU whose kernel can do it, for a
            `depth_radius` of 1 to 7, a `beta` above 0.01 and a `bias` above
            1e-5, and "compiled" elsewhere.
        groups: Parts of the channels that are normalized apart, as nothing
            passes from one tower to the other (§3.2); divides the channels.
        devices: A device for each tower, or `None`.

    Raises:
        ValueError: A constant is impossible, or the channels do not divide
            evenly into the groups.
    """

    def __init__(
        self,
        depth_radius: int = 2,
        bias: float = 2.0,
        alpha: float = 1e-4,
        beta: float = 0.75,
        *,
        implementation: str = "auto",
        groups: int = 1,
        devices: Sequence[str] | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if depth_radius < 0:
            raise ValueError(
                "depth_radius must be 0 or more channels. "
                f"Received: depth_radius={depth_radius}"
            )
        if groups < 1:
            raise ValueError(f"groups must be 1 or more. Received: {groups}")
        check_implementation(implementation)
        self.groups = groups
        self.depth_radius = depth_radius
        self.bias = bias
        self.alpha = alpha
        self.beta = beta
        self.implementation = implementation
        self.devices = devices

    def build(self, input_shape: Any) -> None:
        """Checks that the channels divide evenly into the groups."""
        is_list = isinstance(input_shape[0], (list, tuple))
        if not is_list and input_shape[-1] % self.groups:
            raise ValueError(
                "Channels must divide evenly into groups. "
                f"Received: {input_shape[-1]} channels, groups={self.groups}"
            )

    def call(self, activations: tf.Tensor) -> Any:
        """Returns the normalized activations."""
        groups = 1 if isinstance(activations, (list, tuple)) else self.groups
        constants = (self.depth_radius, self.bias, self.alpha, self.beta)
        by_xla = is_compiled(self.implementation) or (
            self.implementation == "auto" and not _fits_gpu(*constants)
        )
        normalize = _compiled if by_xla else _native

        def apply(a, tower):
            return normalize(a, groups, *constants)

        return placement.map_towers(apply, activations, self.devices)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Returns `input_shape`."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments, less the devices."""
        return {
            **super().get_config(),
            "depth_radius": self.depth_radius,
            "bias": self.bias,
            "alpha": self.alpha,
            "beta": self.beta,
            "implementation": self.implementation,
            "groups": self.groups,
        }


def check_implementation(implementation):
    """Refuses a word that is none of the three."""
    if implementation not in ("auto", "native", "compiled"):
        raise ValueError(
            "implementation must be auto, native or compiled. "
            f"Received: implementation={implementation!r}"
        )


def is_compiled(implementation):
    """Returns whether a layer's `implementation` means XLA on this machine."""
    return implementation == "compiled" or (
        implementation == "auto" and not tf.config.list_physical_devices("GPU")
    )


def _fits_gpu(radius, bias, alpha, beta):
    """Returns whether a GPU's native kernel takes such constants.

    The limits are of cuDNN, which the kernel calls: CUDNN_LRN_MAX_N,
    CUDNN_LRN_MIN_K and CUDNN_LRN_MIN_BETA.
    """
    return 1 <= radius <= 7 and bias > 1e-5 and beta > 0.01


def _native(a, groups, *constants):
    """Normalizes by TensorFlow's own kernel, a group at a time.

    Split and concatenate rather than reshape: converters to other formats
    know what to do with these.
    """
    values = tf.cast(a, tf.float32)
    if groups == 1:
        b = tf.nn.local_response_normalization(values, *constants)
        return tf.cast(b, a.dtype)
    parts = [
        tf.nn.local_response_normalization(part, *constants)
        for part in tf.split(values, groups, axis=-1)
    ]
    return tf.cast(tf.concat(parts, axis=-1), a.dtype)


def _compiled(a, groups, *constants):
    """Normalizes by `compiled`, to which a group is a column of its own."""
    if groups == 1:
        return compiled(a, *constants)
    columns = tf.reshape(a, (-1, 1, groups, a.shape[-1] // groups))
    b = tf.reshape(compiled(columns, *constants), tf.shape(a))
    return tf.ensure_shape(b, a.shape)


def compiled(a, radius, bias, alpha, beta, axes=(3,)):
    """Normalizes by two functions, forward and backward, compiled by XLA.

    Keeps only its input for the gradient and computes the rest again, which
    costs less than to store it. Half precision becomes float32 and half again
    within them, so that no other copy of the map goes through memory.

    Args:
        a: `(batch, height, width, channels)`, of any floating type.
        radius: Values summed on each side, along each of the axes.
        bias: As in `LocalResponseNormalization`.
        alpha: The same.
        beta: The same.
        axes: 3 sums over channels, 1 and 2 over rows and columns.
    """
    constants = (radius, bias, alpha, beta, axes)

    @tf.custom_gradient
    def normalize(a):
        def backward(upstream):
            return _backward(a, upstream, *constants)

        return _forward(a, *constants), backward

    return normalize(a)


@tf.function(jit_compile=True, autograph=False)
def _forward(a, radius, bias, alpha, beta, axes):
    """Returns `a * scale ** -beta`, in the type of `a`."""
    values = tf.cast(a, tf.float32)
    scale = bias + alpha * _window_sum(tf.square(values), radius, axes)
    return tf.cast(values * _negative_power(scale, beta), a.dtype)


@tf.function(jit_compile=True, autograph=False)
def _backward(a, upstream, radius, bias, alpha, beta, axes):
    """Returns the gradient with respect to `a`, in its type."""
    dtype = a.dtype
    a, upstream = tf.cast(a, tf.float32), tf.cast(upstream, tf.float32)
    scale = bias + alpha * _window_sum(tf.square(a), radius, axes)
    power = _negative_power(scale, beta)
    # A value feeds its own output and the denominators of its neighbours.
    through_neighbours = _window_sum(upstream * a * power / scale, radius, axes)
    gradient = upstream * power - 2.0 * alpha * beta * a * through_neighbours
    return tf.cast(gradient, dtype)


def _negative_power(scale, beta):
    """Returns `scale ** -beta`; the paper's 0.75 by two square roots."""
    if beta == 0.75:
        root = tf.math.rsqrt(scale)
        return root * tf.sqrt(root)
    return tf.pow(scale, -beta)


def _window_sum(values, radius, axes):
    """Sums each value with those within `radius` of it, axis after axis."""
    for axis in axes:
        count = values.shape[axis]
        sides = [[radius, radius] if i == axis else [0, 0] for i in range(4)]
        padded = tf.pad(values, sides)
        cuts = [[slice(None)] * 4 for _ in range(2 * radius + 1)]
        for shift, cut in enumerate(cuts):
            cut[axis] = slice(shift, shift + count)
        values = tf.add_n([padded[tuple(cut)] for cut in cuts])
    return values
