"""What a trained network has learned: features, kernels and figures (§6)."""

import importlib
import typing

if typing.TYPE_CHECKING:
    from alexnet_tf.analysis.deconvnet import Deconvnet
    from alexnet_tf.analysis.occluder import occlusion
    from alexnet_tf.analysis.perceptual import LPIPS
    from alexnet_tf.analysis.saliency import gradcam, guided_backpropagation

__all__ = [
    "LPIPS",
    "Deconvnet",
    "gradcam",
    "guided_backpropagation",
    "occlusion",
]

# Where each name is; imported when it is first used, as most parts of this
# room need no TensorFlow.
_MODULES = {
    "Deconvnet": "deconvnet",
    "LPIPS": "perceptual",
    "gradcam": "saliency",
    "guided_backpropagation": "saliency",
    "occlusion": "occluder",
}


def __getattr__(name):
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"{__name__}.{_MODULES[name]}")
    return getattr(module, name)
