"""Competitors of `tools.benchmark --mode=inference`: the paper's network.

All hold the same weights and turn uint8 images of 256 x 256 pixels into the
five best of 1000 classes. Each checks its answer before its first turn. Two
lines go from JPEG files instead, rendered ones of 500 x 375 pixels.
"""

import pathlib
import subprocess
import sys

import numpy as np

from .inference_files import (
    BFLOAT16,
    FILE_NAME,
    FROZEN,
    GRAPH_NAME,
    IMAGES,
    PLAIN,
)

_TIMES_A_TURN = 3
BATCH_SIZES = (32, 1)


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
        ("alexnet_tf, SavedModel", f"{ours}:make_plain", "tensor"),
        ("alexnet_tf, SavedModel frozen", f"{ours}:make_frozen", "tensor"),
        ("alexnet_tf, load_fast", f"{ours}:make_fast", "tensor"),
        ("the same SavedModel, from JPEG", f"{ours}:make_plain", "jpeg"),
        ("the same frozen, from JPEG", f"{ours}:make_frozen", "jpeg"),
    ]
    if (pathlib.Path(folder) / BFLOAT16).exists():
        name = "alexnet_tf, SavedModel frozen, bfloat16"
        field.append((name, f"{ours}:make_bfloat16", "tensor"))
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


def make_plain(folder, batch_size, how):
    """Returns a turn of the SavedModel as it is.

    Args:
        folder: Where `make_files` has written.
        batch_size: Images a call.
        how: "tensor" for images, "jpeg" for files.
    """
    return _make(folder, PLAIN, batch_size, how)


def make_frozen(folder, batch_size, how):
    """Returns a turn of the frozen SavedModel; arguments as above."""
    return _make(folder, FROZEN, batch_size, how)


def make_fast(folder, batch_size, how):
    """Returns a turn of `inference.load_fast`; arguments as above."""
    from alexnet_tf.export import inference

    version = pathlib.Path(folder) / PLAIN / "1"
    if how == "jpeg":
        return _jpeg_turn(inference.load_fast(version), int(batch_size))
    tensor = inference.load_fast(version, "tensor")
    return checked_turn(_as_compute(tensor), folder, int(batch_size))


def make_bfloat16(folder, batch_size, how):
    """Returns a turn of the one in bfloat16; arguments as above."""
    # Of a number it keeps 8 bits.
    return _make(folder, BFLOAT16, batch_size, how, 0.05, 0.5)


def _make(folder, name, batch_size, how, *tolerances):
    """Returns a turn of one of our SavedModels."""
    import tensorflow as tf

    version = pathlib.Path(folder) / name / "1"
    loaded = tf.saved_model.load(str(version))
    if how == "jpeg":
        serve = loaded.signatures["serving_default"]
        turn = _jpeg_turn(lambda x: serve(image_bytes=x), int(batch_size))
    else:
        tensor = loaded.signatures["tensor"]
        compute = _as_compute(lambda x: tensor(images=x))
        turn = checked_turn(compute, folder, int(batch_size), *tolerances)
    # The variables go when nobody knows the model.
    turn.model = loaded
    return turn


def _as_compute(tensor):
    """Returns a function of arrays to classes and probabilities."""
    import tensorflow as tf

    def compute(images):
        found = tensor(tf.constant(images))
        return found["classes"].numpy(), found["probabilities"].numpy()

    return compute


def checked_turn(compute, folder, batch_size, tolerance=1e-4, least_same=0.95):
    """Returns a turn of a function that must give the known answer.

    Args:
        compute: Maps uint8 images to classes and probabilities.
        folder: Where `make_files` has written.
        batch_size: Images a call.
        tolerance: Of a probability.
        least_same: Share of the classes that must be the same: neighbours
            that are as good as equal may change places.

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
    same = np.mean(classes == expected[0])
    if error > tolerance or same < least_same:
        raise ValueError(
            "The probabilities must be those of the SavedModel within "
            f"{tolerance}, and the classes too. Received: an error of "
            f"{error:.2g}, {same:.0%} of the classes"
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
    files *= IMAGES // len(files)
    batches = [
        tf.constant(files[i : i + batch_size])
        for i in range(0, len(files), batch_size)
    ]

    def turn():
        for batch in batches * _TIMES_A_TURN:
            answer(batch)["probabilities"].numpy()
        return len(files) * _TIMES_A_TURN

    return turn
