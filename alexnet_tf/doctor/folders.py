"""The user's own folders: records and a workdir, without reading them all."""

import os
import pathlib

from alexnet_tf.doctor.finding import Finding
from alexnet_tf.experiment import workdir as workdir_lib
from alexnet_tf.training import checkpoint, control
from input_pipeline.dataset_info import DatasetInfo
from input_pipeline.statistics import Statistics


def records(data_dir):
    """Returns what a folder of records holds, and what it lacks."""
    try:
        info = DatasetInfo.load(data_dir)
        Statistics.load(data_dir)
    except (OSError, ValueError) as error:
        return [Finding("records", str(data_dir), str(error), is_needed=True)]
    shards = [s.file for split in info.splits.values() for s in split.shards]
    absent = [s for s in shards if not (pathlib.Path(data_dir) / s).is_file()]
    counts = ", ".join(
        f"{split.num_images:,} {name}" for name, split in info.splits.items()
    )
    words = f"{data_dir}: {info.num_classes} classes, {counts}"
    if absent:
        remedy = (
            f"{len(absent)} of {len(shards)} shards are missing, such as "
            f"{absent[0]}. Copy them, or remove the folder and convert again."
        )
        return [Finding("records", words, remedy, is_needed=True)]
    return [Finding("records", f"{words}; whole by their names")]


def workdir(directory):
    """Returns how far a run is, and whether it can go on."""
    directory = pathlib.Path(directory)
    try:
        config = workdir_lib.read_config(directory)
        steps = checkpoint.steps(directory / "checkpoints")
    except (OSError, ValueError) as error:
        return [Finding("workdir", str(directory), str(error), is_needed=True)]
    words = f"{directory}: {config.network_name}"
    owner = control.lock_owner(directory)
    if not steps:
        remedy = "" if owner else "No checkpoint yet; train it."
        return [Finding("workdir", words, remedy)]
    try:
        _, last = checkpoint.find(directory / "checkpoints", "last")
        checkpoint.load_state(last / "state.json")
    except (OSError, ValueError) as error:
        return [Finding("workdir", words, str(error), is_needed=True)]
    words += f", step {max(steps)}, {owner or 'nobody'} at work"
    if not os.access(directory, os.W_OK):
        remedy = "It cannot be written: no evaluation can be kept in it."
        return [Finding("workdir", words, remedy)]
    return [Finding("workdir", words)]
