"""What a network is made of: layers as data, from the image to the classes."""

import dataclasses
import typing

Activation = typing.Literal["relu", "tanh", "none"]
Reads = typing.Literal["own tower", "all towers"]
# A number, or one of two rules of others.
Deviation = float | typing.Literal["he", "fan_in"]


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
        reads: "own tower" or "all towers": which maps a tower's kernels see.
        bias: Initial bias; "fan_in" draws it like the weights.
        stddev: Standard deviation of the initial weights. "he" is the square
            root of 2 over the inputs of a kernel. "fan_in" draws evenly
            within 1 over the square root of these inputs, PyTorch's default.
        activation: What follows the bias.
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


@dataclasses.dataclass(frozen=True)
class Network:
    """A network as data.

    Attributes:
        image_size: Rows and columns of the images that it was drawn for. The
            convolutions take others too; `build` fits fc6 to them.
        towers: Parts that convolutions and hidden layers are cut into.
        layers: From the image to the classes.
    """

    image_size: int
    towers: int
    layers: tuple[Layer, ...]

    def __post_init__(self):
        names = [layer.name for layer in self.layers]
        doubles = sorted({name for name in names if names.count(name) > 1})
        if doubles:
            raise ValueError(f"Layer names must differ. Received: {doubles}")
        for layer in self.layers:
            width = getattr(layer, "filters", getattr(layer, "units", None))
            if width is not None and (width < 1 or width % self.towers):
                raise ValueError(
                    f"{layer.name} must divide evenly into the towers. "
                    f"Received: {width} outputs, {self.towers} towers"
                )

            _check_layer(layer)
            stddev = getattr(layer, "stddev", 0.0)
            if not (
                isinstance(stddev, int | float) or stddev in ("he", "fan_in")
            ):
                raise ValueError(
                    f"{layer.name}.stddev must be a number, he or fan_in. "
                    f"Received: {stddev!r}"
                )

    def without(self, *names):
        """Returns the network less some layers.

        Raises:
            ValueError: A name is no layer's.
        """
        self._check(names)
        kept = tuple(x for x in self.layers if x.name not in names)
        return dataclasses.replace(self, layers=kept)

    def replace(self, name, **changes):
        """Returns the network with fields of one layer changed.

        Raises:
            ValueError: `name` is no layer's.
        """
        self._check([name])
        layers = tuple(
            dataclasses.replace(x, **changes) if x.name == name else x
            for x in self.layers
        )
        return dataclasses.replace(self, layers=layers)

    def insert_behind(self, name, layer):
        """Returns the network with a layer added behind another.

        Raises:
            ValueError: `name` is no layer's, or the new name is already one's.
        """
        self._check([name])
        place = [x.name for x in self.layers].index(name) + 1
        layers = (*self.layers[:place], layer, *self.layers[place:])
        return dataclasses.replace(self, layers=layers)

    def move_behind(self, name, other):
        """Returns the network with a layer moved behind another.

        Raises:
            ValueError: A name is no layer's.
        """
        self._check([name, other])
        (layer,) = (x for x in self.layers if x.name == name)
        return self.without(name).insert_behind(other, layer)

    def _check(self, names):
        """Raises an error for a name that is no layer's."""
        known = [layer.name for layer in self.layers]
        unknown = sorted(set(names) - set(known))
        if unknown:
            raise ValueError(
                f"Layers must be among {', '.join(known)}. "
                f"Received: {', '.join(unknown)}"
            )


def _check_layer(layer):
    """Refuses sizes below 1, and words that a field does not have."""
    for name in ("kernel_size", "strides", "size"):
        value = getattr(layer, name, 1)
        if not (isinstance(value, int) and value >= 1):
            raise ValueError(
                f"{layer.name}.{name} must be 1 or more. Received: {value!r}"
            )
    for name, words in (("reads", Reads), ("activation", Activation)):
        known = typing.get_args(words)
        value = getattr(layer, name, known[0])
        if value not in known:
            raise ValueError(
                f"{layer.name}.{name} must be one of {', '.join(known)}. "
                f"Received: {value!r}"
            )
