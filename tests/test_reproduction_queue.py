"""The queue goes through its rows, whatever happens to them."""

import json
import pathlib
import shutil

import pytest

from alexnet_tf.config import Config
from alexnet_tf.experiment import workdir as workdirs
from alexnet_tf.reproduction import intervals, process, queue, rows, status
from tests.queue_programs import ROWS, FakeProcess, write_run


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

    def make(revision="abc", table=ROWS):
        return queue.Queue(table, tmp_path / "out", revision, retry_seconds=0.0)

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


def test_a_run_begins_with_the_weights_of_another(tmp_path, make_queue):
    late = rows.Row("late", "c", "c.py", "tiny", 9, 1.0, begins_with="first")

    make_queue(table=(*ROWS, late)).run()

    source = tmp_path / "out" / "runs" / "first-seed0"
    assert FakeProcess.last_flags["train"]["config.init_from"] == str(source)
    # No path of this machine in what is committed.
    assert str(tmp_path) not in json.dumps(read_result(tmp_path, "late-seed0"))


def test_predictions_of_all_seeds_are_averaged(tmp_path, make_queue):
    mean = rows.Row("mean", "c", "c.py", "tiny", 9, 1.0, averages="second")

    make_queue(table=(*ROWS, mean)).run()

    runs = tmp_path / "out" / "runs"
    given = FakeProcess.last_flags["ensemble"]["predictions"].split(",")
    assert given == [
        str(runs / f"second-seed{s}/predictions/validation-00000010-10.npz")
        for s in (0, 1)
    ]
    found = read_result(tmp_path, "mean-seed0")
    assert found["averages"] == ["second-seed0", "second-seed1"]
    assert found["evaluations"][0]["crops"] == 10
    assert found["evaluations"][0]["top1_error"] == 1 / 3


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
