"""Layers that Keras lacks, or that it does differently from the paper."""

from alexnet_tf.layers.contrast import ContrastNormalization
from alexnet_tf.layers.dropout import Dropout
from alexnet_tf.layers.grouped_conv import GroupedConv2D
from alexnet_tf.layers.locally_connected import LocallyConnected2D
from alexnet_tf.layers.low_resolution import LowResolution, SideConv2D
from alexnet_tf.layers.lrn import LocalResponseNormalization
from alexnet_tf.layers.random_groups import GatherChannels, random_groups
from alexnet_tf.layers.selected_towers import SelectTowers
from alexnet_tf.layers.towers import (
    AveragePool2D,
    GroupedDense,
    MaxPool2D,
    MergeTowers,
    SplitTowers,
)
from alexnet_tf.layers.within_map import WithinMapNormalization

__all__ = [
    "AveragePool2D",
    "ContrastNormalization",
    "Dropout",
    "GatherChannels",
    "GroupedConv2D",
    "GroupedDense",
    "LocalResponseNormalization",
    "LocallyConnected2D",
    "LowResolution",
    "MaxPool2D",
    "MergeTowers",
    "SelectTowers",
    "SideConv2D",
    "SplitTowers",
    "WithinMapNormalization",
    "random_groups",
]
