"""Norms and pools of maps as nodes of an ONNX graph."""

import math

import numpy as np


def norm(graph, layer, x, shape, parts):
    """Adds §3.3's norm: ONNX's own, which divides `alpha` by the window.

    Args:
        graph: An `onnx_graph.Graph`.
        layer: A `networks.Norm`.
        x: Name of a map.
        shape: Its channels, rows and columns.
        parts: Parts of the channels that are normalized apart.
    """
    size = 2 * layer.depth_radius + 1
    channels, *places = shape

    def normalize(x):
        if parts > 1:
            # Each part becomes an image of its own.
            x = graph.add("Reshape", x, [-1, channels // parts, *places])
        x = graph.add(
            "LRN",
            x,
            size=size,
            alpha=layer.alpha * size,
            beta=layer.beta,
            bias=layer.bias,
        )
        return graph.add("Reshape", x, [-1, *shape]) if parts > 1 else x

    return graph.in_float32(x, normalize)


def map_norm(graph, layer, x):
    """Adds a norm within each map; see `layers.WithinMapNormalization`."""
    return graph.in_float32(x, lambda x: _scale_down(graph, layer, x, x))


def contrast_norm(graph, layer, x):
    """Adds a norm by the variance; see `layers.ContrastNormalization`."""

    def normalize(x):
        mean = _average(graph, x, layer.size, count_include_pad=0)
        return _scale_down(graph, layer, x, graph.add("Sub", x, mean))

    return graph.in_float32(x, normalize)


def _scale_down(graph, layer, x, deviations):
    """Adds the division by a power of what the squares around sum up to."""
    squares = graph.add("Mul", deviations, deviations)
    means = _average(graph, squares, layer.size, count_include_pad=1)
    energy = graph.add("Mul", means, np.float32(layer.alpha * layer.size**2))
    base = graph.add("Add", energy, np.float32(layer.bias))
    return graph.add("Mul", x, graph.add("Pow", base, np.float32(-layer.beta)))


def _average(graph, x, size, count_include_pad):
    """Adds means of the windows around each place of a map."""
    return graph.add(
        "AveragePool",
        x,
        kernel_shape=[size] * 2,
        pads=[size // 2] * 4,
        count_include_pad=count_include_pad,
    )


def pool_sides(layer, size):
    """Returns the size of a pool's map, and the places around its input.

    TensorFlow's "same" puts the odd place behind the map. Written as numbers:
    runtimes differ in what they make of ONNX's `ceil_mode`.

    Args:
        layer: A `networks.MaxPool` or `networks.AveragePool`.
        size: Rows and columns of the map below.

    Returns:
        An integer; and a list: top, left, bottom, right.
    """
    if layer.padding == "valid":
        return (size - layer.size) // layer.strides + 1, [0] * 4
    pooled = math.ceil(size / layer.strides)
    reach = max((pooled - 1) * layer.strides + layer.size - size, 0)
    before = reach // 2
    return pooled, [before] * 2 + [reach - before] * 2
