"""The update rule, the schedule, the loop and what must survive them.

Names are imported when first used: `control` needs no TensorFlow.
"""

import importlib
import typing

if typing.TYPE_CHECKING:
    from alexnet_tf.training.optimizer import PaperSGD
    from alexnet_tf.training.schedule import Boundaries, Geometric, Plateau
    from alexnet_tf.training.step import make_train_step

__all__ = [
    "Boundaries",
    "Geometric",
    "PaperSGD",
    "Plateau",
    "make_train_step",
]

_MODULES = {
    "Boundaries": "schedule",
    "Geometric": "schedule",
    "PaperSGD": "optimizer",
    "Plateau": "schedule",
    "make_train_step": "step",
}


def __getattr__(name):
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"{__name__}.{_MODULES[name]}")
    return getattr(module, name)
