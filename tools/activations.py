r"""Writes what layers say of images into one file, to be mapped.

    python -m tools.activations --workdir=runs/alexnet \
        --layers=conv1,conv5:preactivation,fc7 --output=activations.h5
    python -m tools.activations --workdir=runs/alexnet --layers=all \
        --output=activations.h5 photographs

Of a split, or of the image files and folders that are named. The file is HDF5;
in Python: alexnet_tf.analysis.activations.load(FILE).layers["conv5"]. Until it
is whole it is called FILE.partial, and the same command goes on with it.
"""

if __name__ == "__main__" and not __package__:
    import by_path  # noqa: F401, makes it `python -m tools.NAME`

import functools
import hashlib

import numpy as np
import tensorflow as tf

from alexnet_tf.analysis import activations, features
from alexnet_tf.classifier import find_images
from alexnet_tf.cli import program, progress
from alexnet_tf.experiment import experiment

flags = program.Flags()

_WORKDIR = flags.DEFINE_string(
    "workdir", None, "Folder of a run, such as runs/alexnet.", required=True
)
_CHECKPOINT = flags.DEFINE_checkpoint()
_LAYERS = flags.DEFINE_list(
    "layers",
    ["fc7"],
    "Layers with commas, such as conv1,conv5:preactivation,fc7; all; "
    ":preactivation is what comes before the rectifier.",
)
_OUTPUT = flags.DEFINE_string(
    "output", None, "The file, such as activations.h5.", required=True
)
_SPLIT = flags.DEFINE_string(
    "split", "validation", "train, validation or test, where no file is named."
)
_DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "Where the records are now, if they have moved."
)
_PER_TOWER = flags.DEFINE_boolean(
    "per_tower", False, "Whether each tower's maps are an array of their own."
)
_DTYPE = flags.DEFINE_enum(
    "dtype", "float32", ["float32", "float16"], "float16 takes half the room."
)
_BATCH = 32


def main(argv):
    """Writes the file, and prints its path and what is in it."""
    run = experiment.open_workdir(_WORKDIR.value, _DATA_DIR.value)
    towers = run.config.make_network().towers if _PER_TOWER.value else 1
    if _PER_TOWER.value and towers == 1:
        raise ValueError("--per_tower needs towers. Received: a network of one")
    classifier, step = run.load_classifier(_CHECKPOINT.value)
    extract = activations.Extractor(
        classifier.model, _LAYERS.value, towers, _DTYPE.value
    )
    if argv[1:]:
        paths = find_images(argv[1:])
        source, count = {"files": _digest(paths)}, len(paths)
        batches = functools.partial(_of_files, classifier, paths)
    else:
        positions = run.whole_positions(_SPLIT.value)
        source = {"data": run.info.name, "split": _SPLIT.value}
        count = len(positions)
        batches = functools.partial(_of_split, run, positions)
    facts = {
        "network": run.config.network_name,
        "without": run.config.without,
        "changes": run.config.changes,
        "step": step,
        "weights": features.fingerprint(classifier.model),
        "layers": list(extract.shapes),
        "dtype": _DTYPE.value,
        **source,
    }
    bar = functools.partial(progress.Progress, "activations", count, "images")
    path = activations.write(_OUTPUT.value, extract, batches, count, facts, bar)
    for name, array in activations.load(path).layers.items():
        print(f"{name}: {' x '.join(map(str, array.shape))}, {array.dtype}")
    print(path)


def _digest(paths):
    """Returns a word that changes with the files' names."""
    names = "\n".join(map(str, paths)).encode()
    return hashlib.blake2b(names, digest_size=16).hexdigest()


def _of_split(run, positions, done):
    """Returns the batches of a split, from an image on."""
    if done == len(positions):
        return []
    first = int(positions[done])
    return run.make_eval_dataset(
        _SPLIT.value, 1, file_names=True, first_record=first
    )


def _of_files(classifier, paths, done):
    """Yields batches of image files, from one on."""
    for start in range(done, len(paths), _BATCH):
        some = paths[start : start + _BATCH]
        squares = tf.stack([classifier.read(path) for path in some])
        names = [str(path) for path in some]
        yield classifier.crops(squares), np.full(len(some), -1), names


main.takes_arguments = True

if __name__ == "__main__":
    program.run(main, flags)
