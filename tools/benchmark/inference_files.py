"""The files that the competitors of `inference` read."""

import pathlib

import numpy as np

IMAGES = 32
# What peers read: weights, mean image, images and the answer to them.
FILE_NAME = "inference.npz"
GRAPH_NAME = "network.onnx"
# Folders of versions of ours.
PLAIN, FROZEN, BFLOAT16 = "plain", "frozen", "bfloat16"


def make_files(folder, network=None, image_size=256, classes=1000):
    """Exports a network with drawn weights, as files for all competitors.

    Args:
        folder: Where they go.
        network: The paper's, if `None`.
        image_size: Rows and columns of the images.
        classes: Outputs of the network.
    """
    import alexnet_tf
    from alexnet_tf import networks
    from alexnet_tf.weights import pretrained, to_arrays
    from input_pipeline.statistics import Accumulator

    network = network or networks.PAPER
    for layer in network.layers:
        # Signals that do not fade, so that one image differs from another.
        if isinstance(layer, networks.Conv | networks.Dense):
            network = network.replace(layer.name, stddev="he", bias=0.1)
    model = alexnet_tf.build(network, classes, native_ops_only=True)
    sums = Accumulator(image_size)
    shape = (IMAGES, image_size, image_size, 3)
    images = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    sums.add(images[0])
    found = pretrained.Pretrained(
        network=network,
        arrays=to_arrays(model),
        class_names=[f"class {i}" for i in range(classes)],
        synsets=[f"class_{i}" for i in range(classes)],
        mean_image=sums.finish().mean_image,
        crop_size=network.image_size,
        image_size=image_size,
    )
    _write_ours(folder, found, model, images)
    _write_graph(folder, found)


def _write_ours(folder, found, model, images):
    """Writes our files, and what all of them must answer."""
    import types

    import tensorflow as tf

    import alexnet_tf
    from alexnet_tf import weights
    from alexnet_tf.export import export, frozen

    def classifier(model):
        statistics = types.SimpleNamespace(mean_image=found.mean_image)
        return alexnet_tf.Classifier(model, statistics, found.class_names)

    folder = pathlib.Path(folder)
    version = export(classifier(model), folder / PLAIN)
    frozen.export_frozen(classifier(model), folder / FROZEN)
    if _has_bfloat16():
        half = alexnet_tf.build(
            found.network,
            found.num_classes,
            native_ops_only=True,
            precision="mixed_bfloat16",
            initialize=False,
        )
        weights.from_arrays(half, found.arrays)
        frozen.export_frozen(classifier(half), folder / BFLOAT16)
    tensor = tf.saved_model.load(str(version)).signatures["tensor"]
    answer = tensor(images=tf.constant(images))
    np.savez(
        folder / FILE_NAME,
        **found.arrays,
        mean=found.mean_image.astype(np.float32),
        images=images,
        classes=answer["classes"].numpy(),
        probabilities=answer["probabilities"].numpy(),
    )


def _write_graph(folder, found):
    """Writes the ONNX file, where that can be."""
    try:
        import onnx
    except ModuleNotFoundError:
        return
    from alexnet_tf.export import onnx_file

    onnx.save(onnx_file.make_model(found), pathlib.Path(folder) / GRAPH_NAME)


def _has_bfloat16():
    """Whether the CPU has instructions for bfloat16."""
    from alexnet_tf.doctor import machine

    (finding,) = machine.processor()
    return "bfloat16 by" in finding.words
