"""What a workdir has measured, and how: a record of docs/results."""

import json
import pathlib

from alexnet_tf.experiment import workdir
from input_pipeline import files


def collect(directory):
    """Returns what a run has measured, and how.

    Args:
        directory: A workdir.

    Raises:
        FileNotFoundError: It is no workdir, or has not been evaluated.
    """
    directory = pathlib.Path(directory)
    config = workdir.read_config(directory)
    record = json.loads((directory / workdir.FILE_NAME).read_text())
    info = json.loads((directory / "dataset.json").read_text())
    paths = sorted((directory / "predictions").glob("*.json"))
    if not paths:
        raise FileNotFoundError(
            f"{directory} has not been evaluated. Do so with: "
            f"python -m tools.evaluate --workdir={directory}"
        )
    metrics = files.read_json_lines(directory / "metrics.jsonl")
    train = [m for m in metrics if m["split"] == "train"]
    events = files.read_json_lines(directory / "events.jsonl")
    if not (train and events):
        raise ValueError(
            f"{directory} must hold figures of training. Found: none in "
            "metrics.jsonl or events.jsonl"
        )
    return {
        "experiment": f"{config.network_name} on {info['name']}",
        "config_file": "",
        "note": "",
        "network": config.network_name,
        "without": config.without,
        "changes": config.changes,
        "init_from": config.init_from,
        "data": info["name"],
        "seed": config.training.seed,
        "epochs": train[-1]["epoch"],
        "minutes_of_updates": _minutes(train, config.data.batch_size),
        "resumed": sum(e["what"] == "resume" for e in events),
        "revision": record["revision"],
        "versions": record["versions"],
        "date": events[-1]["time"][:10],
        "evaluations": [_evaluation(path) for path in paths],
    }


def _minutes(train, batch_size):
    """Returns how long the updates took, without start-up and evaluations."""
    steps = [0, *(m["step"] for m in train)]
    seconds = sum(
        (step - before) * batch_size / m["images_per_second"]
        for before, step, m in zip(steps, steps[1:], train, strict=False)
    )
    return round(seconds / 60, 1)


def _evaluation(path):
    """Returns an evaluation's figures and protocol, without the classes."""
    found = json.loads(path.read_text(encoding="utf-8"))
    return {k: v for k, v in found.items() if k not in ("classes", "confused")}


def read(folder):
    """Returns the records of docs/results, by file name."""
    return [
        json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(pathlib.Path(folder).glob("*.json"))
    ]
