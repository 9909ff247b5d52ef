"""Whether exported files answer as the network does that they come from."""

import pathlib

import numpy as np

from alexnet_tf.export.packages import require
from input_pipeline import files

# What runs a file, by its ending.
_RUNTIMES = {".onnx": "onnxruntime", ".tflite": "ai_edge_litert.interpreter"}
_BATCH = 16


def load(path):
    """Returns a function that runs an ONNX or LiteRT file of ours.

    Args:
        path: A file that ends with .onnx or .tflite.

    Returns:
        A function from uint8 `(n, image_size, image_size, 3)` to float32
        `(n, classes)`.

    Raises:
        ValueError: The package that runs it is missing.
    """
    path = pathlib.Path(path)
    runtime = check(path.suffix)
    if path.suffix == ".onnx":
        session = runtime.InferenceSession(
            path, providers=["CPUExecutionProvider"]
        )
        return lambda images: session.run(
            ["probabilities"], {"images": images}
        )[0]
    run = runtime.Interpreter(str(path)).get_signature_runner()
    return lambda images: np.concatenate(
        [run(images=image[np.newaxis])["probabilities"] for image in images]
    )


def check(ending):
    """Returns the module that runs files of an ending, if it is installed.

    Args:
        ending: ".onnx" or ".tflite".

    Raises:
        ValueError: It is missing.
    """
    return require(_RUNTIMES[ending])


def expected(classifier, images, progress=None, crops=1):
    """Returns what the network itself thinks of images.

    Args:
        classifier: The `Classifier` that was exported.
        images: uint8 `(n, image_size, image_size, 3)`.
        progress: Has `update(images)`, or `None`.
        crops: 1 or 10, as many as the file takes.

    Returns:
        float32 `(n, classes)`.
    """
    return _in_batches(
        lambda batch: classifier.probabilities(batch, crops), images, progress
    )


def compare(path, images, probabilities, progress=None):
    """Returns how near a file's answers are to those that are expected.

    Args:
        path: See `load`.
        images: uint8 `(n, image_size, image_size, 3)`, one or more.
        probabilities: What `expected` returned for them.
        progress: Has `update(images)`, or `None`.

    Returns:
        A dict: "file"; "size_mb", in millions of bytes; "images";
        "largest_difference" and "mean_difference" of probabilities, absolute;
        "top1_agreement", the share of images with the same best class.
    """
    path = pathlib.Path(path)
    found = _in_batches(load(path), images, progress)
    differences = np.abs(found.astype(np.float64) - probabilities)
    same = found.argmax(axis=1) == probabilities.argmax(axis=1)
    return {
        "file": path.name,
        "size_mb": round(path.stat().st_size / 1e6, 3),
        "images": len(images),
        "largest_difference": float(differences.max()),
        "mean_difference": float(differences.mean()),
        "top1_agreement": float(same.mean()),
    }


def report(classifier, step, version, images, progress=None, crops=1):
    """Compares each file of a version with the network; writes parity.json.

    Args:
        classifier: The `Classifier` that was exported.
        step: Of its checkpoint.
        version: The folder of the files.
        images: See `expected`.
        progress: Has `update(images)`, or `None`.
        crops: The same.

    Returns:
        A line a file.
    """
    probabilities = expected(classifier, images, progress, crops)
    found = [
        compare(path, images, probabilities, progress)
        for path in files_of(version)
    ]
    facts = {"split": "validation", "step": step, "files": found}
    files.write_json(pathlib.Path(version) / "parity.json", facts)
    return [describe(file) for file in found]


def files_of(version):
    """Returns the files of a version that can be compared, sorted."""
    return sorted(
        path
        for path in pathlib.Path(version).iterdir()
        if path.suffix in _RUNTIMES
    )


def describe(found):
    """Returns what `compare` found, as a line."""
    return (
        f"{found['file']}: {found['size_mb']:.1f} MB, largest difference "
        f"{found['largest_difference']:.2g}, mean "
        f"{found['mean_difference']:.2g}, same best class "
        f"{found['top1_agreement']:.1%} of {found['images']} images"
    )


def _in_batches(answer, images, progress):
    """Returns a function's answers to all images, a few at a time."""
    found = []
    for start in range(0, len(images), _BATCH):
        batch = images[start : start + _BATCH]
        found.append(answer(batch))
        if progress is not None:
            progress.update(len(batch))
    return np.concatenate(found)
