"""Reads layers-*.cfg and layer-params-*.cfg of the authors' program of 2012.

    definition = convnet_cfg.read("layers-145.cfg")
    definition.network == networks.ORIGINAL_2012

Their repository (computerhistory/AlexNet-Source-Code) holds 63 definitions;
every family before number 145 gives the second convolution a blurred, thinned
out image as well, which `networks.LowResolution` is.
"""

from alexnet_tf.networks.convnet_cfg.definition import (
    Definition,
    parameters_path,
    read,
    read_files,
    read_texts,
)
from alexnet_tf.networks.convnet_cfg.parameters import LayerRates, Schedule
from alexnet_tf.networks.convnet_cfg.settings import optimizer_settings

__all__ = [
    "Definition",
    "LayerRates",
    "Schedule",
    "optimizer_settings",
    "parameters_path",
    "read",
    "read_files",
    "read_texts",
]
