"""Runs the experiments of configs/reproduce.py, one after another, for days.

    python -m tools.reproduce --output_dir=/var/tmp/alexnet_reproduce
    python -m tools.reproduce --output_dir=/var/tmp/alexnet_reproduce --status

Killed, out of disk or after a reboot, the same command goes on. Runs are made
at the lowest priority, with a clone of this checkout's revision, and halt
while tools.benchmark measures. Each finished run leaves a file in
OUTPUT_DIR/results; --copy_to=docs/results/reproduction brings them here.

The records must be in OUTPUT_DIR/data; BUILD.md says how they are made.
"""

if __name__ == "__main__" and not __package__:
    import by_path  # noqa: F401, makes it `python -m tools.NAME`

import importlib
import os
import pathlib
import signal
import sys

from alexnet_tf.cli import program
from alexnet_tf.reproduction import clones, queue, rows, status
from input_pipeline.files import write_atomically

# `configs` is next to `tools`, in the checkout and in the package.
_BESIDE = __package__.rpartition("tools")[0]
table = importlib.import_module(f"{_BESIDE}configs.reproduce")

flags = program.Flags()

_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir",
    None,
    "Outside the checkout: /var/tmp/alexnet_reproduce.",
    required=True,
)
_ROWS = flags.DEFINE_list(
    "rows", [], "Names of rows with commas, such as cifar13,cifar11; else all."
)
_STATUS = flags.DEFINE_boolean(
    "status", False, "Whether to print only what is done and what is left."
)
_REVISION = flags.DEFINE_string(
    "revision", "HEAD", "Code of the runs that have not begun, such as HEAD~1."
)
_COPY_TO = flags.DEFINE_string(
    "copy_to", None, "Only copy the results, to docs/results/reproduction."
)
_ROOT = pathlib.Path(__file__).absolute().parents[1]


def main(argv):
    """Runs the queue, or says how far it is."""
    output_dir = pathlib.Path(_OUTPUT_DIR.value).absolute()
    chosen = rows.named(table.ROWS, _ROWS.value)
    if _STATUS.value:
        print(status.describe(chosen, output_dir))
        return
    if _COPY_TO.value:
        _copy(output_dir / "results", pathlib.Path(_COPY_TO.value))
        return
    code = output_dir / "code"
    if not _ROOT.is_relative_to(code):
        _go_on_in(clones.make(_ROOT, _REVISION.value, code), output_dir)
    jobs = queue.Queue(chosen, output_dir, _ROOT.name)
    signal.signal(signal.SIGINT, lambda number, frame: jobs.stop())
    signal.signal(signal.SIGTERM, lambda number, frame: jobs.stop())
    failed = jobs.run()
    print(status.describe(chosen, output_dir))
    if failed:
        raise ValueError(
            f"Every run must end. Failed again and again: {', '.join(failed)}. "
            f"See {output_dir / 'logs'}; the same command tries again."
        )


def _copy(source, target):
    """Copies the results that are not there yet, or are others."""
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(source.glob("*.json")):
        contents = path.read_bytes()
        copy = target / path.name
        if not copy.exists() or copy.read_bytes() != contents:
            write_atomically(copy, contents)
            print(copy)


def _go_on_in(folder, output_dir):
    """Becomes the same program of another checkout."""
    arguments = [a for a in sys.argv[1:] if "output_dir" not in a]
    os.chdir(folder)
    os.execv(
        sys.executable,
        [
            sys.executable,
            "-m",
            "tools.reproduce",
            f"--output_dir={output_dir}",
            *arguments,
        ],
    )


if __name__ == "__main__":
    program.run(main, flags)
