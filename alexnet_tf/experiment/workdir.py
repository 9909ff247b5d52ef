"""What a workdir says of its run: settings, revision, versions.

runs/alexnet/
    config.json         settings, revision of the code, versions
    config.history.jsonl    the same of earlier calls, where they differ
    dataset.json        the data set that it is trained on
    statistics.npz      the same: a workdir is enough to evaluate and serve
    checkpoints/        see `training.checkpoint`
    summaries/          for TensorBoard
    metrics.jsonl       the same scalars, a line each
    events.jsonl        starts, resumes, rate drops
    predictions/        probabilities of `tools.evaluate`
"""

import json
import os
import pathlib
import platform
import subprocess

import numpy as np

from alexnet_tf import config as config_lib
from input_pipeline import files

FILE_NAME = "config.json"

# What a run may not change on its way: everything else may.
_FIXED = (
    *("network", "network_text", "without", "changes"),
    *("init_from", "init_checkpoint", "init_skip", "init_mean"),
    "training.seed",
)
_FREE_DATA = (
    "directory",
    # Held against dataset.json, which knows what was in use.
    "resample",
    "resize",
    "tfds_data_dir",
    "eval_batch_size",
    "augment_on",
    "cache",
    "on_error",
    "service",
)


def write_config(workdir, config):
    """Writes config.json, with what else the figures of a run depend on.

    What a changed one said before is kept in config.history.jsonl.
    """
    record = {
        "config": config_lib.to_dict(config),
        "revision": revision(),
        "versions": _versions(),
    }
    # As it will be read: without tuples.
    record = json.loads(json.dumps(record))
    path = pathlib.Path(workdir) / FILE_NAME
    try:
        before = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        before = record
    if before != record:
        files.append_json_line(path.with_suffix(".history.jsonl"), before)
    files.write_json(path, record)


def read_config(workdir):
    """Returns the config that a workdir was trained with.

    Raises:
        FileNotFoundError: It is no workdir.
        ValueError: Its config is damaged.
    """
    path = pathlib.Path(workdir) / FILE_NAME
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        return config_lib.from_dict(record["config"])
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(
            f"{workdir} holds no config.json: it is no workdir. Make one "
            "with: python -m tools.train --help"
        ) from None
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path} must be as training wrote it. Received: "
            f"{type(error).__name__}: {error}"
        ) from None


def check_same_run(workdir, config):
    """Refuses to go on with another network or other data.

    Raises:
        ValueError: The workdir is that of another run.
    """
    before = config_lib.to_dict(read_config(workdir))
    now = config_lib.to_dict(config)
    for fields in (before, now):
        for name in _FREE_DATA:
            fields["data"].pop(name)
        fields["training.seed"] = fields["training"]["seed"]
        for name, value in fields.pop("data").items():
            fields[f"data.{name}"] = value
    for name in [n for n in now if n in _FIXED or n.startswith("data.")]:
        if before[name] == now[name]:
            continue
        if name == "network_text":
            raise ValueError(
                f"{workdir} was trained with the network of "
                f"{before['network_file'] or 'no file'} as it was then, but "
                f"the config has that of {now['network_file'] or 'no file'}. "
                "Use another --workdir, or the file as it was."
            )
        raise ValueError(
            f"{workdir} was trained with {name}={before[name]}, but the "
            f"config says {now[name]}. Use another --workdir, or drop "
            "the override."
        )


def training_errors(workdir):
    """Returns the top-1 training error of a run, over its epochs.

    Raises:
        ValueError: The run has written no figures yet.
    """
    path = pathlib.Path(workdir) / "metrics.jsonl"
    found = [m for m in files.read_json_lines(path) if m["split"] == "train"]
    if not found:
        raise ValueError(f"{path} must hold figures of training. Found: none")
    return [m["epoch"] for m in found], [m["top1_error"] for m in found]


def revision():
    """Returns the revision of the code, or "unknown" outside of a checkout."""
    try:
        return subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12"],
            cwd=pathlib.Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _versions():
    """Returns what else the figures of a run depend on."""
    # Here, so that programs which only read workdirs start at once.
    import tensorflow as tf

    return {
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "numpy": np.__version__,
        "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "default"),
        "cpus": os.cpu_count(),
        "devices": [d.name for d in tf.config.list_logical_devices()],
    }
