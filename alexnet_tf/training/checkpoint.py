"""All that must survive an interruption, on disk in one piece or not at all.

A checkpoint is a folder named by its step:

    00000500/weights.npz        `conv1/kernel` and so on
    00000500/velocities.npz     the same names
    00000500/state.json         step, state of the schedule, validation errors

It is written under another name and renamed when every byte is on the disk.
Arrays are laid out as on one device, so that a checkpoint moves between any
number of towers and replicas. The learning rate is not among them: it follows
from the schedule and the config.
"""

import dataclasses
import json
import pathlib
import zipfile
import zlib

import numpy as np
from absl import logging

from input_pipeline import files

# What reading a damaged file raises.
DAMAGE = (
    OSError,
    EOFError,
    KeyError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """What a checkpoint holds, apart from the variables that move on.

    Attributes:
        step: Updates so far.
        weights: Arrays by name.
        velocities: Arrays by the same names.
        state: What state.json holds.
    """

    step: int
    weights: dict
    velocities: dict
    state: dict


def write(directory, snapshot):
    """Writes a checkpoint in one piece or not at all.

    Args:
        directory: Where checkpoints are kept.
        snapshot: A `Snapshot`.

    Raises:
        OSError: It could not be written; nothing of it is left.
        ValueError: The weights are no numbers any more.
    """
    for array in (*snapshot.weights.values(), *snapshot.velocities.values()):
        check_finite(snapshot.step, array)
    directory.mkdir(parents=True, exist_ok=True)
    with files.unfinished(directory / f"{snapshot.step:08d}") as folder:
        folder.mkdir()
        np.savez(folder / "weights.npz", **snapshot.weights)
        np.savez(folder / "velocities.npz", **snapshot.velocities)
        text = json.dumps(snapshot.state, indent=1)
        (folder / "state.json").write_text(text, encoding="utf-8")


def steps(directory):
    """Returns the steps that have a checkpoint, ascending."""
    folders = pathlib.Path(directory).glob("[0-9]*")
    return sorted(int(f.name) for f in folders if f.name.isdigit())


def find(directory, which):
    """Returns the step and the folder of a checkpoint.

    Args:
        directory: Where checkpoints are kept.
        which: "last", "best" or a step.

    Raises:
        FileNotFoundError: There is no such checkpoint.
    """
    directory = pathlib.Path(directory)
    there = steps(directory)
    if not there:
        raise FileNotFoundError(
            f"{directory} holds no checkpoint. Train one with: "
            "python -m tools.train --help"
        )
    step = there[-1]
    if which == "best":
        step = _find_best(directory, there)
    elif which != "last":
        if not str(which).isdigit():
            raise ValueError(
                f"checkpoint must be last, best or a step. Received: {which!r}"
            )
        step = int(which)
    if step not in there:
        raise FileNotFoundError(
            f"{directory} holds no checkpoint of step {step}. It has: "
            f"{', '.join(map(str, there))}"
        )
    return step, directory / f"{step:08d}"


def _find_best(directory, there):
    """Returns the best step that is on the disk; the last where none is."""
    missing = set()
    for step in reversed(there):
        best = load_state(directory / f"{step:08d}" / "state.json")["best"]
        if not best:
            break
        if best["step"] in there:
            return best["step"]
        if best["step"] not in missing:
            missing.add(best["step"])
            logging.warning(
                "The best checkpoint, of step %d, could not be written. "
                "Taking the best before it.",
                best["step"],
            )
    return there[-1]


def load_arrays(path):
    """Reads an npz file of arrays, whose checksums it checks.

    Raises:
        ValueError: It is damaged, or not there.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except DAMAGE as error:
        raise _damaged(path, error) from None


def load_state(path):
    """Reads state.json.

    Raises:
        ValueError: It is damaged, or not there.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except DAMAGE as error:
        raise _damaged(path, error) from None


def _damaged(path, error):
    """Returns the error for a part of a checkpoint that cannot be read."""
    return ValueError(
        f"{path} must be whole. Found: {type(error).__name__}: {error}. Take "
        "another --checkpoint, or go on with training: it falls back to the "
        "one before."
    )


def check_finite(step, values):
    """Refuses to go on, and to save, with what is no number.

    Args:
        step: Updates so far.
        values: A loss, or an array of weights.

    Raises:
        ValueError: Something in it is infinite or not a number.
    """
    if not np.isfinite(values).all():
        raise ValueError(
            f"Loss and weights must be numbers. They are not at step {step}. "
            "Resume from the last checkpoint with a lower "
            "--config.optimizer.learning_rate."
        )
