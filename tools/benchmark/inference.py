"""Competitors of `tools.benchmark --mode=inference`: the paper's network.

All hold the same weights and turn uint8 images of 256 x 256 pixels into the
five best of 1000 classes. Each checks its answer before its first turn. Two
lines go from JPEG files instead, rendered ones of 500 x 375 pixels.
"""

import pathlib
import subprocess
import sys

import numpy as np

_IMAGES = 32
_TIMES_A_TURN = 3
BATCH_SIZES = (32, 1)
# What peers read: weights, mean image, images and the answer to them.
FILE_NAME = "inference.npz"
GRAPH_NAME = "network.onnx"


def make_files(folder, network=None, image_size=256, classes=1000):
    """Exports a network with drawn weights, as files for all competitors.

    Args:
        folder: Where they go.
        network: The paper's, if `None`.
        image_size: Rows and columns of the images.
        classes: Outputs of the network.
    """
    import tensorflow as tf

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
    rng = np.random.default_rng(0)
    shape = (_IMAGES, image_size, image_size, 3)
    images = rng.integers(0, 256, shape, np.uint8)
    sums.add(images[0])
    statistics = sums.finish()
    names = [f"class {i}" for i in range(classes)]
    classifier = alexnet_tf.Classifier(model, statistics, names)
    version = alexnet_tf.export.export(classifier, folder)
    tensor = tf.saved_model.load(str(version)).signatures["tensor"]
    answer = tensor(images=tf.constant(images))
    contents = {
        **to_arrays(model),
        "mean": statistics.mean_image.astype(np.float32),
        "images": images,
        "classes": answer["classes"].numpy(),
        "probabilities": answer["probabilities"].numpy(),
    }
    np.savez(pathlib.Path(folder) / FILE_NAME, **contents)
    try:
        import onnx
    except ModuleNotFoundError:
        return
    from alexnet_tf.export import onnx_file

    found = pretrained.Pretrained(
        network,
        to_arrays(model),
        names,
        names,
        statistics.mean_image,
        network.image_size,
        image_size,
    )
    onnx.save(onnx_file.make_model(found), pathlib.Path(folder) / GRAPH_NAME)


def fields(folder, peers, python=None):
    """Yields the competitors of each batch size.

    Args:
        folder: Where `make_files` has written.
        peers: Whether to add the others that are installed.
        python: The interpreter of the others; this one, if `None`.
    """
    ours, theirs = (
        f"{__package__}.inference",
        f"{__package__}.inference_peers",
    )
    field = [
        ("alexnet_tf, SavedModel", f"{ours}:make_saved", "tensor"),
        ("alexnet_tf, load_fast", f"{ours}:make_fast", "tensor"),
        ("the same SavedModel, from JPEG", f"{ours}:make_saved", "jpeg"),
        ("the same load_fast, from JPEG", f"{ours}:make_fast", "jpeg"),
    ]
    python = python or sys.executable
    if peers:
        if _is_here("torch", python):
            field += [
                ("PyTorch eager", f"{theirs}:make_torch", "contiguous"),
                (
                    "PyTorch eager, channels last",
                    f"{theirs}:make_torch",
                    "channels_last",
                ),
            ]
        if (pathlib.Path(folder) / GRAPH_NAME).exists():
            for name, module in (
                ("ONNX Runtime", "onnxruntime"),
                ("OpenVINO, float32", "openvino"),
            ):
                # Whichever of the two interpreters has it.
                if _is_here(module, python) or _is_here(module, sys.executable):
                    field.append((name, f"{theirs}:make_{module}", ""))
    for batch_size in BATCH_SIZES:
        yield [
            {
                "name": f"{name}, batch {batch_size}",
                "function": function,
                "arguments": [str(folder), str(batch_size), how],
                "python": _interpreter(function, python),
            }
            for name, function, how in field
        ]


def _interpreter(function, python):
    """Returns the interpreter that runs a competitor."""
    module, _, name = function.partition(":make_")
    theirs = module.endswith("_peers") and _is_here(name, python)
    return python if theirs else sys.executable


def _is_here(module, python):
    """Whether an interpreter has a module."""
    ask = (
        "import importlib.util, sys; "
        "sys.exit(importlib.util.find_spec(sys.argv[1]) is None)"
    )
    return subprocess.run([python, "-c", ask, module]).returncode == 0


def make_saved(folder, batch_size, how):
    """Returns a turn of the SavedModel as it is.

    Args:
        folder: Where `make_files` has written.
        batch_size: Images a call.
        how: "tensor" for images, "jpeg" for files.
    """
    import tensorflow as tf

    signatures = tf.saved_model.load(str(pathlib.Path(folder) / "1")).signatures
    if how == "jpeg":
        serve = signatures["serving_default"]
        return _jpeg_turn(lambda x: serve(image_bytes=x), int(batch_size))
    tensor = signatures["tensor"]
    return _tensor_turn(lambda x: tensor(images=x), folder, int(batch_size))


def make_fast(folder, batch_size, how):
    """Returns a turn of `inference.load_fast`; arguments as above."""
    from alexnet_tf.export import inference

    version = pathlib.Path(folder) / "1"
    if how == "jpeg":
        serve = inference.load_fast(version)
        return _jpeg_turn(serve, int(batch_size))
    tensor = inference.load_fast(version, "tensor")
    return _tensor_turn(tensor, folder, int(batch_size))


def _tensor_turn(answer, folder, batch_size):
    """Returns a turn on images in memory."""
    import tensorflow as tf

    def compute(images):
        found = answer(tf.constant(images))
        return found["classes"].numpy(), found["probabilities"].numpy()

    return checked_turn(compute, folder, batch_size)


def checked_turn(compute, folder, batch_size):
    """Returns a turn of a function that must give the known answer.

    Args:
        compute: Maps uint8 images to classes and probabilities.
        folder: Where `make_files` has written.
        batch_size: Images a call.

    Raises:
        ValueError: Its answer is another.
    """
    with np.load(pathlib.Path(folder) / FILE_NAME) as contents:
        images = contents["images"]
        expected = contents["classes"], contents["probabilities"]
    batches = np.split(images, len(images) // batch_size)
    parts = [compute(batch) for batch in batches]
    classes, probabilities = (
        np.concatenate(part) for part in zip(*parts, strict=True)
    )
    error = abs(probabilities - expected[1]).max()
    # Neighbours that are as good as equal may change places.
    same = np.mean(classes == expected[0])
    if error > 1e-4 or same < 0.95:
        raise ValueError(
            "The probabilities must be those of the SavedModel within 1e-4, "
            f"and the classes too. Received: an error of {error:.2g}, "
            f"{same:.0%} of the classes"
        )

    def turn():
        for batch in batches * _TIMES_A_TURN:
            compute(batch)
        return len(images) * _TIMES_A_TURN

    return turn


def _jpeg_turn(answer, batch_size):
    """Returns a turn on the bytes of rendered files."""
    import simplejpeg
    import tensorflow as tf

    from input_pipeline import synthetic

    rng = np.random.default_rng(0)
    files = []
    for label in range(8):
        square = synthetic.render(label, rng, (500, 500), 1.0)
        pixels = np.ascontiguousarray(square[:375])
        files.append(simplejpeg.encode_jpeg(pixels, colorsubsampling="420"))
    files *= _IMAGES // len(files)
    batches = [
        tf.constant(files[i : i + batch_size])
        for i in range(0, len(files), batch_size)
    ]

    def turn():
        for batch in batches * _TIMES_A_TURN:
            answer(batch)["probabilities"].numpy()
        return len(files) * _TIMES_A_TURN

    return turn
