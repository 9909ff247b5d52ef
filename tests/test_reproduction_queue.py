"""The queue goes through its rows, whatever happens to them."""

import json
import pathlib
import shutil

import numpy as np
import pytest

from alexnet_tf import predictions
from alexnet_tf.config import Config
from alexnet_tf.experiment import workdir as workdirs
from alexnet_tf.reproduction import intervals, process, queue, rows, status

ROWS = (
    rows.Row("first", "a claim", "a.py", "tiny", 1, 2.0, {"x": (1.0, 2.0)}),
    rows.Row("second", "b claim", "b.py", "tiny", 2, 3.0, seeds=(0, 1)),
)


class FakeProcess:
    """Writes what the programs would write, or does what a test says."""

    commands = []
    troubles = {}

    def __init__(self, command, folder, log, turn, niceness):
        self.command, self.folder, self.log = command, folder, log
        self.seconds = self.cpu_seconds = 0.0

    def run(self, on_tick):
        _, _, program, *flags = self.command
        flags = dict(flag.removeprefix("--").split("=", 1) for flag in flags)
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


@pytest.fixture
def make_queue(tmp_path, monkeypatch):
    """Makes queues in one folder, whose programs are not real."""
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(process, "Process", FakeProcess)
    monkeypatch.setattr(FakeProcess, "commands", [])
    monkeypatch.setattr(FakeProcess, "troubles", {})
    data = tmp_path / "out" / "data" / "tiny"
    data.mkdir(parents=True)
    (data / "dataset.json").write_text("{}")

    def make(revision="abc"):
        return queue.Queue(ROWS, tmp_path / "out", revision, retry_seconds=0.0)

    return make


def programs(name=None):
    """Returns the programs that were run, of one run or of all."""
    return [
        program.removeprefix("tools.")
        for program, run, _ in FakeProcess.commands
        if name in (None, run)
    ]


def read_result(tmp_path, name):
    return json.loads((tmp_path / "out/results" / f"{name}.json").read_text())


def test_rows_come_one_after_another_and_leave_results(tmp_path, make_queue):
    assert make_queue().run() == []

    assert [run for _, run, _ in FakeProcess.commands] == (
        ["first-seed0"] * 3 + ["second-seed0"] * 3 + ["second-seed1"] * 3
    )
    assert programs() == ["train", "evaluate", "evaluate"] * 3
    found = read_result(tmp_path, "first-seed0")
    assert found["revision"] == "abc"
    assert found["changes"] == {"x": [1.0, 2.0], "training.seed": 0}
    assert found["precision"] == "float32"
    assert (found["hours"], found["cpu_hours"]) == (0.03, 0.06)
    assert found["curve"] == [[2.0, 0.25, 0.75]]
    assert found["train_top1_error"] == 0.25
    assert [e["crops"] for e in found["evaluations"]] == [1, 10]
    assert len(found["evaluations"][0]["probabilities_sha256"]) == 64
    wrong = intervals.unpack(found["evaluations"][0]["wrong"], 3)
    assert wrong.tolist() == [False, True, False]


def test_what_is_done_is_not_done_again(tmp_path, make_queue):
    make_queue().run()
    FakeProcess.commands.clear()
    (tmp_path / "out/results/second-seed0.json").unlink()

    make_queue("new").run()

    # Its predictions were there: only the result is made again.
    assert FakeProcess.commands == []
    assert read_result(tmp_path, "second-seed0")["revision"] == "abc"


def test_tuples_survive_a_restart(tmp_path, make_queue):
    seen = []
    jobs = make_queue()

    def remember(self):
        seen.append(self.flags["config.x"])
        jobs.stop()
        return -15

    FakeProcess.troubles["tools.train", "first-seed0"] = [[remember]]
    with pytest.raises(KeyboardInterrupt):
        jobs.run()
    jobs = make_queue()
    FakeProcess.troubles["tools.train", "first-seed0"] = [[remember]]
    with pytest.raises(KeyboardInterrupt):
        jobs.run()

    assert seen == ["(1.0, 2.0)"] * 2


def test_a_run_goes_on_with_the_code_it_began_with(tmp_path, make_queue):
    jobs = make_queue("old")

    def stop(self):
        jobs.stop()
        return 1

    FakeProcess.troubles["tools.train", "first-seed0"] = [[stop]]
    with pytest.raises(KeyboardInterrupt):
        jobs.run()
    make_queue("new").run()

    code = {run: folder for _, run, folder in FakeProcess.commands}
    assert code["first-seed0"] == "old"
    assert code["second-seed0"] == "new"
    assert read_result(tmp_path, "first-seed0")["revision"] == "old"
    # Both attempts count.
    assert read_result(tmp_path, "first-seed0")["hours"] == 0.04


def test_a_run_that_fails_again_and_again_stops_no_other(tmp_path, make_queue):
    fail = [lambda self: 1] * 3
    FakeProcess.troubles["tools.train", "first-seed0"] = [fail]
    jobs = make_queue()
    (tmp_path / "out" / "logs").mkdir()
    (tmp_path / "out/logs/first-seed0.log").write_text("error: Something.\n")

    assert jobs.run() == ["first-seed0"]

    assert programs("first-seed0") == ["train"] * 3
    assert programs("second-seed1") == ["train", "evaluate", "evaluate"]
    # The next call tries again.
    assert make_queue().run() == []


def test_a_lost_run_has_a_result(tmp_path, make_queue):
    def diverge(self):
        write_run(pathlib.Path(self.flags["workdir"]), self.flags)
        self.log.write_text("error: The loss is nan at step 12. Resume.\n")
        return 1

    FakeProcess.troubles["tools.train", "first-seed0"] = [[diverge]]

    assert make_queue().run() == []

    found = read_result(tmp_path, "first-seed0")
    assert found["diverged"]
    assert found["train_top1_error"] == 1.0
    assert found["evaluations"] == []
    assert programs("first-seed0") == ["train"]


def test_a_full_disk_is_waited_for(tmp_path, make_queue, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    free = iter([0, 10**6, 10**12])
    monkeypatch.setattr(
        queue.shutil,
        "disk_usage",
        lambda path: usage._replace(free=next(free, 10**12)),
    )

    def fail_to_write(self):
        raise OSError(28, "No space left on device", "metrics.jsonl")

    FakeProcess.troubles["tools.train", "first-seed0"] = [[fail_to_write] * 4]

    assert make_queue().run() == []
    assert programs("first-seed0") == ["train"] * 5 + ["evaluate"] * 2


def test_a_failure_on_a_full_disk_is_none_of_the_runs(
    tmp_path, make_queue, monkeypatch
):
    usage = shutil.disk_usage(tmp_path)
    free = [10**12]
    monkeypatch.setattr(
        queue.shutil, "disk_usage", lambda path: usage._replace(free=free[-1])
    )
    jobs = make_queue()

    def fill(self):
        self.log.write_text("error: No space left on device\n")
        free.append(0)
        return 1

    def wait():
        free.append(10**12)

    monkeypatch.setattr(jobs, "_wait", wait)
    FakeProcess.troubles["tools.train", "first-seed0"] = [[fill] * 5]

    assert jobs.run() == []
    assert programs("first-seed0") == ["train"] * 6 + ["evaluate"] * 2


def test_one_queue_at_a_time(tmp_path, make_queue):
    jobs = make_queue()

    def begin_another(self):
        with pytest.raises(ValueError, match="one queue at a time"):
            make_queue().run()
        jobs.stop()
        return 1

    FakeProcess.troubles["tools.train", "first-seed0"] = [[begin_another]]
    with pytest.raises(KeyboardInterrupt):
        jobs.run()


def test_refuses_to_begin_without_records(tmp_path, make_queue):
    (tmp_path / "out/data/tiny/dataset.json").unlink()

    with pytest.raises(FileNotFoundError, match="must hold the records of"):
        make_queue().run()


def test_status_says_what_is_done_and_left(tmp_path, make_queue):
    jobs = make_queue()
    before = status.describe(ROWS, tmp_path / "out")

    def stop_half_way(self):
        workdir = pathlib.Path(self.flags["workdir"])
        write_run(workdir, self.flags)
        config = Config()
        config.training.total_epochs = 8.0
        workdirs.write_config(workdir, config)
        jobs.stop()
        return 1

    FakeProcess.troubles["tools.train", "second-seed0"] = [[stop_half_way]]
    with pytest.raises(KeyboardInterrupt):
        jobs.run()
    after = status.describe(ROWS, tmp_path / "out").splitlines()

    # 2 hours and two of 3, as reckoned.
    assert before.splitlines()[-1].startswith("about 8.0 h left")
    assert after[0] == (
        "done     first-seed0: 0.03 h, 1 crops 12.50%, 10 crops 12.50%, "
        "training 25.00%, revision abc"
    )
    # A quarter took 0.01 hours.
    assert after[1] == "begun    second-seed0: 25.0% done, 0.0 h left"
    assert after[2] == "to come  second-seed1: 3.0 h left"
    assert after[3].startswith("about 3.0 h left")
