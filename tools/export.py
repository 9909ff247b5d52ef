"""Exports a checkpoint as a SavedModel, or as files for ONNX or LiteRT.

    python -m tools.export --workdir=runs/alexnet
    python -m tools.export --workdir=runs/alexnet --format=litert

Each call makes a new numbered version in the folder. TF Serving takes a
SavedModel as it is. What ONNX and LiteRT answer is compared with the network's
own answer on images of the validation split: see parity.json in the version.
"""

if __name__ == "__main__" and not __package__:
    import by_path  # noqa: F401, makes it `python -m tools.NAME`

import pathlib

import tensorflow as tf
from absl import logging

from alexnet_tf import export
from alexnet_tf.cli import program, progress
from alexnet_tf.experiment import experiment, pretrained
from alexnet_tf.export import parity, portable, preset

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
    ["saved_model", "onnx", "litert", "preset", "torch"],
    "What to write: saved_model; onnx; litert in three precisions; preset, a "
    "folder that AlexNet(weights=) and init_from take; or torch, a state dict.",
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
# Training images by which the ranges of int8 are found.
_REPRESENTATIVE = 200


def main(argv):
    """Exports, and prints the path of the version."""
    if flags.values.verbosity == logging.INFO:
        # TensorFlow tells of every file and function that it writes.
        logging.set_verbosity(logging.WARNING)
        tf.get_logger().setLevel("WARNING")
    run = experiment.open_workdir(_WORKDIR.value, _DATA_DIR.value)
    if _FORMAT.value in ("preset", "torch"):
        print(_export_weights(run))
        return
    if _FORMAT.value != "saved_model":
        _export_portable(run)
        return
    classifier, _ = run.load_classifier(_CHECKPOINT.value, native_ops_only=True)
    print(export.export(classifier, _folder()))


def _folder():
    """Returns the folder of the versions: each format has its own."""
    if _OUTPUT_DIR.value:
        return pathlib.Path(_OUTPUT_DIR.value)
    folder = pathlib.Path(_WORKDIR.value) / "export"
    return folder if _FORMAT.value == "saved_model" else folder / _FORMAT.value


def _export_weights(run):
    """Exports weights with what belongs to them; returns the version."""
    found = pretrained.from_experiment(run, _CHECKPOINT.value)
    is_preset = _FORMAT.value == "preset"
    write = preset.write_preset if is_preset else preset.write_torch
    return write(found, preset.read_facts(_WORKDIR.value), _folder())


def _export_portable(run):
    """Exports for ONNX or LiteRT, and prints the parity report."""
    # Other programs know no bfloat16; weights are float32 in any case.
    run.config.precision = "float32"
    count = _PARITY_IMAGES.value
    if count:
        parity.check(".onnx" if _FORMAT.value == "onnx" else ".tflite")
    # What is missing is missed before the work.
    images = run.sample_images("validation", count) if count else None
    how = {}
    if _FORMAT.value == "litert":
        how["representative"] = run.sample_images("train", _REPRESENTATIVE)
    write = portable.to_onnx if _FORMAT.value == "onnx" else portable.to_litert
    count = 1 if _FORMAT.value == "onnx" else len(portable.PRECISIONS)
    classifier, step = run.load_classifier(
        _CHECKPOINT.value, native_ops_only=True
    )
    with progress.Progress("convert", count, "files") as bar:
        version = write(classifier, _folder(), **how, progress=bar)
    if images is not None:
        total = len(images) * (1 + len(parity.files_of(version)))
        with progress.Progress("parity", total, "images") as bar:
            lines = parity.report(classifier, step, version, images, bar)
        print("\n".join(lines))
    print(version)


if __name__ == "__main__":
    program.run(main, flags)
