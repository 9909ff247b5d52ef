"""Programs of a queue that are not real: they write what those would."""

import json
import pathlib

import numpy as np

from alexnet_tf import predictions
from alexnet_tf.config import Config
from alexnet_tf.experiment import workdir as workdirs
from alexnet_tf.reproduction import rows

ROWS = (
    rows.Row("first", "a claim", "a.py", "tiny", 1, 2.0, {"x": (1.0, 2.0)}),
    rows.Row("second", "b claim", "b.py", "tiny", 2, 3.0, seeds=(0, 1)),
)


class FakeProcess:
    """Writes what the programs would write, or does what a test says."""

    commands = []
    troubles = {}
    last_flags = {}

    def __init__(self, command, folder, log, turn, niceness):
        self.command, self.folder, self.log = command, folder, log
        self.seconds = self.cpu_seconds = 0.0

    def run(self, on_tick):
        _, _, program, *flags = self.command
        flags = dict(flag.removeprefix("--").split("=", 1) for flag in flags)
        self.last_flags[program.removeprefix("tools.")] = flags
        if program == "tools.ensemble":
            return self.average(pathlib.Path(flags["output"]))
        workdir = pathlib.Path(flags["workdir"])
        self.commands.append((program, workdir.name, str(self.folder.name)))
        self.flags = flags
        self.seconds, self.cpu_seconds = 36.0, 72.0
        on_tick()
        trouble = self.troubles.get((program, workdir.name))
        if trouble and trouble[0]:
            return trouble[0].pop(0)(self)
        train = program == "tools.train"
        (write_run if train else write_predictions)(workdir, flags)
        return 0

    def average(self, path):
        write_predictions(path.parents[1], {"crops": 10})
        made = path.with_name("validation-00000010-10.npz")
        made.rename(path)
        made.with_suffix(".json").unlink()
        scores = {"top1_error": 1 / 3, "top5_error": 0.0, "loss": 1.0}
        text = json.dumps({**scores, "num_images": 3})
        path.with_suffix(".json").write_text(text)
        return 0

    def stop(self):
        pass


def write_run(workdir, flags):
    (workdir / "checkpoints" / "00000010").mkdir(parents=True, exist_ok=True)
    workdirs.write_config(workdir, Config())
    info = {"splits": {"train": {"num_images": 640}}}
    (workdir / "dataset.json").write_text(json.dumps(info))
    for name, lines in {
        "metrics": [
            {
                "split": "train",
                "step": 10,
                "epoch": 2.0,
                "top1_error": 0.25,
                "loss": 0.75,
            },
            {
                "split": "validation",
                "step": 10,
                "epoch": 2.0,
                "top1_error": 0.5,
            },
        ],
        "events": [
            {"what": "resume", "time": "2026-11-25T01:02:03"},
        ],
    }.items():
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (workdir / f"{name}.jsonl").write_text(text)


def write_predictions(workdir, flags):
    folder = workdir / "predictions"
    folder.mkdir(exist_ok=True)
    path = folder / f"validation-00000010-{flags['crops']}"
    arrays = {
        "probabilities": np.eye(3, dtype=np.float32),
        "labels": np.array([0, 2, 2]),
        "file_names": np.array(["a", "b", "c"]),
    }
    predictions.save(path.with_suffix(".npz"), arrays)
    scores = {
        "split": "validation",
        "crops": int(flags["crops"]),
        "step": 10,
        "num_images": 3,
        "top1_error": 0.125,
        "top1_interval": [0.1, 0.2],
        "top5_error": 0.0,
        "loss": 1.0,
    }
    path.with_suffix(".json").write_text(json.dumps(scores))
