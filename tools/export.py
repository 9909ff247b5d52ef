"""Exports a checkpoint as a SavedModel that TF Serving takes as it is.

    python -m tools.export --workdir=runs/alexnet --output_dir=export/alexnet

Each call makes a new numbered version in the folder.
"""

import pathlib

import tensorflow as tf
from absl import flags, logging

from alexnet_tf import experiment, export
from tools import program

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
    "format", "saved_model", ["saved_model"], "What to write: saved_model."
)


def main(argv):
    """Exports, and prints the path of the version."""
    if flags.FLAGS.verbosity == logging.INFO:
        # TensorFlow tells of every file and function that it writes.
        logging.set_verbosity(logging.WARNING)
        tf.get_logger().setLevel("WARNING")
    run = experiment.open_workdir(_WORKDIR.value)
    model, _ = run.load(_CHECKPOINT.value, portable=True)
    folder = _OUTPUT_DIR.value or pathlib.Path(_WORKDIR.value) / "export"
    path = export.export(
        model,
        run.statistics,
        run.info.class_names,
        run.info.image_size,
        folder,
        run.config.data.mean,
    )
    print(path)


if __name__ == "__main__":
    flags.mark_flag_as_required("workdir")
    program.run(main)
