"""SavedModel with preprocessing, mean image and class names inside."""

import os
import pathlib
from typing import Any

import keras
import tensorflow as tf

from alexnet_tf import evaluation
from alexnet_tf.analysis import saliency
from alexnet_tf.export import versions, warmup
from alexnet_tf.layers import GroupedDense
from alexnet_tf.model import feature_extractor
from input_pipeline import transforms

_SHOWN = 5
# In assets.extra: the class names, a line each, for people and servers.
LABELS_FILE_NAME = "labels.txt"


def export(classifier: Any, directory: str | os.PathLike[str]) -> pathlib.Path:
    """Writes a new version of a servable model.

    The signatures stand in BUILD.md. The version appears under its number
    only when it is complete, so that a server may watch the folder.

    Args:
        classifier: A `Classifier`; its model is what `model.build(...,
            native_ops_only=True)` returned, trained.
        directory: Folder of the versions.

    Returns:
        The path of the version: `directory/1`, or one more than the last.
    """
    with versions.new_version(directory) as version:
        _write(classifier, version.unfinished)
    return version.final


def tensor_name(signature):
    """Returns the name of a signature's twin, which takes uint8 images."""
    if signature == "serving_default":
        return "tensor"
    return f"tensor_{signature}"


def _write(classifier, directory):
    """Writes the SavedModel with its signatures."""
    size = classifier.image_size
    image_bytes = [tf.TensorSpec([None], tf.string, "image_bytes")]
    images = [tf.TensorSpec([None, size, size, 3], tf.uint8, "images")]

    def squares(image_bytes):
        return tf.map_fn(
            lambda pair: classifier.square(pair[1], pair[0]),
            (tf.range(tf.size(image_bytes)), image_bytes),
            fn_output_signature=tf.TensorSpec((size, size, 3), tf.uint8),
        )

    def preprocess(image_bytes):
        found = squares(image_bytes)
        crops = transforms.center_crop(found, classifier.crop_size)
        return {"images": found, "crops": crops}

    def of_files(answer):
        return lambda image_bytes: answer(squares(image_bytes))

    # A plain `tf.saved_model.save` of a Keras 3 model cannot be loaded by
    # TF Serving: its variables are out of a session's sight.
    archive = keras.export.ExportArchive()
    archive.track(classifier.model)
    archive.add_endpoint("preprocess", preprocess, image_bytes)
    for name, answer in _answers(classifier).items():
        archive.add_endpoint(name, of_files(answer), image_bytes)
        archive.add_endpoint(tensor_name(name), answer, images)
    archive.write_out(str(directory), verbose=False)
    warmup.write(directory, ["serving_default", "ten_crop"])
    extra = directory / "assets.extra"
    extra.mkdir(exist_ok=True)
    (extra / LABELS_FILE_NAME).write_text(
        "\n".join(classifier.class_names) + "\n", "utf-8"
    )


def _answers(classifier):
    """Returns functions of uint8 images of the records' size, by signature.

    Each is exported twice: for files, and for such images.
    """
    model = classifier.model
    hidden = [x.name for x in model.layers if isinstance(x, GroupedDense)]
    gradcam = saliency.gradcam_graph(model)

    def layer(layer_name, output_name):
        extract = feature_extractor(model, layer_name)

        def outputs(images):
            found = extract(classifier.crops(images), training=False)
            return {output_name: tf.cast(found, tf.float32)}

        return outputs

    answers = {
        "serving_default": lambda images: _best(classifier, images, 1),
        "ten_crop": lambda images: _best(classifier, images, 10),
        "explain": lambda images: {"map": gradcam(classifier.crops(images))},
        "conv1": layer("conv1", "conv1"),
    }
    if hidden[1:]:
        # The last hidden layer, where the network has been left without fc7.
        name = "fc7" if "fc7" in hidden[:-1] else hidden[-2]
        answers["features"] = layer(name, name)
    return {name: _never_empty(answer) for name, answer in answers.items()}


def _never_empty(answer):
    """Lets a function of images take none: TensorFlow's convolutions do not.

    What they give for an empty batch has the channels of their input.
    """

    def answer_any(images):
        count = tf.shape(images)[0]
        is_empty = tf.cast(tf.equal(count, 0), tf.int32)
        images = tf.pad(images, [[0, is_empty], [0, 0], [0, 0], [0, 0]])
        return {k: found[:count] for k, found in answer(images).items()}

    return answer_any


def _best(classifier, images, crops):
    """Returns the best classes of images, with names and probabilities."""
    names = tf.constant(list(classifier.class_names))
    shown = min(_SHOWN, len(classifier.class_names))
    probabilities, classes = tf.math.top_k(
        evaluation.probabilities(
            classifier.model, classifier.crops(images, crops)
        ),
        shown,
    )
    return {
        "classes": classes,
        "class_names": tf.gather(names, classes),
        "probabilities": probabilities,
    }
