"""The ImageNet network of 2012, its training and what is done with it.

Names are imported when first used, so that programs that need no TensorFlow
start at once. What Keras must know to load a saved model is registered as soon
as both packages have been imported, in whichever order.
"""

import contextlib
import importlib
import os
import sys
import typing

from alexnet_tf import import_hooks

if typing.TYPE_CHECKING:
    from alexnet_tf import (
        analysis,
        evaluation,
        export,
        layers,
        networks,
        training,
        weights,
    )
    from alexnet_tf.applications import AlexNet
    from alexnet_tf.classifier import Classifier
    from alexnet_tf.experiment.loading import load, load_classifier
    from alexnet_tf.model import build, feature_extractor
    from alexnet_tf.preprocessing import decode_predictions, preprocess_input

# The one place that it is in: setup.py and `alexnet --version` read it.
__version__ = "1.0.0"

__all__ = [
    "AlexNet",
    "Classifier",
    "analysis",
    "build",
    "decode_predictions",
    "evaluation",
    "export",
    "feature_extractor",
    "layers",
    "load",
    "load_classifier",
    "networks",
    "preprocess_input",
    "training",
    "weights",
]

# Where each name is; what is not here is a module of that name.
_MODULES = {
    "AlexNet": "applications",
    "Classifier": "classifier",
    "build": "model",
    "decode_predictions": "preprocessing",
    "feature_extractor": "model",
    "load": "experiment.loading",
    "load_classifier": "experiment.loading",
    "preprocess_input": "preprocessing",
}
# Their classes are registered with Keras by being defined.
_REGISTERED = ("alexnet_tf.layers", "alexnet_tf.training.optimizer")

# oneDNN is off by default on CPUs without AVX-512, where it is worth a third
# of the training time. TensorFlow reads this when it is imported.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
# A GPU's memory is taken as it is needed: TensorFlow would take all of it at
# once, and leave none to an evaluation next to a training.
os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")


def __getattr__(name):
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name not in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    module = importlib.import_module(f"{__name__}.{_MODULES[name]}")
    return getattr(module, name)


def __dir__():
    return sorted({*globals(), *__all__})


@contextlib.contextmanager
def _register_afterwards():
    """Defines what is registered once Keras is there."""
    yield
    for name in _REGISTERED:
        importlib.import_module(name)


if "keras" in sys.modules:
    with _register_afterwards():
        pass
else:
    import_hooks.around_import("keras", _register_afterwards)
