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
GRADCAM = "Grad-CAM"


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
    model = classifier.model
    functions = signatures(classifier, of_model(model))
    with versions.new_version(directory) as version:
        # A plain `tf.saved_model.save` of a Keras 3 model cannot be loaded by
        # TF Serving: its variables are out of a session's sight.
        archive = keras.export.ExportArchive()
        archive.track(model)
        for name, (function, inputs) in functions.items():
            archive.add_endpoint(name, function, [inputs])
        archive.write_out(str(version.unfinished), verbose=False)
        write_extras(
            classifier, version.unfinished, ["serving_default", "ten_crop"]
        )
    return version.final


def tensor_name(signature):
    """Returns the name of a signature's twin, which takes uint8 images."""
    if signature == "serving_default":
        return "tensor"
    return f"tensor_{signature}"


def of_model(model):
    """Returns a model as what `signatures` takes."""
    gradcam = saliency.gradcam_graph(model)

    def network(crops, layer_name=None):
        if layer_name == GRADCAM:
            return gradcam(crops)
        computed = feature_extractor(model, layer_name) if layer_name else model
        return computed(crops, training=False)

    return network


def signatures(classifier, network):
    """Returns the functions of a SavedModel, and what they take, by name.

    Args:
        classifier: A `Classifier`.
        network: A function of crops, float32 `(n, crop_size, crop_size, 3)`,
            and the name of a layer: its output; the logits without a name,
            and for `GRADCAM` the maps of the best classes.
    """
    size = classifier.image_size
    image_bytes = tf.TensorSpec([None], tf.string, "image_bytes")
    images = tf.TensorSpec([None, size, size, 3], tf.uint8, "images")

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

    found = {"preprocess": (preprocess, image_bytes)}
    for name, answer in _answers(classifier, network).items():
        found[name] = of_files(answer), image_bytes
        found[tensor_name(name)] = answer, images
    return found


def write_extras(classifier, directory, warmed):
    """Writes what belongs to a SavedModel: warm-up requests and labels.

    Args:
        classifier: A `Classifier`.
        directory: Of the version.
        warmed: Signatures of files that the requests are for.
    """
    warmup.write(directory, warmed)
    extra = directory / "assets.extra"
    extra.mkdir(exist_ok=True)
    (extra / LABELS_FILE_NAME).write_text(
        "\n".join(classifier.class_names) + "\n", "utf-8"
    )


def feature_layer(model):
    """Returns the name of the last hidden layer: fc7 if it is there.

    Or `None`, where no hidden layer is dense.
    """
    hidden = [x.name for x in model.layers if isinstance(x, GroupedDense)]
    if not hidden[1:]:
        return None
    return "fc7" if "fc7" in hidden[:-1] else hidden[-2]


def _answers(classifier, network):
    """Returns functions of uint8 images of the records' size, by signature.

    Each is exported twice: for files, and for such images.
    """

    def layer(layer_name, output_name):
        def outputs(images):
            found = network(classifier.crops(images), layer_name)
            return {output_name: tf.cast(found, tf.float32)}

        return outputs

    answers = {
        "serving_default": lambda images: _best(classifier, network, images, 1),
        "ten_crop": lambda images: _best(classifier, network, images, 10),
        "explain": layer(GRADCAM, "map"),
        "conv1": layer("conv1", "conv1"),
    }
    features = feature_layer(classifier.model)
    if features:
        answers["features"] = layer(features, features)
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


def _best(classifier, network, images, crops):
    """Returns the best classes of images, with names and probabilities."""
    names = tf.constant(list(classifier.class_names))
    shown = min(_SHOWN, len(classifier.class_names))
    probabilities, classes = tf.math.top_k(
        evaluation.probabilities(
            lambda inputs, training: network(inputs),
            classifier.crops(images, crops),
        ),
        shown,
    )
    return {
        "classes": classes,
        "class_names": tf.gather(names, classes),
        "probabilities": probabilities,
    }
