"""Every network as data: one line a layer, with the size of its map.

A `Network` says what is computed, not where: `model.build` turns it into a
`keras.Model` on one device or with a tower on each of several. A network of
one's own is made from another one:

    networks.PAPER.without("norm1", "norm2")
    networks.PAPER.replace("fc6", units=2048)
"""

from alexnet_tf.networks.description import (
    AveragePool,
    ContrastNorm,
    Conv,
    Dense,
    Dropout,
    Layer,
    Local,
    LowResolution,
    MapNorm,
    MaxPool,
    Norm,
)
from alexnet_tf.networks.early import (
    LAYERS_120,
    LAYERS_131,
    LAYERS_135,
    LAYERS_137,
    LAYERS_141,
)
from alexnet_tf.networks.imagenet import (
    CAFFE,
    CAFFENET,
    CONV6,
    CONV6_FALL_2011,
    HALF_WIDTH,
    NO_CONV3,
    NO_CONV4,
    NO_CONV5,
    NO_CROSS_TALK,
    NO_DROPOUT,
    NO_LRN,
    NON_OVERLAPPING,
    ONE_TOWER,
    ORIGINAL_2012,
    ORIGINAL_HALF_WIDTH,
    ORIGINAL_NO_LRN,
    ORIGINAL_NON_OVERLAPPING,
    PAPER,
    PLAIN_227,
    TORCHVISION,
)
from alexnet_tf.networks.network import Network
from alexnet_tf.networks.small import (
    CIFAR_11,
    CIFAR_13,
    CIFAR_13_LRN,
    CIFAR_18,
    CIFAR_FOUR_LAYER,
    CIFAR_FOUR_LAYER_TANH,
    DEMO,
    TINY,
    TINY_HALF_WIDTH,
    TINY_ONE_TOWER,
)

__all__ = [
    "AveragePool",
    "CAFFE",
    "CAFFENET",
    "CIFAR_11",
    "CIFAR_13",
    "CIFAR_13_LRN",
    "CIFAR_18",
    "CIFAR_FOUR_LAYER",
    "CIFAR_FOUR_LAYER_TANH",
    "CONV6",
    "CONV6_FALL_2011",
    "ContrastNorm",
    "Conv",
    "DEMO",
    "Dense",
    "Dropout",
    "HALF_WIDTH",
    "LAYERS_120",
    "LAYERS_131",
    "LAYERS_135",
    "LAYERS_137",
    "LAYERS_141",
    "Layer",
    "Local",
    "LowResolution",
    "MapNorm",
    "MaxPool",
    "NON_OVERLAPPING",
    "NO_CONV3",
    "NO_CONV4",
    "NO_CONV5",
    "NO_CROSS_TALK",
    "NO_DROPOUT",
    "NO_LRN",
    "Network",
    "Norm",
    "ONE_TOWER",
    "ORIGINAL_2012",
    "ORIGINAL_HALF_WIDTH",
    "ORIGINAL_NON_OVERLAPPING",
    "ORIGINAL_NO_LRN",
    "PAPER",
    "PLAIN_227",
    "TINY",
    "TINY_HALF_WIDTH",
    "TINY_ONE_TOWER",
    "TORCHVISION",
    "named",
]


def named(name: str) -> Network:
    """Returns the network of that name.

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
