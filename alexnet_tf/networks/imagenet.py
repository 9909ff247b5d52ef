"""The paper's network, its authors' own program's, and their descendants.

`PAPER` is the text of the paper and `ORIGINAL_2012` its authors' program,
whose files are named "layers-145.cfg" here, as there.
"""

import dataclasses
from typing import Any

from alexnet_tf.networks.description import (
    Conv,
    Dense,
    Dropout,
    MapNorm,
    MaxPool,
    Norm,
)
from alexnet_tf.networks.network import Network

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
        Dense("fc6", 4096, bias=1.0),
        Dropout("drop6"),
        Dense("fc7", 4096, bias=1.0),
        Dropout("drop7"),
        Dense("fc8"),
    ),
)

# What the authors ran: layers-145.cfg. Like the paper's text but for the
# order in the first layer, the norm within maps behind norm2, the deviation
# of conv3 to conv5, and alpha, which the program divides by n = 5. The
# rectifier of conv5 stands behind its pool, which gives the same.
ORIGINAL_2012 = Network(
    image_size=224,
    towers=2,
    layers=(
        Conv("conv1", 96, 11, strides=4, padding=(0, 3), activation="none"),
        Norm("norm1", alpha=2e-5),  # 55 x 55 x 96
        MaxPool("pool1", activation="relu"),  # 27 x 27 x 96
        Conv("conv2", 256, 5, padding=2, bias=1.0),  # 27 x 27 x 256
        Norm("norm2", alpha=2e-5),
        MapNorm("mapnorm2"),
        MaxPool("pool2"),  # 13 x 13 x 256
        Conv("conv3", 384, 3, padding=1, reads="all towers", stddev=0.03),
        Conv("conv4", 384, 3, padding=1, bias=1.0, stddev=0.03),  # 13 x 13
        Conv(
            "conv5",
            256,
            3,
            padding=1,
            bias=1.0,
            stddev=0.03,
            activation="none",
        ),
        MaxPool("pool5", activation="relu"),  # 6 x 6 x 256
        Dense("fc6", 4096, bias=1.0),
        Dropout("drop6"),
        Dense("fc7", 4096, bias=1.0),
        Dropout("drop7"),
        Dense("fc8"),
    ),
)

# Without response normalization: top-1 error rises by 1.4 points (§3.3).
NO_LRN = PAPER.without("norm1", "norm2")
# layers-148.cfg, from which the paper's numbers are: no norm of any kind.
ORIGINAL_NO_LRN = ORIGINAL_2012.without("norm1", "norm2", "mapnorm2")


def _non_overlapping(network):
    """Returns a network with windows of two pixels that do not overlap.

    As in layers-147.cfg, conv2 and conv5 lose padding, so that fc6 keeps its
    size: maps of 55, 28, 26, 13, 13, 13, 11, 6.
    """
    return (
        network.replace("pool1", size=2, padding="same")
        .replace("conv2", padding=1)
        .replace("pool2", size=2)
        .replace("conv5", padding=0)
        .replace("pool5", size=2, padding="same")
    )


def _half_width(network):
    """Returns a network of one tower.

    As in layers-145-half.cfg, conv5 and the dense layers stay as wide as they
    were, so that the number of parameters does.
    """
    return (
        dataclasses.replace(network, towers=1)
        .replace("conv1", filters=48)
        .replace("conv2", filters=128)
        .replace("conv3", filters=192, reads="own tower")
        .replace("conv4", filters=192)
    )


# Pools that do not overlap: 0.4 points (§3.4).
NON_OVERLAPPING = _non_overlapping(PAPER)
ORIGINAL_NON_OVERLAPPING = _non_overlapping(ORIGINAL_2012)

# One GPU and half the kernels: 1.7 points (§3.2).
HALF_WIDTH = _half_width(PAPER)
ORIGINAL_HALF_WIDTH = _half_width(ORIGINAL_2012)

# Without dropout it overfits substantially (§4.2).
NO_DROPOUT = PAPER.without("drop6", "drop7")

# Any middle layer removed costs about 2 points (§7). No file of the authors
# says how; where conv3 is gone, conv4 takes over that it reads both towers.
NO_CONV3 = PAPER.without("conv3").replace("conv4", reads="all towers")
NO_CONV4 = PAPER.without("conv4")
NO_CONV5 = PAPER.without("conv5")

# A sixth convolution on the last pool, to train on whole ImageNet (§6):
# layers-146-2009.cfg with 10,184 classes, and with 1000 of them its form for
# fine-tuning, layers-146-2012-2009.cfg.
CONV6 = ORIGINAL_2012.insert_behind(
    "pool5",
    Conv("conv6", 256, 3, padding=1, reads="all towers", bias=1.0, stddev=0.03),
)

# Its form for Fall 2011's 21,843 classes, layers-146-2011.cfg: 2048 linear
# units in front of the classes. The authors' classes stand half on each GPU;
# ours all on the first.
CONV6_FALL_2011 = CONV6.insert_behind(
    "drop7", Dense("fc7_linear", 2048, activation="none")
)

# Towers that meet in the last layer only, layers-150.cfg: wider, so that the
# number of parameters stays about the same. What is known of the file are
# conv2's and fc6's widths.
NO_CROSS_TALK = (
    ORIGINAL_2012.replace("conv2", filters=320)
    .replace("conv3", reads="own tower")
    .replace("fc6", units=8192, reads="own tower")
    .replace("fc7", reads="own tower")
)

# The network most tutorials mean: every kernel sees every map below it.
ONE_TOWER = dataclasses.replace(PAPER, towers=1)

# bvlc_alexnet: crops of 227, one norm over both towers, k = 1, alpha over n,
# biases of 0.1 because 1 "gave flat loss".
_CAFFE_NORM = {"alpha": 2e-5, "bias": 1.0, "reads": "all towers"}
CAFFE = dataclasses.replace(
    PAPER.replace("conv1", padding=0)
    .replace("norm1", **_CAFFE_NORM)
    .replace("conv2", bias=0.1)
    .replace("norm2", **_CAFFE_NORM)
    .replace("conv4", bias=0.1)
    .replace("conv5", bias=0.1)
    .replace("fc6", bias=0.1, stddev=0.005)
    .replace("drop6", scaling="inverted")
    .replace("fc7", bias=0.1, stddev=0.005)
    .replace("drop7", scaling="inverted"),
    image_size=227,
)

# bvlc_reference_caffenet: the same with norms behind the pools and biases of 1.
CAFFENET = (
    CAFFE.move_behind("norm1", "pool1")
    .move_behind("norm2", "pool2")
    .replace("conv2", bias=1.0)
    .replace("conv4", bias=1.0)
    .replace("conv5", bias=1.0)
    .replace("fc6", bias=1.0)
    .replace("fc7", bias=1.0)
)

# torchvision's, the shapes of "One weird trick for parallelizing
# convolutional neural networks": no norms, dropout in front of fc6 and fc7,
# PyTorch's first weights.
_TORCH: dict[str, Any] = {"stddev": "fan_in", "bias": "fan_in"}
TORCHVISION = Network(
    image_size=224,
    towers=1,
    layers=(
        Conv("conv1", 64, 11, strides=4, padding=2, **_TORCH),  # 55 x 55
        MaxPool("pool1"),  # 27 x 27 x 64
        Conv("conv2", 192, 5, padding=2, **_TORCH),
        MaxPool("pool2"),  # 13 x 13 x 192
        Conv("conv3", 384, 3, padding=1, **_TORCH),
        Conv("conv4", 256, 3, padding=1, **_TORCH),
        Conv("conv5", 256, 3, padding=1, **_TORCH),
        MaxPool("pool5"),  # 6 x 6 x 256
        Dropout("drop5", scaling="inverted"),
        Dense("fc6", 4096, **_TORCH),
        Dropout("drop6", scaling="inverted"),
        Dense("fc7", 4096, **_TORCH),
        Dense("fc8", **_TORCH),
    ),
)

# Tutorials' plainest: 227 pixels and three zeros on every side of them make
# maps of 56, 27, 13 and 6; no towers, no norms, PyTorch's first weights.
PLAIN_227 = Network(
    image_size=227,
    towers=1,
    layers=(
        Conv("conv1", 96, 11, strides=4, padding=3, **_TORCH),  # 56 x 56 x 96
        MaxPool("pool1"),  # 27 x 27 x 96
        Conv("conv2", 256, 5, padding=2, **_TORCH),
        MaxPool("pool2"),  # 13 x 13 x 256
        Conv("conv3", 384, 3, padding=1, **_TORCH),
        Conv("conv4", 384, 3, padding=1, **_TORCH),
        Conv("conv5", 256, 3, padding=1, **_TORCH),
        MaxPool("pool5"),  # 6 x 6 x 256
        Dense("fc6", 4096, **_TORCH),
        Dropout("drop6", scaling="inverted"),
        Dense("fc7", 4096, **_TORCH),
        Dropout("drop7", scaling="inverted"),
        Dense("fc8", **_TORCH),
    ),
)
