"""The lineage's networks, narrow and on small images, for tests."""

import dataclasses

from alexnet_tf import networks

# conv1 makes maps of 19; with them every layer below has a map, and the second
# input of layers-120 to 141 fits the first.
CROP_SIZE = 80


def narrow(network):
    """Returns the network with four kernels or neurons a tower and layer."""
    layers = []
    for layer in network.layers:
        wide = 4 * network.towers
        if isinstance(layer, networks.Conv):
            layer = dataclasses.replace(layer, filters=wide, stddev="he")
        elif isinstance(layer, networks.Dense) and layer.units:
            layer = dataclasses.replace(layer, units=wide, stddev="he")
        layers.append(layer)
    return dataclasses.replace(network, layers=tuple(layers))
