"""LiteRT files, with preprocessing and mean image inside.

They take "images", uint8 `(1, image_size, image_size, 3)`, RGB, as the records
hold them, and give "probabilities", float32 `(1, classes)`, from one centre
crop.
"""

import shutil

import keras
import tensorflow as tf

from alexnet_tf.export import litert_int8, versions
from alexnet_tf.export.packages import require

# What each file computes with.
PRECISIONS = ("float32", "float16", "int8")


def to_litert(classifier, directory, *, progress=None):
    """Writes a new version with three LiteRT files, for one image a call.

    `model_float32.tflite`; `model_float16.tflite`, half as large, which
    computes in float32; `model_int8.tflite`, a quarter, see `litert_int8`.
    `labels.txt` has the class names, one a line.

    Args:
        classifier: A `Classifier`; its model is what `model.build(...,
            native_ops_only=True)` returned, trained.
        directory: Folder of the versions; see `export.export`.
        progress: Has `update(files)`, or `None`.

    Returns:
        The path of the version, a folder.

    Raises:
        ValueError: A package is missing, or the model does not compute in
            float32.
    """
    require("ai_edge_quantizer")
    _check(classifier.model)
    with versions.new_version(directory) as version:
        folder = version.unfinished
        saved_model = _write_saved_model(classifier, folder / "saved_model")
        labels = "".join(f"{name}\n" for name in classifier.class_names)
        (folder / "labels.txt").write_text(labels, encoding="utf-8")
        for precision in PRECISIONS:
            if precision == "int8":
                contents = litert_int8.quantize(folder / "model_float32.tflite")
            else:
                contents = _convert(saved_model, precision)
            (folder / f"model_{precision}.tflite").write_bytes(contents)
            if progress is not None:
                progress.update(1)
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


def _write_saved_model(classifier, folder):
    """Writes images to probabilities, as the converter takes it.

    Weights that were constants of a function instead would be copied over and
    over: more than 10 GB for the paper's network.
    """

    def probabilities(images):
        logits = classifier.model(classifier.crops(images), training=False)
        return {"probabilities": tf.nn.softmax(logits)}

    size = classifier.image_size
    images = tf.TensorSpec([1, size, size, 3], tf.uint8, "images")
    archive = keras.export.ExportArchive()
    archive.track(classifier.model)
    archive.add_endpoint("serving_default", probabilities, [images])
    archive.write_out(str(folder), verbose=False)
    return folder


def _convert(saved_model, precision):
    """Returns the bytes of a LiteRT file whose weights are floats."""
    converter = tf.lite.TFLiteConverter.from_saved_model(str(saved_model))
    if precision == "float16":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
    return converter.convert()
