"""Faults of training that were met once: requests, checkpoints, full disks."""

import json
import types

import pytest
import tensorflow as tf
from tensorboard.backend.event_processing import event_accumulator

from alexnet_tf.training import (
    checkpoint,
    control,
    learning_rates,
    requests,
    schedule,
    summaries,
)
from input_pipeline import files


def _writer(workdir, first_step=0):
    return summaries.SummaryWriter(workdir, first_step, float)


def _handler(workdir, writer, kernel_schedule=None):
    """Returns a handler of the requests in a workdir, at step 3."""
    kernel_schedule = kernel_schedule or schedule.Constant(0.01)
    state = types.SimpleNamespace(step=3, rate=0.01, schedule=kernel_schedule)
    queue = control.Requests(workdir)

    def pending(step):
        while (found := queue.next()) is not None:
            yield found

    source = types.SimpleNamespace(
        interrupted=lambda step: False, requests=pending, done=queue.done
    )
    rates = learning_rates.Rates(kernel_schedule)
    return requests.RequestHandler(state, source, rates, None, writer)


def test_a_drop_whose_acknowledgement_was_lost_is_not_done_twice(tmp_path):
    name = control.send_request(tmp_path, "drop")
    with _writer(tmp_path) as writer:
        writer.event(3, "drop", request=name, factor=0.1)
    # Here the job died, before the request was removed.
    with _writer(tmp_path, 2) as writer:
        handler = _handler(tmp_path, writer)
        handler.handle()

    events = files.read_json_lines(tmp_path / "events.jsonl")
    assert [e["what"] for e in events] == ["drop"]
    assert control.Requests(tmp_path).next() is None


def test_a_request_that_is_cancelled_meanwhile_is_no_error(
    tmp_path, monkeypatch
):
    control.send_request(tmp_path, "drop")
    (path,) = (tmp_path / "control").iterdir()
    queue = control.Requests(tmp_path)
    names = [path.name]
    path.unlink()
    monkeypatch.setattr(control.os, "listdir", lambda folder: names)

    assert queue.next() is None


def test_a_manual_change_gives_plateau_its_patience_again(tmp_path):
    plateau = schedule.Plateau(0.01, patience=2)
    plateau.update(0.5)
    plateau.update(0.5)
    rates = learning_rates.Rates(plateau)
    assert plateau.state["evaluations_since_best"] == 1

    rates.manual.set(7, 0.1)
    rates.begin_step(6)
    assert plateau.state["evaluations_since_best"] == 1
    rates.begin_step(7)

    assert plateau.state["evaluations_since_best"] == 0
    plateau.update(0.5)
    assert plateau.state["drops"] == 0


def test_best_is_a_checkpoint_that_is_there(tmp_path, caplog):
    arrays = {}
    for step, best in ((2, 2), (4, 2), (8, 6)):
        state = {"step": step, "best": {"step": best, "top1_error": 1 / step}}
        checkpoint.write(
            tmp_path, checkpoint.Snapshot(step, arrays, arrays, state)
        )

    # The best, of step 6, did not fit on the disk.
    step, folder = checkpoint.find(tmp_path, "best")

    assert (step, folder.name) == (2, "00000002")
    assert "step 6" in caplog.text


def test_a_run_that_is_begun_anew_forgets_manual_changes(tmp_path):
    with _writer(tmp_path) as writer:
        writer.event(3, "drop", factor=0.1)
        writer.event(5, "save")
    # The checkpoints have been removed, the events have not.
    with _writer(tmp_path) as writer:
        assert writer.manual_rate_events() == []
        writer.event(0, "start")

    assert [
        e["what"] for e in files.read_json_lines(tmp_path / "events.jsonl")
    ] == ["start"]
    # Nothing is lost.
    kept = files.read_json_lines(tmp_path / "events.before.jsonl")
    assert [e["what"] for e in kept] == ["drop", "save"]


def test_a_drop_before_the_first_checkpoint_survives_a_kill(tmp_path):
    with _writer(tmp_path) as writer:
        writer.event(3, "drop", factor=0.1)
    with _writer(tmp_path) as writer:
        assert [e["step"] for e in writer.manual_rate_events()] == [3]


def test_a_full_disk_under_tensorboard_is_said_once(
    tmp_path, monkeypatch, caplog
):
    def fail(*arguments, **facts):
        raise tf.errors.ResourceExhaustedError(None, None, "No space left")

    with _writer(tmp_path) as writer:
        monkeypatch.setattr(tf.summary.experimental, "write_raw_pb", fail)
        writer.write("train", 1, {"loss": 1.0})
        writer.write("train", 2, {"loss": 2.0})

    assert caplog.text.count("No space left") == 1
    metrics = files.read_json_lines(tmp_path / "metrics.jsonl")
    assert [m["step"] for m in metrics] == [1, 2]


def test_tensorboard_shows_a_step_once_after_a_power_cut(tmp_path):
    for first, losses in ((0, {1: 9.0, 2: 8.0, 3: 7.0}), (1, {2: 5.0, 3: 4.0})):
        with _writer(tmp_path, first) as writer:
            for step, loss in losses.items():
                writer.write("train", step, {"loss": loss})

    events = event_accumulator.EventAccumulator(
        str(tmp_path / "summaries" / "train"), size_guidance={"tensors": 0}
    )
    events.Reload()
    found = {
        e.step: float(tf.make_ndarray(e.tensor_proto))
        for e in events.Tensors("loss")
    }
    assert len(events.Tensors("loss")) == 3
    assert found == {1: 9.0, 2: 5.0, 3: 4.0}


def test_asking_who_holds_a_lock_keeps_nobody_out(tmp_path, monkeypatch):
    """The look takes the lock for a moment, in which a job may start."""
    path = tmp_path / "lock"
    path.touch()
    with open(path) as looking:
        files.fcntl.flock(looking, files.fcntl.LOCK_SH)
        monkeypatch.setattr(files.time, "sleep", lambda _: looking.close())
        with files.locked(path, str):
            assert files.lock_owner(path)


def test_a_changed_config_leaves_the_one_before(tmp_path):
    from alexnet_tf.config import Config
    from alexnet_tf.experiment import workdir as workdirs

    config = Config()
    workdirs.write_config(tmp_path, config)
    workdirs.write_config(tmp_path, config)
    config.training.total_steps = 77
    workdirs.write_config(tmp_path, config)

    kept = files.read_json_lines(tmp_path / "config.history.jsonl")
    assert [k["config"]["training"]["total_steps"] for k in kept] == [0]
    now = json.loads((tmp_path / "config.json").read_text())
    assert now["config"]["training"]["total_steps"] == 77


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("training.profile_steps", (5,), "first and a last step"),
        ("training.profile_steps", (9, 5), "first and a last step"),
        ("optimizer.boundaries_epochs", ("a", "b"), "must be numbers"),
        ("changes", "conv2.reads=own", "reads must be own tower, all"),
        ("changes", "conv1.kernel_size=0", "kernel_size must be 1 or more"),
        ("changes", "pool1.strides=0", "strides must be 1 or more"),
    ],
)
def test_settings_that_could_not_train_are_refused(field, value, words):
    from alexnet_tf.config import Config

    config = Config()
    section, _, name = field.rpartition(".")
    setattr(getattr(config, section) if section else config, name, value)

    with pytest.raises(ValueError, match=words):
        config.validate()


def test_a_profile_past_the_end_is_refused(tiny_data_dir, tmp_path):
    import runs

    config = runs.make_config(tiny_data_dir)
    config.network = "DEMO"
    config.training.profile_steps = (5, 50)
    with pytest.raises(ValueError, match="profile_steps must end before step"):
        runs.train(config, tmp_path)


def test_dry_run_takes_the_devices_of_several_replicas():
    from alexnet_tf import summary
    from alexnet_tf.config import Config

    config = Config(network="DEMO", strategy="mirrored")
    config.data.crop_size = 112
    config.devices = "CPU:0,CPU:1,CPU:0,CPU:1"

    assert "CPU:1" in summary.dry_run(config)
