"""The ImageNet network of 2012, its training and what is done with it."""

from alexnet_tf import evaluation, export, layers, networks, training, weights
from alexnet_tf.experiment.experiment import load
from alexnet_tf.model import AlexNet, build, feature_extractor
from alexnet_tf.preprocessing import decode_predictions, preprocess_input

__all__ = [
    "AlexNet",
    "build",
    "decode_predictions",
    "evaluation",
    "export",
    "feature_extractor",
    "layers",
    "load",
    "networks",
    "preprocess_input",
    "training",
    "weights",
]
