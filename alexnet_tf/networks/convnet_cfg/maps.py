"""Pools, norms and dropout of a definition."""

import math

from alexnet_tf.networks import description
from alexnet_tf.networks.convnet_cfg import fields


def read_pool(stage, below, name):
    """Returns a pool, and the map of a tower.

    Raises:
        ValueError: It does not fit the map, or cannot be carried.
    """
    fields.require_own_tower(stage, below)
    fields.require_channels(stage, below)
    first = stage.nodes[0].section
    kind = stage.same("pool", lambda node: node.section.text("pool"))
    if kind not in ("max", "avg"):
        raise first.error(
            "pool",
            "pool must be max or avg; others are not carried. "
            f"Received: {kind}",
        )
    size, strides = fields.equal(stage, "sizeX"), fields.equal(stage, "stride")
    if fields.equal(stage, "start", "0"):
        raise first.error("start", "start must be 0; others are not carried.")
    if not 1 <= strides <= size <= below.size:
        raise first.error(
            "sizex",
            "stride must be at most sizeX, and sizeX at most the map. Received:"
            f" stride={strides}, sizeX={size}, a map of {below.size}",
        )
    outputs = math.ceil((below.size - size) / strides) + 1
    if fields.equal(stage, "outputsX", "0") not in (0, outputs):
        raise first.error("outputsx", f"outputsX must be 0 or {outputs}.")
    # The program rounds up. TensorFlow's "same" does too, and has its odd row
    # below and its odd column to the right.
    beyond = (outputs - 1) * strides + size - below.size
    if beyond > 1 or (beyond and math.ceil(below.size / strides) != outputs):
        raise first.error(
            "stride",
            "the last window must reach at most one pixel over the edge. "
            f"Received: {beyond} on a map of {below.size}",
        )
    make = description.MaxPool if kind == "max" else description.AveragePool
    layer = make(
        name,
        size,
        strides,
        "same" if beyond else "valid",
        fields.activation(stage),
    )
    return layer, fields.Map(outputs, below.channels, below.parts)


def read_norm(stage, below, name, parameters):
    """Returns a norm: across maps, within each, or by contrast.

    Args:
        stage: A `graph.Stage`.
        below: The `fields.Map` of the layer below.
        name: Of the layer.
        parameters: A `parameters.Parameters`.

    Raises:
        ValueError: It cannot be carried.
    """
    fields.require_own_tower(stage, below)
    fields.require_channels(stage, below)
    first = stage.nodes[0].section
    size = fields.equal(stage, "size")
    if size < 1 or size % 2 == 0:
        raise first.error(
            "size",
            f"size must be odd; others are not carried. Received: {size}",
        )
    if any(any(n.section.flags("blocked", "0")) for n in stage.nodes):
        raise first.error("blocked", "blocked must be 0; 1 is not carried.")
    if fields.activation(stage) != "none":
        raise first.error("neuron", "no neuron must follow a norm.")
    across = stage.kind == "cmrnorm"
    scale, power, bias = stage.same(
        "scale, pow and minDiv",
        lambda node: parameters.of_norm(node, across),
    )
    # The program divides by how many values are summed.
    alpha = scale / (size if across else size**2)
    if across:
        return description.Norm(name, size // 2, bias, alpha, power)
    make = (
        description.MapNorm
        if stage.kind == "rnorm"
        else description.ContrastNorm
    )
    return make(name, size, bias, alpha, power)


def read_dropout(stage, below, name, parameters):
    """Returns a `Dropout`; the program names what is kept."""
    fields.require_own_tower(stage, below)
    first = stage.nodes[0].section
    keep = stage.same("keep", lambda node: node.section.number("keep", float))
    if not 0 < keep <= 1:
        raise first.error(
            "keep", f"keep must be above 0 and at most 1. Received: {keep}"
        )
    for node in stage.nodes:
        section = parameters.section(node)
        if not all(section.flags("enable")):
            raise section.error(
                "enable", "enable must be true; false is not carried."
            )
    return description.Dropout(name, round(1 - keep, 12))
