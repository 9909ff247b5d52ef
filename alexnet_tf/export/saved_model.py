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

    def serve(image_bytes):
        return best(crops_of(squares_from_bytes(image_bytes)))

    def ten_crop(image_bytes):
        return best(crops_of(squares_from_bytes(image_bytes), 10))

    def tensor(images):
        return best(crops_of(images))

    def conv1(image_bytes):
        maps = first(crops_of(squares_from_bytes(image_bytes)), training=False)
        return {"conv1": tf.cast(maps, tf.float32)}

    def features(image_bytes):
        crops = crops_of(squares_from_bytes(image_bytes))
        return {"fc7": tf.cast(extractor(crops, training=False), tf.float32)}

    image_bytes = [tf.TensorSpec([None], tf.string, "image_bytes")]
    images = [
        tf.TensorSpec([None, image_size, image_size, 3], tf.uint8, "images")
    ]
    # A plain `tf.saved_model.save` of a Keras 3 model cannot be loaded by
    # TF Serving: its variables are out of a session's sight.
    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint("serving_default", serve, image_bytes)
    archive.add_endpoint("ten_crop", ten_crop, image_bytes)
    archive.add_endpoint("tensor", tensor, images)
    if extractor is not None:
        archive.add_endpoint("features", features, image_bytes)
    archive.add_endpoint("conv1", conv1, image_bytes)
    archive.write_out(str(directory), verbose=False)
    warmup.write(directory, ["serving_default", "ten_crop"])
    extra = directory / "assets.extra"
    extra.mkdir(exist_ok=True)
    (extra / LABELS_FILE_NAME).write_text(
        "\n".join(class_names) + "\n", "utf-8"
    )
