"""Renders a data set in the layout of ILSVRC-2012's official archives.

    python -m tools.render_dataset --output_dir=data/rendered

Ten classes that need shape, texture and colour to tell apart; the same flags
give the same bytes.
"""

if __name__ == "__main__" and not __package__:
    import by_path  # noqa: F401, makes it `python -m tools.NAME`

import contextlib
import math
import multiprocessing
import signal

import cv2
from absl import logging

from alexnet_tf.cli import program
from alexnet_tf.cli.progress import Progress
from input_pipeline import files, machine, synthetic
from input_pipeline.synthetic import archives

flags = program.Flags()

_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir",
    None,
    "Folder for the archives: --output_dir=data/rendered",
    required=True,
)
_CLASSES = flags.DEFINE_integer(
    "classes",
    10,
    "Number of classes: --classes=4",
    lower_bound=2,
    upper_bound=len(synthetic.CLASSES),
)
_TRAIN_PER_CLASS = flags.DEFINE_integer(
    "train_per_class",
    200,
    "Training images of each class: --train_per_class=1000",
    lower_bound=1,
)
_VALIDATION_PER_CLASS = flags.DEFINE_integer(
    "validation_per_class",
    50,
    "Validation images of each class: --validation_per_class=100",
    lower_bound=1,
)
_SEED = flags.DEFINE_integer(
    "seed", 0, "Other images for another seed: --seed=1", lower_bound=0
)

# Fewer images than this are rendered sooner than a process starts.
_IMAGES_PER_PROCESS = 200


def main(argv):
    """Renders what the flags ask for, unless it is there."""
    del argv
    directory = files.local_path(_OUTPUT_DIR.value)
    settings = archives.RenderSettings(
        classes=_CLASSES.value,
        train_per_class=_TRAIN_PER_CLASS.value,
        validation_per_class=_VALIDATION_PER_CLASS.value,
        seed=_SEED.value,
    )
    with archives.locked(directory):
        if archives.is_complete(directory, settings):
            logging.info(
                "%s already holds this data set; nothing to do.", directory
            )
        else:
            with _rendered(settings.keys()) as jpegs:
                archives.write(directory, settings, jpegs)
    train = settings.classes * settings.train_per_class
    validation = settings.classes * settings.validation_per_class
    print(f"{directory / archives.TRAIN}: {train} images")
    print(f"{directory / archives.VALIDATION}: {validation} images")
    print(f"{directory / archives.DEVKIT}: {settings.classes} classes")


@contextlib.contextmanager
def _rendered(keys):
    """Gives an iterator of the images' bytes, rendered on all cores."""
    wanted = math.ceil(len(keys) / _IMAGES_PER_PROCESS)
    processes = min(wanted, machine.count_cores())
    with Progress("render", total=len(keys), unit="images") as progress:
        if processes == 1:
            yield _counted(map(_render, keys), progress)
            return
        with _start_pool(processes) as pool:
            yield _counted(pool.imap(_render, keys, chunksize=8), progress)


def _start_pool(processes):
    """Starts worker processes that leave ctrl-C to this one."""
    # An ignored signal stays ignored in a child, from its first moment on.
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        return multiprocessing.get_context("spawn").Pool(
            processes, initializer=cv2.setNumThreads, initargs=(1,)
        )
    finally:
        signal.signal(signal.SIGINT, handler)


def _render(key):
    return synthetic.render_jpeg(*key)


def _counted(jpegs, progress):
    for jpeg in jpegs:
        progress.update(1)
        yield jpeg


if __name__ == "__main__":
    program.run(main, flags)
