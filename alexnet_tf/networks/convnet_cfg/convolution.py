"""Convolutions and local layers of a definition."""

import math

from alexnet_tf.networks import description
from alexnet_tf.networks.convnet_cfg import fields


class Kernel:
    """What a stage says of the kernel of one of its inputs.

    Args:
        stage: A `graph.Stage`.
        below: The `fields.Map` of that input.
        side: Whether it is the second input, the blurred image.

    Attributes:
        filters: Of a tower, over all of its groups.
        groups: Groups within a tower that each see a random part.
        size: Rows and columns.
        strides: Distance between windows.
        padding: A number, or a pair where the last window reaches further
            than the zeros in front: the program rounds up.
        stddev: Of the first weights.
        outputs: Rows and columns of the map that it makes.
        inputs: Values under the kernel in one part.

    Raises:
        ValueError: It does not fit the map, or cannot be carried.
    """

    def __init__(self, stage, below, side=False):
        for node in stage.nodes:
            _refuse(node)

        def integer(key, default=None):
            return fields.of_inputs(stage, key, int, side, default)

        first = stage.nodes[0].section
        self.groups = integer("groups", "1")
        self.filters = integer("filters") * self.groups
        self.size = integer("filterSize")
        self.strides = integer("stride", "1")
        before = integer("padding", "0")
        channels = integer("channels")
        if channels != below.channels:
            raise first.error(
                "channels",
                f"channels must be {below.channels}, as below. "
                f"Received: {channels}",
            )
        room = below.size + 2 * before - self.size
        if room < 0 or self.strides < 1 or self.size < 1 or self.filters < 1:
            raise first.error(
                "filtersize",
                "filterSize must be at most the map and its padding, and all "
                "numbers 1 or more. Received: "
                f"filterSize={self.size}, a map of {below.size}, "
                f"padding={before}",
            )
        self.outputs = 1 + math.ceil(room / self.strides)
        beyond = (self.outputs - 1) * self.strides - room
        self.padding = (before, before + beyond) if beyond else before
        self.stddev = fields.of_inputs(stage, "initW", float, side)
        self._check_groups(stage, channels, side)
        self.inputs = self.size**2 * channels // self.groups

    def _check_groups(self, stage, channels, side):
        """Refuses groups that a description does not have."""
        first = stage.nodes[0].section
        is_random = fields.of_inputs(stage, "randSparse", _flag, side, "0")
        if is_random != (self.groups > 1):
            raise first.error(
                "groups",
                "randSparse must go with groups above 1, and they with it. "
                f"Received: groups={self.groups}, randSparse={is_random}",
            )
        if self.groups < 1 or channels % self.groups:
            raise first.error(
                "groups",
                "groups must divide the channels evenly. Received: "
                f"groups={self.groups}, channels={channels}",
            )
        seen = fields.of_inputs(
            stage, "filterChannels", int, side, str(channels // self.groups)
        )
        if is_random and seen != channels // self.groups:
            raise first.error(
                "filterchannels",
                f"filterChannels must be {channels // self.groups}, so that "
                f"every map is in one group. Received: {seen}",
            )


def read_conv(stage, below, name, low_resolution):
    """Returns a `Conv`, the map of a tower, and the parameters.

    Args:
        stage: A `graph.Stage`.
        below: The `fields.Map` of the layer below.
        name: Of the layer.
        low_resolution: Called as `low_resolution(stage, outputs)`, returns the
            `LowResolution` of a stage with a second input, and its `Kernel`.
    """
    kernel = Kernel(stage, below)
    side = side_kernel = None
    if stage.side is not None:
        side, side_kernel = low_resolution(stage, kernel.outputs)
        if side_kernel.filters != kernel.filters:
            raise stage.nodes[0].section.error(
                "filters",
                "filters times groups must be the same for all inputs. "
                f"Received: {kernel.filters} and {side_kernel.filters}",
            )
    extra = side_kernel.inputs if side_kernel else 0
    towers = len(stage.nodes)
    layer = description.Conv(
        name,
        kernel.filters * towers,
        kernel.size,
        strides=kernel.strides,
        padding=kernel.padding,
        reads=fields.reads(stage, below),
        bias=stage.same("initB", bias),
        stddev=kernel.stddev,
        activation=fields.activation(stage),
        side=side,
        random_groups=kernel.groups,
    )
    parameters = sum(
        kernel.filters * (len(row) * kernel.inputs + extra + 1)
        for row in stage.reads
    )
    return layer, fields.Map(kernel.outputs, kernel.filters, towers), parameters


def read_local(stage, below, name):
    """Returns a `Local`, the map of a tower, and the parameters."""
    kernel = Kernel(stage, below)
    first = stage.nodes[0].section
    if kernel.strides != 1:
        raise first.error("stride", "stride must be 1 in a local layer.")
    if stage.side is not None:
        raise first.error("inputs", "a local layer must have one input.")
    if kernel.groups > 1:
        raise first.error("groups", "groups must be 1 in a local layer.")
    fields.require_own_tower(stage, below)
    towers = len(stage.nodes)
    layer = description.Local(
        name,
        kernel.filters * towers,
        kernel.size,
        padding=kernel.padding,
        bias=stage.same("initB", bias),
        stddev=kernel.stddev,
        activation=fields.activation(stage),
    )
    places = kernel.outputs**2
    parameters = towers * places * kernel.filters * (kernel.inputs + 1)
    return layer, fields.Map(kernel.outputs, kernel.filters, towers), parameters


def read_low_resolution(found, stage, image_size, outputs):
    """Returns the second input of a stage, and the `Kernel` that reads it.

    Args:
        found: The nodes of the definition by name.
        stage: A `graph.Stage`.
        image_size: Rows and columns of the image.
        outputs: Rows and columns that the first input makes.

    Raises:
        ValueError: It is no nailbed on a blur of the image, or does not fit.
    """
    nails = found[stage.side]
    blur = found[nails.inputs[0]]
    if (nails.kind, blur.kind) != ("nailbed", "blur") or (
        found[blur.inputs[0]].kind != "data"
    ):
        raise nails.section.error(
            "type", "a second input must be nailbed on blur on the image."
        )
    step = nails.section.number("stride", int)
    taps = blur.section.number("filterSize", int)
    stddev = blur.section.number("stdev", float)
    if taps not in (3, 5, 7, 9):
        raise blur.section.error(
            "filtersize", f"filterSize must be 3, 5, 7 or 9. Received: {taps}"
        )
    if step < 1 or not stddev > 0:
        raise nails.section.error(
            "stride", "stride must be 1 or more, and stdev above 0."
        )
    size = -(-image_size // step)
    kernel = Kernel(stage, fields.Map(size, 3, 1), side=True)
    if kernel.outputs != outputs:
        raise stage.nodes[0].section.error(
            "inputs",
            "all inputs must make maps of one size. Received: "
            f"{outputs} and {kernel.outputs}",
        )
    return (
        description.LowResolution(
            kernel.size,
            kernel.strides,
            kernel.padding,
            kernel.stddev,
            taps,
            stddev,
            step,
        ),
        kernel,
    )


def bias(node):
    """Returns the initial bias of a node."""
    return node.section.number("initB", float, "0")


def _refuse(node):
    """Refuses kernels that a description does not have."""
    fields.refuse_sharing(node)
    section = node.section
    if not all(section.flags("sharedBiases", "1")):
        raise section.error(
            "sharedbiases", "sharedBiases must be 1; others are not carried."
        )


def _flag(text):
    """Returns the truth of a word; a `ValueError` where it has none."""
    return bool(("0", "1", "false", "true").index(text.lower()) % 2)
