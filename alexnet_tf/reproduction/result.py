"""What a finished run has measured, as a file that is committed."""

import hashlib
import json
import os
import pathlib
import platform

from alexnet_tf import evaluation, predictions
from alexnet_tf.experiment import workdir as workdirs
from alexnet_tf.reproduction import intervals
from input_pipeline import files

AVERAGE = pathlib.PurePath("predictions", "validation-average-10.npz")
_CURVE_POINTS = 200
_SCORES = (
    *("split", "crops", "step", "num_images"),
    *("top1_error", "top1_interval", "top5_error", "loss"),
)
_OF_RECORD = (
    *("name", "row", "claim", "config", "changes", "seed", "revision"),
)


def collect(workdir, record):
    """Returns the result of a run.

    Args:
        workdir: Of the run.
        record: What the queue knows of it.
    """
    workdir = pathlib.Path(workdir)
    made_with = json.loads((workdir / workdirs.FILE_NAME).read_text())
    lines = files.read_json_lines(workdir / "metrics.jsonl")
    events = files.read_json_lines(workdir / "events.jsonl")
    train = [line for line in lines if line["split"] == "train"]
    watched = [line for line in lines if line["split"] == "validation"]
    watched_split = made_with["config"]["training"]["eval_split"]
    diverged = record["diverged"]
    found = {key: record[key] for key in _OF_RECORD}
    found.update(
        precision=made_with["config"]["precision"],
        machine=_machine(),
        versions=made_with["versions"],
        hours=round(record["seconds"] / 3600, 3),
        cpu_hours=round(record["cpu_seconds"] / 3600, 3),
        resumed=sum(event["what"] == "resume" for event in events),
        finished=events[-1]["time"][:10],
        epochs=train[-1]["epoch"] if train else 0.0,
        diverged=diverged,
        train_top1_error=_last(train, diverged),
        curve=_curve(train),
        evaluations=[] if diverged else _evaluations(workdir),
    )
    found[f"{watched_split}_top1_error"] = _last(watched, diverged)
    return found


def collect_average(workdir, record, members):
    """Returns the result of an average of other runs' predictions.

    Args:
        workdir: Has the mean as `AVERAGE`.
        record: What the queue knows of it.
        members: Results of the runs; all of one kind.
    """
    path = pathlib.Path(workdir) / AVERAGE
    scores = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    low_high = evaluation.interval(scores["top1_error"], scores["num_images"])
    scores.update(split="validation", crops=10, step=0, top1_interval=low_high)
    keys = ("precision", "machine", "versions", "finished", "epochs")
    return {
        **{key: members[-1][key] for key in keys},
        **{key: record[key] for key in _OF_RECORD},
        "averages": [member["name"] for member in members],
        "hours": 0.0,
        "diverged": False,
        "curve": [],
        "evaluations": [_evaluation(path, scores)],
    }


def describe(found):
    """Returns a line of words for a result."""
    words = [f"{found['hours']:.2f} h"]
    if found["diverged"]:
        words.append("diverged")
    for each in found["evaluations"]:
        words.append(f"{each['crops']} crops {each['top1_error']:.2%}")
    if "held_out_top1_error" in found:
        words.append(f"held out {found['held_out_top1_error']:.2%}")
    if "train_top1_error" in found:
        words.append(f"training {found['train_top1_error']:.2%}")
    return ", ".join(words)


def last_step(workdir):
    """Returns the step of a workdir's last checkpoint."""
    folders = (pathlib.Path(workdir) / "checkpoints").glob("[0-9]*")
    return max(int(folder.name) for folder in folders)


def _last(lines, diverged):
    """Returns the last error of some lines of metrics; 1 of a lost run."""
    return 1.0 if diverged or not lines else lines[-1]["top1_error"]


def _curve(train):
    """Returns epoch, training error and loss, at most so many points."""
    stride = -(-len(train) // _CURVE_POINTS) or 1
    return [
        [line["epoch"], round(line["top1_error"], 5), round(line["loss"], 5)]
        for line in train[stride - 1 :: stride]
    ]


def _evaluations(workdir):
    """Returns each evaluation's errors, and which images were wrong.

    "images" tells the images apart by their names, "wrong" has a bit for each
    of them, so that two runs can be compared image by image.
    """
    return [
        _evaluation(
            path.with_suffix(".npz"),
            json.loads(path.read_text(encoding="utf-8")),
        )
        for path in sorted((workdir / "predictions").glob("*.json"))
    ]


def _evaluation(path, scores):
    """Returns the figures of a file of predictions, and what they hang on."""
    arrays = predictions.load(path)
    names = "\n".join(arrays["file_names"].tolist())
    wrong = evaluation.is_wrong(arrays["probabilities"], arrays["labels"])
    return {
        **{key: scores[key] for key in _SCORES},
        "probabilities_sha256": _digest(arrays["probabilities"].tobytes()),
        "images": _digest(names.encode())[:16],
        "wrong": intervals.pack(wrong),
    }


def _digest(contents):
    return hashlib.sha256(contents).hexdigest()


def _machine():
    """Returns the kind of machine in words."""
    name = platform.processor() or platform.machine()
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                name = line.partition(":")[2].strip()
                break
    return f"{name}, {os.cpu_count()} cores"
