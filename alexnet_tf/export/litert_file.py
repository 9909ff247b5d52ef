"""LiteRT files, with preprocessing and mean image inside.

They take "images", uint8 `(n, image_size, image_size, 3)`, RGB, as the
records hold them, and give "probabilities", float32 `(n, classes)`, from one
centre crop.
"""

import shutil
import warnings

import keras
import numpy as np
import tensorflow as tf

from alexnet_tf.export import versions

# What each LiteRT file computes with.
PRECISIONS = ("float32", "float16", "int8")
# In eight bits a probability would be a multiple of 1/256, and most of a
# thousand classes would share one; the mean would round each pixel twice.
_NEVER_INT8 = ["SOFTMAX", "SUB"]


def to_litert(classifier, directory, *, representative, progress=None):
    """Writes a new version with three LiteRT files, for one image a call.

    `model_float32.tflite`; `model_float16.tflite`, half as large, which
    computes in float32; `model_int8.tflite`, a quarter, with weights and
    activations in eight bits. There the normalization of §3.3, for which
    LiteRT has no such kernel, the mean image and the softmax stay in float32.
    `labels.txt` has the class names, one a line.

    Args:
        classifier: See `to_onnx`.
        directory: The same.
        representative: Real images, uint8 `(n, image_size, image_size, 3)`,
            by which the ranges of the activations are found; 100 are enough.
        progress: The same.

    Returns:
        The path of the version, a folder.

    Raises:
        ValueError: The model does not compute in float32, or the images are
            none.
    """
    _check(classifier.model)
    shape = (classifier.image_size, classifier.image_size, 3)
    representative = np.asarray(representative)
    if (
        representative.dtype != np.uint8
        or representative.shape[1:] != shape
        or not len(representative)
    ):
        raise ValueError(
            f"representative must be one uint8 image {shape} or more. "
            f"Received: {representative.dtype} {representative.shape}"
        )
    function, signature = _make_function(classifier, 1)
    with versions.new_version(directory) as version:
        # Weights that were constants of a function instead would be copied
        # over and over: more than 10 GB for the paper's network.
        saved_model = version.unfinished / "saved_model"
        archive = keras.export.ExportArchive()
        archive.track(classifier.model)
        archive.add_endpoint("serving_default", function, signature)
        archive.write_out(str(saved_model), verbose=False)
        labels = "".join(f"{name}\n" for name in classifier.class_names)
        (version.unfinished / "labels.txt").write_text(labels, encoding="utf-8")
        for precision in PRECISIONS:
            contents = _convert(saved_model, precision, representative)
            path = version.unfinished / f"model_{precision}.tflite"
            path.write_bytes(contents)
            _count(progress)
        shutil.rmtree(saved_model)
    return version.final


def _check(model):
    """Refuses what could not be converted."""
    dtypes = {layer.compute_dtype for layer in model.layers} - {"float32"}
    if dtypes:
        raise ValueError(
            "The model must compute in float32. "
            f"Received: a model that computes in {sorted(dtypes)[0]}. Build "
            "it with precision=float32, whatever it was trained in."
        )


def _make_function(classifier, batch_size):
    """Returns images to probabilities, and the signature of that function."""

    def probabilities(images):
        logits = classifier.model(classifier.crops(images), training=False)
        return {"probabilities": tf.nn.softmax(logits)}

    shape = [batch_size, classifier.image_size, classifier.image_size, 3]
    signature = [tf.TensorSpec(shape, tf.uint8, "images")]
    return probabilities, signature


def _convert(saved_model, precision, representative):
    """Returns the bytes of a LiteRT file."""
    converter = tf.lite.TFLiteConverter.from_saved_model(str(saved_model))
    if precision != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if precision == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if precision != "int8":
        return converter.convert()
    converter.representative_dataset = lambda: (
        [image[np.newaxis]] for image in representative
    )
    options = tf.lite.experimental.QuantizationDebugOptions(
        denylisted_ops=_NEVER_INT8
    )
    with warnings.catch_warnings():
        # It says that TensorFlow's own interpreter will go.
        warnings.simplefilter("ignore", UserWarning)
        debugger = tf.lite.experimental.QuantizationDebugger(
            converter=converter,
            debug_dataset=converter.representative_dataset,
            debug_options=options,
        )
    return debugger.get_nondebug_quantized_model()


def _count(progress):
    """Tells that a file is finished."""
    if progress is not None:
        progress.update(1)
