"""Every network as data: one line a layer, the map size behind it.

A `Network` says what is computed, not where: `model.build` turns it into a
`keras.Model` on one device or with a tower on each of several. A network of
one's own is made from another one:

    networks.PAPER.without("norm1", "norm2")
    networks.PAPER.replace("fc6", units=2048)
"""

import dataclasses
import typing


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
        bias: Initial bias.
        stddev: Standard deviation of the initial weights; `None` is He's
            choice, the square root of 2 over the inputs of a kernel.
    """

    name: str
    filters: int
    kernel_size: int
    strides: int = 1
    padding: int | tuple[int, int] = 0
    reads: typing.Literal["own tower", "all towers"] = "own tower"
    bias: float = 0.0
    stddev: float | None = 0.01


@dataclasses.dataclass(frozen=True)
class Norm:
    """Local response normalization within a tower (§3.3).

    Attributes as in `layers.LocalResponseNormalization`.
    """

    name: str
    depth_radius: int = 2
    bias: float = 2.0
    alpha: float = 1e-4
    beta: float = 0.75


@dataclasses.dataclass(frozen=True)
class MaxPool:
    """Max pooling; windows overlap where `strides` is less than `size`."""

    name: str
    size: int = 3
    strides: int = 2


@dataclasses.dataclass(frozen=True)
class Dense:
    """A fully connected layer; reads all towers.

    Attributes:
        name: Name of the layer.
        units: Neurons over all towers; `None` is the number of classes, and
            then there is no rectifier behind it.
        dropout: Share of outputs set to zero in training (§4.2).
        bias: Initial bias.
        stddev: As in `Conv`.
    """

    name: str
    units: int | None = None
    dropout: float = 0.0
    bias: float = 0.0
    stddev: float | None = 0.01


Layer = Conv | Norm | MaxPool | Dense


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

    def _check(self, names):
        """Raises an error for a name that is no layer's."""
        known = [layer.name for layer in self.layers]
        unknown = sorted(set(names) - set(known))
        if unknown:
            raise ValueError(
                f"Layers must be among {', '.join(known)}. "
                f"Received: {', '.join(unknown)}"
            )


PAPER = Network(
    image_size=224,
    towers=2,
    layers=(
        # Paper: 224 pixels and 55 maps do not fit together without padding.
        # The authors' program lets the last window read three rows and
        # columns of zeros behind the image, and so do we.
        Conv("conv1", 96, 11, strides=4, padding=(0, 3)),  # 55 x 55 x 96
        # Deviation: the paper's sum runs over all maps of the layer; as in
        # the authors' program, ours stays within a tower.
        Norm("norm1"),
        MaxPool("pool1"),  # 27 x 27 x 96
        Conv("conv2", 256, 5, padding=2, bias=1.0),  # 27 x 27 x 256
        Norm("norm2"),
        MaxPool("pool2"),  # 13 x 13 x 256
        Conv("conv3", 384, 3, padding=1, reads="all towers"),  # 13 x 13 x 384
        Conv("conv4", 384, 3, padding=1, bias=1.0),  # 13 x 13 x 384
        Conv("conv5", 256, 3, padding=1, bias=1.0),  # 13 x 13 x 256
        MaxPool("pool5"),  # 6 x 6 x 256
        Dense("fc6", 4096, bias=1.0, dropout=0.5),
        Dense("fc7", 4096, bias=1.0, dropout=0.5),
        Dense("fc8"),
    ),
)

# Without response normalization: top-1 error rises by 1.4 points (§3.3).
NO_LRN = PAPER.without("norm1", "norm2")

# The network most tutorials mean: every kernel sees every map below it.
ONE_TOWER = dataclasses.replace(PAPER, towers=1)

# The paper's layers, narrow and on small images: minutes on a CPU. Their
# kernels see a sixth of the paper's inputs, and start wider, or no signal
# would reach the top: at six tenths of He's deviation. conv1 starts at three
# times the paper's: as the layers above pass more of the gradient down, and
# pixels go up to 255, smaller weights would be thrown about.
DEMO = Network(
    image_size=112,
    towers=2,
    layers=(
        Conv("conv1", 32, 11, strides=4, padding=(0, 3), stddev=0.03),  # 27
        Norm("norm1"),
        MaxPool("pool1"),  # 13 x 13 x 32
        Conv("conv2", 64, 5, padding=2, stddev=0.042),
        Norm("norm2"),
        MaxPool("pool2"),  # 6 x 6 x 64
        Conv("conv3", 96, 3, padding=1, reads="all towers", stddev=0.035),
        Conv("conv4", 96, 3, padding=1, stddev=0.041),
        Conv("conv5", 64, 3, padding=1, stddev=0.041),
        MaxPool("pool5"),  # 2 x 2 x 64
        Dense("fc6", 512, dropout=0.5, stddev=0.053),
        Dense("fc7", 512, dropout=0.5, stddev=0.053),
        Dense("fc8"),
    ),
)


def named(name):
    """Returns the network of that name in this module.

    Raises:
        ValueError: There is none.
    """
    known = {k: v for k, v in globals().items() if isinstance(v, Network)}
    if name not in known:
        raise ValueError(
            f"network must be one of {', '.join(sorted(known))}. "
            f"Received: {name!r}"
        )
    return known[name]
