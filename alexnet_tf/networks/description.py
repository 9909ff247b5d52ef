"""What a network is made of: kinds of layers as data."""

import dataclasses
import typing

Activation = typing.Literal["relu", "tanh", "none"]
# Which maps a tower's kernels see: its own, everybody's, or those of the
# towers that stand here for each of them, from 0.
Reads = typing.Literal["own tower", "all towers"] | tuple[tuple[int, ...], ...]
# A number, or one of two rules of others.
Deviation = float | typing.Literal["he", "fan_in"]


@dataclasses.dataclass(frozen=True)
class LowResolution:
    """The image once more, blurred and thinned out: a second input of a layer.

    Every family of the authors' networks had it until layers-145.cfg left it
    out: `blur` and `nailbed` of their program, and one more kernel of conv2.

    Attributes:
        kernel_size: Rows and columns of the kernel that reads it.
        strides: Distance between its windows, in pixels of the thinned image.
        padding: Zeros around the thinned image, as in `Conv`.
        stddev: As in `Conv`.
        blur_size: Taps of the Gaussian blur, along rows and along columns.
        blur_stddev: Its standard deviation, in pixels.
        step: One pixel out of so many stays, along each axis.
    """

    kernel_size: int = 5
    strides: int = 2
    padding: int | tuple[int, int] = 0
    stddev: Deviation = 0.01
    blur_size: int = 9
    blur_stddev: float = 4.0
    step: int = 4


@dataclasses.dataclass(frozen=True)
class Conv:
    """A convolution, its bias and its rectifier (§3.1).

    Attributes:
        name: Name of the layer.
        filters: Kernels over all towers together.
        kernel_size: Rows and columns of a kernel.
        strides: Distance between windows, in pixels.
        padding: Zeros around the map: one number for all sides, or a pair
            (top and left, bottom and right).
        reads: "own tower" or "all towers": which maps a tower's kernels see;
            or for each tower the numbers of those it sees.
        bias: Initial bias; "fan_in" draws it like the weights.
        stddev: Standard deviation of the initial weights. "he" is the square
            root of 2 over the inputs of a kernel. "fan_in" draws evenly
            within 1 over the square root of these inputs, PyTorch's default.
        activation: What follows the bias.
        side: A `LowResolution` image that is added in, or `None`.
        random_groups: Groups within a tower. Of several each sees a random
            part of the maps of every tower that is read, drawn once for all
            networks: `randSparse` of the authors' program, which their
            networks up to number 99 have.
    """

    name: str
    filters: int
    kernel_size: int
    strides: int = 1
    padding: int | tuple[int, int] = 0
    reads: Reads = "own tower"
    bias: float | typing.Literal["fan_in"] = 0.0
    stddev: Deviation = 0.01
    activation: Activation = "relu"
    side: LowResolution | None = None
    random_groups: int = 1


@dataclasses.dataclass(frozen=True)
class Local:
    """A convolution with another kernel at every place; within a tower.

    Attributes as in `Conv`.
    """

    name: str
    filters: int
    kernel_size: int
    padding: int = 0
    bias: float | typing.Literal["fan_in"] = 0.0
    stddev: Deviation = 0.01
    activation: Activation = "relu"


@dataclasses.dataclass(frozen=True)
class Norm:
    """Local response normalization (§3.3).

    Attributes as in `layers.LocalResponseNormalization`; `reads` as in `Conv`.
    """

    name: str
    depth_radius: int = 2
    bias: float = 2.0
    alpha: float = 1e-4
    beta: float = 0.75
    reads: Reads = "own tower"


@dataclasses.dataclass(frozen=True)
class MapNorm:
    """Response normalization within each map, of the 2012 program.

    Attributes as in `layers.WithinMapNormalization`.
    """

    name: str
    size: int = 5
    bias: float = 1.0
    alpha: float = 4e-5
    beta: float = 0.75


@dataclasses.dataclass(frozen=True)
class ContrastNorm(MapNorm):
    """Normalization by the variance around each activation in its own map.

    Attributes as in `layers.ContrastNormalization`.
    """


@dataclasses.dataclass(frozen=True)
class MaxPool:
    """Max pooling; windows overlap where `strides` is less than `size`.

    Attributes:
        name: Name of the layer.
        size: Rows and columns of a window.
        strides: Distance between windows, in pixels.
        padding: "same" keeps windows that reach over the lower and right
            edge, as the 2012 program does; "valid" has none.
        activation: What follows.
    """

    name: str
    size: int = 3
    strides: int = 2
    padding: typing.Literal["valid", "same"] = "valid"
    activation: Activation = "none"


@dataclasses.dataclass(frozen=True)
class AveragePool(MaxPool):
    """Average pooling; attributes as in `MaxPool`."""


@dataclasses.dataclass(frozen=True)
class Dense:
    """A fully connected layer.

    Attributes:
        name: Name of the layer.
        units: Neurons over all towers; `None` is the number of classes, and
            then nothing follows the bias.
        bias: As in `Conv`.
        stddev: As in `Conv`.
        reads: As in `Conv`.
        activation: What follows the bias.
    """

    name: str
    units: int | None = None
    bias: float | typing.Literal["fan_in"] = 0.0
    stddev: Deviation = 0.01
    reads: Reads = "all towers"
    activation: Activation = "relu"


@dataclasses.dataclass(frozen=True)
class Dropout:
    """Sets a share of the activations to zero in training (§4.2).

    Attributes as in `layers.Dropout`.
    """

    name: str
    rate: float = 0.5
    scaling: typing.Literal["paper", "inverted"] = "paper"


Layer = Conv | Local | Norm | MapNorm | MaxPool | Dense | Dropout
