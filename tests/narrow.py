"""Narrow versions of the networks, for tests that compute by loops."""


# conv1 of 16 pixels: every layer of the paper on maps of 15, 7, 7, 3 and 1.
def shrink(network):
    """Returns the network with narrow layers, for images of 67 pixels."""
    widths = {"conv1": 8, "conv2": 12, "conv3": 8, "conv4": 8, "conv5": 4}
    for name, filters in widths.items():
        network = network.replace(name, filters=filters, stddev="he")
    for name in ("norm1", "norm2"):
        network = network.replace(name, alpha=0.01)
    return network.replace("fc6", units=10, stddev="he").replace(
        "fc7", units=6, stddev="he"
    )
