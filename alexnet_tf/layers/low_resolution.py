"""The image at low resolution, and the convolution that reads it as well."""

import math
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from alexnet_tf.layers import placement
from alexnet_tf.layers.grouped_conv import GroupedConv2D


@keras.saving.register_keras_serializable(package="alexnet_tf")
class LowResolution(keras.layers.Layer):
    """Blurs images and keeps one pixel out of `step` along each axis.

    Not in the paper: `blur` and `nailbed` of the authors' program, which every
    family of their networks before `layers-145.cfg` has. The blur is Gaussian,
    sees zeros around the image, and is not made up for them. The first pixel
    that stays is as far from the edge as the last, or a pixel nearer.

    Input shape: `(batch, height, width, channels)`. Output shape: the same
    with a `step`-th of the rows and columns, rounded up.

    Args:
        blur_size: Taps of the blur; odd. Authors' program: 9.
        blur_stddev: Its standard deviation, in pixels. Authors' program: 4.
        step: Authors' program: 4.

    Raises:
        ValueError: A number is impossible.
    """

    def __init__(
        self,
        blur_size: int = 9,
        blur_stddev: float = 4.0,
        step: Any = 4,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if blur_size < 1 or blur_size % 2 == 0 or step < 1 or blur_stddev <= 0:
            raise ValueError(
                "blur_size must be odd, step 1 or more and blur_stddev above "
                f"0. Received: blur_size={blur_size}, step={step}, "
                f"blur_stddev={blur_stddev}"
            )
        self.blur_size = blur_size
        self.blur_stddev = blur_stddev
        self.step = step
        # Where the image is; no tower's.
        self.devices = None

    def call(self, images: Any) -> Any:
        """Returns the blurred and thinned images."""
        weights = taps(self.blur_size, self.blur_stddev)
        weights = tf.constant(weights, images.dtype)
        channels = images.shape[-1]
        for shape in ((1, -1, 1, 1), (-1, 1, 1, 1)):
            filters = tf.tile(tf.reshape(weights, shape), (1, 1, channels, 1))
            images = tf.nn.depthwise_conv2d(
                images, filters, (1, 1, 1, 1), "SAME"
            )
        rows, columns = (
            first_pixel(images.shape[i], self.step) for i in (1, 2)
        )
        return images[:, rows :: self.step, columns :: self.step]

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "blur_size": self.blur_size,
            "blur_stddev": self.blur_stddev,
            "step": self.step,
        }


def taps(size: int, stddev: float) -> np.ndarray:
    """Returns the taps of a Gaussian blur, `(size,)`, whose sum is 1."""
    distance = np.arange(size) - size // 2
    heights = np.exp(-(distance**2) / (2 * stddev**2))
    return heights / heights.sum()


def first_pixel(size: int, step: int) -> int:
    """Returns the first of `size` pixels that stays, one out of `step`."""
    return (size - step * (math.ceil(size / step) - 1)) // 2


@keras.saving.register_keras_serializable(package="alexnet_tf")
class SideConv2D(GroupedConv2D):
    """A grouped convolution that reads a second map besides.

    Adds, before the bias and the activation, a convolution of the second
    map, of which every group sees all channels.

    Input: as `GroupedConv2D`'s, and a second tensor. Output: as there.

    Args:
        *args: Those of `GroupedConv2D`.
        side_kernel_size: Rows and columns of the kernel on the second map.
        side_strides: Distance between its windows.
        side_padding: A pair, zeros before and behind the second map.
        **kwargs: Those of `GroupedConv2D`.

    Attributes:
        side_kernels: One variable, or one a device.
    """

    def __init__(
        self,
        *args: Any,
        side_kernel_size: int = 5,
        side_strides: int = 2,
        side_padding: Any = (0, 1),
        **kwargs: Any,
    ):
        super().__init__(*args, **kwargs)
        self.side_kernel_size = side_kernel_size
        self.side_strides = side_strides
        self.side_padding = tuple(side_padding)

    # Two inputs, unlike its base class.
    def build(  # type: ignore[override]
        self, inputs_shape: Any, side_shape: Any
    ) -> None:
        """Makes the kernels and the bias."""
        super().build(inputs_shape)
        size, parts = self.side_kernel_size, self.parts
        shape = (size, size, side_shape[-1], self.filters // parts)
        self.side_kernels = []
        for part in range(parts):
            suffix = f"_{part}" if parts > 1 else ""
            with placement.device_scope(self.devices, part):
                self.side_kernels.append(
                    self.add_weight(
                        name=f"side_kernel{suffix}",
                        shape=shape,
                        initializer=self.kernel_initializer,
                    )
                )

    def call(  # type: ignore[override]
        self, inputs: Any, side: Any, before_activation: bool = False
    ) -> Any:
        """Returns the convolution of a tensor, or of each group's tensor."""
        apart = isinstance(inputs, (list, tuple))
        if not apart:
            inputs = tf.split(inputs, self.groups, axis=-1)
        kernels, biases = self.per_group()
        side_kernels = self.side_kernels
        if len(side_kernels) < self.groups:
            side_kernels = tf.split(side_kernels[0], self.groups, axis=-1)
        sides = [list(self.side_padding)] * 2
        side = tf.pad(side, [[0, 0], *sides, [0, 0]])

        def convolve(x, group):
            added = tf.nn.conv2d(
                side,
                tf.cast(side_kernels[group], side.dtype),
                self.side_strides,
                "VALID",
            )
            linear = self.convolve(x, kernels[group], biases[group])
            return self.activate(linear + added, before_activation)

        outputs = placement.map_towers(convolve, inputs, self.devices)
        return outputs if apart else tf.concat(outputs, axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments, less the devices."""
        return {
            **super().get_config(),
            "side_kernel_size": self.side_kernel_size,
            "side_strides": self.side_strides,
            "side_padding": self.side_padding,
        }
