"""Exports a checkpoint as a SavedModel, or as files for ONNX or LiteRT.

    python -m tools.export --workdir=runs/alexnet
    python -m tools.export --workdir=runs/alexnet --format=litert
    python -m tools.export --workdir=runs/alexnet --format=onnx --features=fc7

Each call makes a new numbered version in the folder. TF Serving takes a
SavedModel as it is. What ONNX and LiteRT answer is compared with the network's
own answer on images of the validation split: see parity.json in the version.
"""

if __name__ == "__main__" and not __package__:
    import by_path  # noqa: F401, makes it `python -m tools.NAME`

import pathlib

import tensorflow as tf
from absl import logging

from alexnet_tf.cli import program, progress
from alexnet_tf.experiment import experiment, exports

flags = program.Flags()

_WORKDIR = flags.DEFINE_string(
    "workdir",
    None,
    "Folder of a run, such as runs/alexnet.",
    required=True,
)
_CHECKPOINT = flags.DEFINE_checkpoint()
_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir",
    None,
    "Folder of the versions; if not given WORKDIR/export, and for other "
    "formats than saved_model a folder of theirs in it.",
)
_FORMAT = flags.DEFINE_enum(
    "format",
    "saved_model",
    list(exports.FORMATS),
    "What to write: saved_model; saved_model_frozen, faster on a CPU; onnx; "
    "litert in three precisions; preset, a folder that AlexNet(weights=) and "
    "init_from take; or torch, a state dict.",
)
_CROPS = flags.DEFINE_integer(
    "crops",
    None,
    "Of onnx: crops that the probabilities are the mean of, 1 (if not given) "
    "or 10.",
)
_FEATURES = flags.DEFINE_string(
    "features",
    None,
    "Of onnx: a layer, such as fc7, whose output is a second one of the file.",
)
_PRECISION = flags.DEFINE_string(
    "precision",
    None,
    "float32, if not given; of onnx float16, which takes half the space; of "
    "saved_model_frozen bfloat16, for CPUs with avx512_bf16 or amx_bf16.",
)
_DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "Where the records are now, if they have moved."
)
_PARITY_IMAGES = flags.DEFINE_integer(
    "parity_images",
    300,
    "Validation images to compare onnx or litert with; 0 for no comparison.",
    lower_bound=0,
)


def main(argv):
    """Exports, and prints the comparison and the path of the version."""
    if flags.values.verbosity == logging.INFO:
        # TensorFlow tells of every file and function that it writes.
        logging.set_verbosity(logging.WARNING)
        tf.get_logger().setLevel("WARNING")
    choices = exports.Choices(
        crops=_CROPS.value, features=_FEATURES.value, precision=_PRECISION.value
    )
    version, lines = exports.write(
        experiment.open_workdir(_WORKDIR.value, _DATA_DIR.value),
        _CHECKPOINT.value,
        _FORMAT.value,
        _folder(),
        choices,
        _PARITY_IMAGES.value,
        progress.Progress,
    )
    print("\n".join([*lines, str(version)]))


def _folder():
    """Returns the folder of the versions: each format has its own."""
    if _OUTPUT_DIR.value:
        return pathlib.Path(_OUTPUT_DIR.value)
    folder = pathlib.Path(_WORKDIR.value) / "export"
    return folder if _FORMAT.value == "saved_model" else folder / _FORMAT.value


if __name__ == "__main__":
    program.run(main, flags)
