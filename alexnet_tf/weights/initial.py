"""First weights, drawn as a network's description says."""

import math
import zlib

import numpy as np

from alexnet_tf import networks
from alexnet_tf.weights import assign


def set_initial(model, network, seed):
    """Draws the first weights, the same for any placement of the towers.

    Args:
        model: What `model.build` returned.
        network: The `networks.Network` that it was built of.
        seed: Integer; each layer draws from a stream of its own.
    """
    shapes = assign.shapes(model)
    arrays = {}
    for layer in network.layers:
        if f"{layer.name}/kernel" not in shapes:
            continue
        kernel = shapes[f"{layer.name}/kernel"]
        bias = shapes[f"{layer.name}/bias"]
        is_local = isinstance(layer, networks.Local)
        inputs = kernel[-2] if is_local else math.prod(kernel[:-1])
        stream = np.random.Philox(key=layer_seed(seed, layer.name))
        rng = np.random.Generator(stream)
        arrays[f"{layer.name}/kernel"] = _draw(
            rng, kernel, layer.stddev, inputs
        )
        arrays[f"{layer.name}/bias"] = (
            _draw(rng, bias, "fan_in", inputs)
            if layer.bias == "fan_in"
            else np.full(bias, layer.bias, np.float32)
        )
        side = f"{layer.name}/side_kernel"
        if side in shapes:
            arrays[side] = _draw(
                rng,
                shapes[side],
                layer.side.stddev,
                math.prod(shapes[side][:-1]),
            )
    assign.from_arrays(model, arrays)


def layer_seed(seed, name):
    """Returns a 32-bit integer of a run's seed and a layer's name."""
    return zlib.crc32(f"{seed}/{name}".encode())


def _draw(rng, shape, stddev, inputs):
    """Draws an array by a layer's `stddev`; see `networks.Conv`."""
    if stddev == "fan_in":
        uniform = rng.random(shape, np.float32)
        return (2 * uniform - 1) / np.float32(math.sqrt(inputs))
    if stddev == "he":
        stddev = math.sqrt(2.0 / inputs)
    return rng.standard_normal(shape, np.float32) * np.float32(stddev)
