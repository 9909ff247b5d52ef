"""Exports a checkpoint as a SavedModel, or as files for ONNX or LiteRT.

    python -m tools.export --workdir=runs/alexnet --output_dir=export/alexnet
    python -m tools.export --workdir=runs/alexnet --format=litert

Each call makes a new numbered version in the folder. TF Serving takes a
SavedModel as it is. What ONNX and LiteRT answer is compared with the network's
own answer on images of the validation split; parity.json in the version keeps
what is printed.
"""

import pathlib

import tensorflow as tf
from absl import flags, logging

from alexnet_tf import export
from alexnet_tf.cli import program, progress
from alexnet_tf.experiment import experiment
from alexnet_tf.export import parity, portable
from input_pipeline import files

_WORKDIR = flags.DEFINE_string(
    "workdir", None, "Folder of a run, such as runs/alexnet."
)
_CHECKPOINT = flags.DEFINE_string(
    "checkpoint", "best", "best (validation error), last, or a step: 5000."
)
_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", None, "Folder of the versions; WORKDIR/export if not given."
)
_FORMAT = flags.DEFINE_enum(
    "format",
    "saved_model",
    ["saved_model", "onnx", "litert"],
    "What to write: saved_model, onnx, or litert in three precisions.",
)
_DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "Where the records are now, if they have moved."
)
_PARITY_IMAGES = flags.DEFINE_integer(
    "parity_images",
    300,
    "Validation images to compare onnx or litert with the network on; 0 for "
    "no comparison.",
    lower_bound=0,
)
# Training images by which the ranges of int8 are found.
_REPRESENTATIVE = 200


def main(argv):
    """Exports, and prints the path of the version."""
    if flags.FLAGS.verbosity == logging.INFO:
        # TensorFlow tells of every file and function that it writes.
        logging.set_verbosity(logging.WARNING)
        tf.get_logger().setLevel("WARNING")
    run = experiment.open_workdir(_WORKDIR.value, _DATA_DIR.value)
    if _FORMAT.value != "saved_model":
        _export_portable(run)
        return
    model, _ = run.load(_CHECKPOINT.value, native_ops_only=True)
    print(export.export(model, *_arguments(run)))


def _arguments(run):
    """Returns what every export takes behind the model."""
    folder = _OUTPUT_DIR.value or pathlib.Path(_WORKDIR.value) / "export"
    return (
        run.statistics,
        run.info.class_names,
        run.info.image_size,
        folder,
        run.config.data.mean,
    )


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
    model, step = run.load(_CHECKPOINT.value, native_ops_only=True)
    with progress.Progress("convert", count, "files") as bar:
        version = write(model, *_arguments(run), **how, progress=bar)
    if count:
        _report(run, model, step, version, images)
    print(version)


def _report(run, model, step, version, images):
    """Compares each file with the network; prints and writes the result."""
    paths = sorted(
        path
        for path in version.iterdir()
        if path.suffix in (".onnx", ".tflite")
    )
    total = len(images) * (1 + len(paths))
    with progress.Progress("parity", total, "images") as bar:
        probabilities = parity.expected(
            model, run.statistics, images, run.config.data.mean, bar
        )
        found = [
            parity.compare(path, images, probabilities, bar) for path in paths
        ]
    for file in found:
        print(
            f"{file['file']}: {file['size_mb']:.1f} MB, largest difference "
            f"{file['largest_difference']:.2g}, mean "
            f"{file['mean_difference']:.2g}, same best class "
            f"{file['top1_agreement']:.1%} of {file['images']} images"
        )
    report = {"split": "validation", "step": step, "files": found}
    files.write_json(version / "parity.json", report)


if __name__ == "__main__":
    flags.mark_flag_as_required("workdir")
    program.run(main)
