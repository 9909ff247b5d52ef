"""Requests to a running job: carried out, recorded, and again on resume."""

import json

import numpy as np
import pytest
import runs
from runs import make_config, read_lines, small_network, train

import alexnet_tf
from alexnet_tf import weights
from alexnet_tf.training import checkpoint, control

__all__ = ["small_network"]


@pytest.fixture
def config(tiny_data_dir):
    return make_config(tiny_data_dir)


class _Asking(runs.Progress):
    """Leaves requests behind given steps, as another process would."""

    def __init__(self, workdir, requests, stop_after=None):
        super().__init__(stop_after)
        self.workdir = workdir
        self.requests = requests

    def update(self, steps, facts):
        for command, rate in self.requests.get(self.done + 1, ()):
            control.send_request(self.workdir, command, rate)
        super().update(steps, facts)


def _train(config, workdir, requests, stop_after=None):
    progress = _Asking(workdir, requests, stop_after)
    return runs.train_with(progress, config, workdir)


def test_the_job_acts_at_the_next_step(config, tmp_path):
    config.optimizer.boundaries_epochs = ()
    config.training.log_every_steps = 1
    _train(
        config,
        tmp_path,
        {2: [("drop", None)], 4: [("set", 0.02)], 6: [("save", None)]},
    )

    rate = {
        m["step"]: m["learning_rate"]
        for m in read_lines(tmp_path, "metrics")
        if m["split"] == "train"
    }
    assert [rate[s] for s in range(1, 10)] == pytest.approx(
        [0.01, 0.01, 0.001, 0.001, *[0.02] * 5]
    )
    found = [
        (e["step"], e["what"])
        for e in read_lines(tmp_path, "events")
        if "request" in e
    ]
    assert found == [(2, "drop"), (4, "set"), (6, "save")]
    assert not list((tmp_path / "control").glob("*"))


def test_a_schedule_goes_on_from_the_hands_rate(config, tmp_path):
    # The schedule divides by ten after step 5, the hand before.
    config.training.log_every_steps = 1
    _train(config, tmp_path, {1: [("set", 0.004)]})

    rates = [
        m["learning_rate"]
        for m in read_lines(tmp_path, "metrics")
        if m["split"] == "train"
    ]
    assert rates == pytest.approx([0.01, *[0.004] * 4, *[0.0004] * 4])


def _assert_same_weights(workdir, undisturbed):
    """Fails where two runs did not end bit-identical."""
    expected = weights.to_arrays(alexnet_tf.load(undisturbed))
    found = weights.to_arrays(alexnet_tf.load(workdir))
    for name, array in found.items():
        np.testing.assert_array_equal(array, expected[name], err_msg=name)


@pytest.mark.slow
def test_a_resumed_run_acts_again_at_the_same_step(config, tmp_path):
    requests = {3: [("drop", None)], 5: [("set", 0.003)]}
    _train(config, tmp_path / "undisturbed", requests)
    # The last checkpoint is of step 4 or before.
    config.training.checkpoint_every_steps = 4
    with pytest.raises(runs.PowerCut):
        _train(config, tmp_path / "disturbed", requests, stop_after=6)
    train(config, tmp_path / "disturbed")

    _assert_same_weights(tmp_path / "disturbed", tmp_path / "undisturbed")


@pytest.mark.slow
def test_stop_saves_and_the_next_call_goes_on(config, tmp_path):
    _train(config, tmp_path / "run", {3: [("stop", None)]})
    last, _ = checkpoint.find(tmp_path / "run/checkpoints", "last")
    assert last == 3
    train(config, tmp_path / "run")
    train(config, tmp_path / "undisturbed")

    _assert_same_weights(tmp_path / "run", tmp_path / "undisturbed")


def test_a_request_that_cannot_be_read_is_put_aside(config, tmp_path):
    folder = tmp_path / "control"
    folder.mkdir()
    for name, text in (
        ("1", "{"),
        ("2", '{"command": "fly"}'),
        ("3", '{"command": "set"}'),
        ("4", json.dumps({"command": "set", "rate": -1.0})),
    ):
        (folder / f"{name}.json").write_text(text)
    train(config, tmp_path)

    assert sorted(p.name for p in folder.iterdir()) == [
        f"{n}.refused" for n in (1, 2, 3, 4)
    ]


def test_one_job_at_a_time(config, tmp_path):
    config.training.total_steps = 1
    train(config, tmp_path)
    assert control.lock_owner(tmp_path) is None

    with control.lock(tmp_path):
        assert "process" in control.lock_owner(tmp_path)
        with pytest.raises(ValueError, match="one job at a time"):
            train(config, tmp_path)


@pytest.mark.parametrize(("command", "rate"), [("fly", None), ("set", 0.0)])
def test_refuses_what_nobody_could_do(tmp_path, command, rate):
    with pytest.raises(ValueError, match="must be one of|rate above 0"):
        control.send_request(tmp_path, command, rate)
