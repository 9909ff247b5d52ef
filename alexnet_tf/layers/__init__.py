"""Layers that Keras lacks, or that it does differently from the paper."""

from alexnet_tf.layers.dropout import Dropout
from alexnet_tf.layers.grouped_conv import GroupedConv2D
from alexnet_tf.layers.lrn import LocalResponseNormalization
from alexnet_tf.layers.towers import GroupedDense, MaxPool2D, MergeTowers

__all__ = [
    "Dropout",
    "GroupedConv2D",
    "GroupedDense",
    "LocalResponseNormalization",
    "MaxPool2D",
    "MergeTowers",
]
