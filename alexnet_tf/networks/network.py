"""A network as data: layers from the image to the classes."""

import dataclasses
from typing import Any

from alexnet_tf.networks.description import Layer


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
            _check_width(layer, self.towers)
            _check_deviation(layer)
            _check_reads(layer, self.towers)
            _check_sizes(layer)

    def without(self, *names: str) -> "Network":
        """Returns the network less some layers.

        Raises:
            ValueError: A name is no layer's.
        """
        self._check(names)
        kept = tuple(x for x in self.layers if x.name not in names)
        return dataclasses.replace(self, layers=kept)

    def replace(self, name: str, **changes: Any) -> "Network":
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

    def insert_behind(self, name: str, layer: Layer) -> "Network":
        """Returns the network with a layer added behind another.

        Raises:
            ValueError: `name` is no layer's, or the new name is already one's.
        """
        self._check([name])
        place = [x.name for x in self.layers].index(name) + 1
        layers = (*self.layers[:place], layer, *self.layers[place:])
        return dataclasses.replace(self, layers=layers)

    def move_behind(self, name: str, other: str) -> "Network":
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


def _check_width(layer, towers):
    """Refuses outputs that cannot be spread over the towers."""
    width = getattr(layer, "filters", getattr(layer, "units", None))
    if width is not None and (width < 1 or width % towers):
        raise ValueError(
            f"{layer.name} must divide evenly into the towers. "
            f"Received: {width} outputs, {towers} towers"
        )


def _check_deviation(layer):
    """Refuses a deviation that nothing could be drawn with."""
    for part in (layer, getattr(layer, "side", None)):
        stddev = getattr(part, "stddev", 0.0)
        if not (isinstance(stddev, int | float) or stddev in ("he", "fan_in")):
            raise ValueError(
                f"{layer.name}.stddev must be a number, he or fan_in. "
                f"Received: {stddev!r}"
            )


def _check_reads(layer, towers):
    """Refuses towers to read that there are not."""
    reads = getattr(layer, "reads", "own tower")
    if reads in ("own tower", "all towers"):
        return
    if not isinstance(reads, tuple) or len(reads) != towers:
        raise ValueError(
            f"{layer.name}.reads must be own tower, all towers, or for each "
            f"of the {towers} towers those that it reads. Received: {reads!r}"
        )
    sizes = {len(row) for row in reads}
    numbers = [number for row in reads for number in row]
    known = all(number in range(towers) for number in numbers)
    repeats = any(len(set(row)) < len(row) for row in reads)
    if len(sizes) > 1 or 0 in sizes or not known or repeats:
        raise ValueError(
            f"{layer.name}.reads must name as many towers for each, by "
            f"numbers from 0 to {towers - 1}. Received: {reads!r}"
        )


def _check_sizes(layer):
    """Refuses windows and distances below one pixel."""
    for name in ("kernel_size", "strides", "size"):
        value = getattr(layer, name, 1)
        if not isinstance(value, int) or value < 1:
            raise ValueError(
                f"{layer.name}.{name} must be 1 or more. Received: {value!r}"
            )
