"""From files to batches; knows nothing of networks.

Names are imported when first used: the converter's worker processes need no
TensorFlow, and without it they start in a fraction of a second.
"""

import importlib

_PUBLIC = {
    "DataConfig": "data_config",
    "DatasetInfo": "dataset_info",
    "make_augment": "augmentation",
    "make_crop_dataset": "training_crops",
    "make_eval_dataset": "pipeline",
    "make_train_dataset": "pipeline",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name):
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"{__name__}.{_PUBLIC[name]}")
    return getattr(module, name)
