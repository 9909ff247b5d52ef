"""A network as an ONNX file, with preprocessing and mean image inside.

It is written operation by operation from the network's description and its
weights: nothing is traced, and nothing is converted.
"""

import json

import numpy as np

from alexnet_tf.export import onnx_graph, onnx_layers, versions
from alexnet_tf.export.packages import require

FILE_NAME = "model.onnx"
PRECISIONS = ("float32", "float16")
# The least with all that is needed, and its format of file; every runtime
# since 2022 has both.
_OPSET, _FORMAT = 17, 8
# Bytes of a protobuf.
_LARGEST = 2**31 - 1
# Of the ten crops.
_CENTRE = 4


def to_onnx(
    found,
    directory,
    *,
    crops=1,
    features=None,
    precision="float32",
    progress=None,
):
    """Writes a new version with `model.onnx`, for any number of images.

    It takes "images", uint8 `(n, image_size, image_size, 3)`, RGB, as the
    records hold them, and gives "probabilities", float32 `(n, classes)`.

    The metadata of the file are "class_names" and "synsets", JSON lists by
    label, and "preprocessing", a JSON object: what must be done to a
    photograph before, and what is done inside.

    Args:
        found: A `weights.pretrained.Pretrained`.
        directory: Folder of the versions; see `export.export`.
        crops: 1 for the centre; 10 for the mean over those of §4.1.
        features: Name of a layer, such as "fc7": a second output "features",
            float32 `(n, ...)`, has what it says of the centre crop; or `None`.
        precision: "float32", or "float16": then weights take half the space,
            and layers compute in float16, but for the norms, whose squares
            overflow there, the mean image and the softmax.
        progress: Has `update(files)`, or `None`.

    Returns:
        The path of the version, a folder.

    Raises:
        ValueError: A package is missing, an argument is none of these, or a
            layer has no like in ONNX.
    """
    onnx = require("onnx")
    with versions.new_version(directory) as version:
        model = make_model(
            found, crops=crops, features=features, precision=precision
        )
        version.unfinished.mkdir()
        path = version.unfinished / FILE_NAME
        onnx.save(model, path)
        # By its path it is read apart from this process's objects.
        onnx.checker.check_model(path, full_check=True)
        if progress is not None:
            progress.update(1)
    return version.final


def make_model(found, *, crops=1, features=None, precision="float32"):
    """Returns what `to_onnx` writes, an `onnx.ModelProto`."""
    import onnx

    _check(found, crops, features, precision)
    model = onnx.ModelProto(ir_version=_FORMAT, producer_name="alexnet_tf")
    model.opset_import.append(onnx.helper.make_opsetid("", _OPSET))
    graph = onnx_graph.Graph(model.graph, precision)
    pixels = _add_preprocessing(graph, found, crops)
    layers = onnx_layers.add(
        graph, found.network, found.arrays, pixels, found.crop_size
    )
    logits, _ = layers[found.network.layers[-1].name]
    _add_probabilities(graph, logits, crops, found.num_classes)
    size = found.image_size
    graph.declare_input("images", "UINT8", ["n", size, size, 3])
    graph.declare_output("probabilities", ["n", found.num_classes])
    if features:
        shape = _add_features(graph, *layers[features], crops)
        graph.declare_output("features", ["n", *shape])
    onnx.helper.set_model_props(model, _metadata(found, crops, precision))
    return model


def _check(found, crops, features, precision):
    """Refuses what cannot be written."""
    names = [layer.name for layer in found.network.layers]
    if crops not in (1, 10):
        raise ValueError(f"crops must be 1 or 10. Received: {crops}")
    if features and features not in names:
        raise ValueError(
            f"features must be one of {', '.join(names)}. Received: {features}"
        )
    if precision not in PRECISIONS:
        raise ValueError(
            f"precision must be one of {', '.join(PRECISIONS)} for ONNX. "
            f"Received: {precision}"
        )
    if found.mean_image is None:
        raise ValueError(
            "The mean image must be known. Received: weights without one. "
            "Bring them into a workdir with tools.import_weights."
        )
    count = sum(array.size for array in found.arrays.values())
    if count * np.dtype(precision).itemsize > _LARGEST:
        raise ValueError(
            "An ONNX file must be smaller than 2 GB. Received: "
            f"{count:,} weights of {precision}. Export as saved_model."
        )


def _add_preprocessing(graph, found, crops):
    """Adds what comes before the network: the crops, less the mean image."""
    size, crop = found.image_size, found.crop_size
    middle = (size - crop) // 2
    mean = np.asarray(found.mean_image, np.float32)
    centre = mean[middle : middle + crop, middle : middle + crop]
    x = "images"
    if crops == 1:
        # Of one crop both ways to subtract take the same.
        x = graph.cut(x, [1, 2], [middle] * 2, [middle + crop] * 2)
        x = graph.add("Sub", graph.to_float32(x), graph.exact(centre))
        x = graph.add("Transpose", x, perm=[0, 3, 1, 2])
        return graph.to_precision(x)
    x = graph.to_float32(x)
    if found.mean == "paper":
        x = graph.add("Sub", x, graph.exact(mean))
    x = graph.add("Transpose", x, perm=[0, 3, 1, 2])
    x = _add_ten_crops(graph, x, size, crop)
    if found.mean == "original":
        x = graph.add("Sub", x, graph.exact(centre.transpose(2, 0, 1)))
    return graph.to_precision(x)


def _add_ten_crops(graph, x, size, crop):
    """Adds the crops of `evaluation.ten_crops`: ten images for each."""
    end, middle = size - crop, (size - crop) // 2
    corners = [(0, 0), (0, end), (end, 0), (end, end), (middle, middle)]
    crops = [
        graph.cut(x, [2, 3], [top, left], [top + crop, left + crop])
        for top, left in corners
    ]
    # Mirrored: from the last column down to the one before the first.
    crops += [graph.cut(c, [3], [-1], [-crop - 1], [-1]) for c in crops]
    crops = [graph.add("Unsqueeze", c, [1]) for c in crops]
    x = graph.add("Concat", *crops, axis=1)
    return graph.add("Reshape", x, [-1, 3, crop, crop])


def _add_probabilities(graph, logits, crops, classes):
    """Adds the softmax, and its mean over the crops of an image."""
    x = graph.add("Softmax", graph.to_float32(logits), axis=1)
    if crops > 1:
        x = graph.add("Reshape", x, [-1, crops, classes])
        graph.add("ReduceMean", x, axes=[1], keepdims=0)
    graph.name_last("probabilities")


def _add_features(graph, x, shape, crops):
    """Adds a layer's output for the centre crop; returns the shape of one."""
    x = graph.to_float32(x)
    if crops > 1:
        x = graph.add("Reshape", x, [-1, crops, *shape])
        x = graph.add("Gather", x, np.int64(_CENTRE), axis=1)
    if len(shape) == 3:
        x = graph.add("Transpose", x, perm=[0, 2, 3, 1])
        shape = (*shape[1:], shape[0])
    graph.add("Identity", x)
    graph.name_last("features")
    return shape


def _metadata(found, crops, precision):
    """Returns what a program must know that has the file alone, as strings."""
    preprocessing = {
        "channels": "RGB, 0 to 255",
        "resize": found.resize,
        "resample": found.resample,
        "image_size": found.image_size,
        "inside": {
            "mean": found.mean,
            "crop_size": found.crop_size,
            "crops": crops,
        },
    }
    facts = {
        "class_names": list(found.class_names),
        "synsets": list(found.synsets),
        "preprocessing": preprocessing,
    }
    texts = {k: json.dumps(v, ensure_ascii=False) for k, v in facts.items()}
    return {**texts, "precision": precision}
