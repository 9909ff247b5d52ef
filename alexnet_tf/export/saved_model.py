"""SavedModel with preprocessing, mean image and class names inside."""

import keras
import tensorflow as tf

from alexnet_tf import evaluation
from alexnet_tf.export import versions, warmup
from alexnet_tf.layers import GroupedDense
from alexnet_tf.model import feature_extractor
from input_pipeline import image_headers, transforms

_SHOWN = 5
# In assets.extra: the class names, a line each, for people and servers.
LABELS_FILE_NAME = "labels.txt"


def export(model, statistics, class_names, image_size, directory, mean="paper"):
    """Writes a new version of a servable model.

    The signatures stand in BUILD.md. The version appears under its number
    only when it is complete, so that a server may watch the folder.

    Args:
        model: What `model.build(..., native_ops_only=True)` returned, trained.
        statistics: The `Statistics` of the data it was trained on.
        class_names: By label.
        image_size: Rows and columns of the records it was trained on.
        directory: Folder of the versions.
        mean: How the mean image was subtracted; see `DataConfig`.

    Returns:
        The path of the version: `directory/1`, or one more than the last.

    Raises:
        ValueError: The class names are not as many as the model's outputs.
    """
    check_names(model, class_names)
    with versions.new_version(directory) as (unfinished, final):
        _write(model, statistics, class_names, image_size, unfinished, mean)
    return final


def tensor_name(signature):
    """Returns the name of a signature's twin, which takes uint8 images."""
    if signature == "serving_default":
        return "tensor"
    return f"tensor_{signature}"


def check_names(model, class_names):
    """Refuses class names that are not as many as a model's outputs."""
    if len(class_names) != model.output_shape[-1]:
        raise ValueError(
            "There must be a name for each class. Received: "
            f"{len(class_names)} names, {model.output_shape[-1]} classes"
        )


def _write(model, statistics, class_names, image_size, directory, mean):
    """Writes the SavedModel with its signatures."""
    mean_image = tf.constant(statistics.mean_image, tf.float32)
    names = tf.constant(list(class_names))
    crop_size = model.input_shape[1]
    hidden = [x.name for x in model.layers if isinstance(x, GroupedDense)]
    # fc7, unless the network has been left without one.
    extractor = feature_extractor(model, hidden[-2]) if hidden[1:] else None
    first = feature_extractor(model, "conv1")

    def square(place_and_bytes):
        place, image_bytes = place_and_bytes
        # Before any memory is taken for its pixels.
        image_bytes = image_headers.check(image_bytes, place)
        return transforms.square_from_bytes(image_bytes, image_size)

    def squares_from_bytes(image_bytes):
        return tf.map_fn(
            square,
            (tf.range(tf.size(image_bytes)), image_bytes),
            fn_output_signature=tf.TensorSpec(
                (image_size, image_size, 3), tf.uint8
            ),
        )

    def crops_of(images, crops=1):
        return transforms.evaluation_crops(
            images, mean_image, crop_size, crops, mean
        )

    def best(crops):
        probabilities = evaluation.probabilities(model, crops)
        shown = min(_SHOWN, len(class_names))
        probabilities, classes = tf.math.top_k(probabilities, shown)
        return {
            "classes": classes,
            "class_names": tf.gather(names, classes),
            "probabilities": probabilities,
        }

    def of_files(answer):
        return lambda image_bytes: answer(squares_from_bytes(image_bytes))

    def ten_crop(images):
        return best(crops_of(images, 10))

    def conv1(images):
        maps = first(crops_of(images), training=False)
        return {"conv1": tf.cast(maps, tf.float32)}

    def features(images):
        fc7 = extractor(crops_of(images), training=False)
        return {"fc7": tf.cast(fc7, tf.float32)}

    def preprocess(image_bytes):
        squares = squares_from_bytes(image_bytes)
        crops = transforms.center_crop(squares, crop_size)
        return {"images": squares, "crops": crops}

    # By the name of the signature: a function of uint8 images of the
    # records' size. Each is exported twice, for files and for such images.
    answers = {
        "serving_default": lambda images: best(crops_of(images)),
        "ten_crop": ten_crop,
        "conv1": conv1,
    }
    if extractor is not None:
        answers["features"] = features
    image_bytes = [tf.TensorSpec([None], tf.string, "image_bytes")]
    images = [
        tf.TensorSpec([None, image_size, image_size, 3], tf.uint8, "images")
    ]
    # A plain `tf.saved_model.save` of a Keras 3 model cannot be loaded by
    # TF Serving: its variables are out of a session's sight.
    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint("preprocess", preprocess, image_bytes)
    for name, answer in answers.items():
        archive.add_endpoint(name, of_files(answer), image_bytes)
        archive.add_endpoint(tensor_name(name), answer, images)
    archive.write_out(str(directory), verbose=False)
    warmup.write(directory, ["serving_default", "ten_crop"])
    extra = directory / "assets.extra"
    extra.mkdir(exist_ok=True)
    (extra / LABELS_FILE_NAME).write_text(
        "\n".join(class_names) + "\n", "utf-8"
    )
