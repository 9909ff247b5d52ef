"""A trained network as files that other programs load."""

from alexnet_tf.export.saved_model import export
from alexnet_tf.export.versions import find_version, load, new_version

__all__ = ["export", "find_version", "load", "new_version"]
