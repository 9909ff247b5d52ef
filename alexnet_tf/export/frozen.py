"""SavedModel whose weights are constants: a CPU answers faster by it.

oneDNN brings constant weights into its own order once, where it does so with
variables at every call.
"""

import os
import pathlib
from typing import Any

import keras
import tensorflow as tf

from alexnet_tf.export import saved_model, versions

# Python's loader keeps the weights several times for each that has them.
_SIGNATURES = ("preprocess", "serving_default", "tensor")
_POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}


def export_frozen(
    classifier: Any, directory: str | os.PathLike[str]
) -> pathlib.Path:
    """Writes a new version of a servable model with its weights inside.

    The answers of its signatures, labels and warm-up requests are those of
    `export.export`, to float32's rounding. It has operations of TensorFlow
    alone, and no variables: whatever loads a SavedModel loads it.

    Args:
        classifier: A `Classifier`; its model is what `model.build(...,
            native_ops_only=True)` returned, trained, of any precision.
        directory: Folder of the versions.

    Returns:
        The path of the version: `directory/1`, or one more than the last.
    """
    network = _freeze(classifier.model, classifier.crop_size)
    functions = {
        name: tf.function(function, input_signature=[inputs])
        for name, (function, inputs) in saved_model.signatures(
            classifier, network
        ).items()
        if name in _SIGNATURES
    }
    with versions.new_version(directory) as version:
        folder = version.unfinished
        tf.saved_model.save(tf.Module(), str(folder), signatures=functions)
        saved_model.write_extras(classifier, folder, ["serving_default"])
    return version.final


def policy(precision: str | None) -> str:
    """Returns the policy that a model is built with for a precision by name.

    Args:
        precision: "float32", which `None` is too; or "bfloat16", for CPUs
            with avx512_bf16 or amx_bf16. Others compute it too, slowly.

    Raises:
        ValueError: It is another.
    """
    if precision not in (*_POLICIES, None):
        raise ValueError(
            f"precision must be one of {', '.join(_POLICIES)} for a frozen "
            f"SavedModel. Received: {precision}"
        )
    return _POLICIES[precision or "float32"]


def _freeze(model, size):
    """Returns a function of crops to logits, without variables.

    One graph for all signatures, so that the file has the weights once.
    """
    values = [(variable, variable.numpy()) for variable in model.variables]

    @tf.function(input_signature=[tf.TensorSpec([None, size, size, 3])])
    def logits(crops):
        constants = [(v, tf.constant(value)) for v, value in values]
        with keras.StatelessScope(state_mapping=constants):
            return model(crops, training=False)

    return lambda crops, layer_name=None: logits(crops)
