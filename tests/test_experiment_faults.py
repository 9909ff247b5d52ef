"""What goes wrong with a run, and what is left then."""

import json

import data_sets
import numpy as np
import pytest
from runs import make_config, open_new, read_lines, small_network, train

import alexnet_tf
from alexnet_tf import weights
from alexnet_tf.experiment import experiment
from alexnet_tf.training import PaperSGD, checkpoint, schedule
from alexnet_tf.training.state import TrainState

__all__ = ["small_network"]


@pytest.fixture
def config(tiny_data_dir):
    return make_config(tiny_data_dir)


def _damage(path):
    contents = path.read_bytes()
    path.write_bytes(contents[: len(contents) // 2])


def test_a_schedule_that_ends_the_run_saves_it(config, tmp_path):
    config.optimizer.schedule = "plateau"
    config.optimizer.patience_epochs = 1.0
    config.optimizer.learning_rate = 1e-12
    config.training.eval_every_epochs = 1.0
    config.training.total_steps = 1000
    config.training.checkpoint_every_steps = 1000

    train(config, tmp_path)

    last = read_lines(tmp_path, "metrics")[-1]["step"]
    assert last < 100
    assert checkpoint.steps(tmp_path / "checkpoints")[-1] == last
    before = (tmp_path / "metrics.jsonl").read_text()
    train(config, tmp_path)
    assert (tmp_path / "metrics.jsonl").read_text() == before


def test_weights_that_are_no_numbers_are_never_saved(config, tmp_path):
    train(config, tmp_path)
    run = open_new(config, tmp_path)
    network, _ = run.load()
    arrays = weights.to_arrays(network)
    arrays["fc8/bias"][0] = np.nan
    weights.from_arrays(network, arrays)
    rule = PaperSGD()
    rule.build(network.trainable_variables)
    state = TrainState(
        tmp_path / "other", network, rule, schedule.Constant(0.01)
    )

    with pytest.raises(ValueError, match="must be numbers.*step 0"):
        state.save()
    assert not (tmp_path / "other").exists()


def test_damaged_checkpoints_are_put_aside(config, tmp_path):
    train(config, tmp_path)
    newest = tmp_path / "checkpoints" / "00000009"
    _damage(newest / "weights.npz")
    config.training.total_steps = 8

    train(config, tmp_path)

    assert checkpoint.steps(tmp_path / "checkpoints")[-1] == 8
    assert (tmp_path / "checkpoints" / ".00000009.damaged").is_dir()
    alexnet_tf.load(tmp_path, "last")


def test_a_run_with_no_whole_checkpoint_is_not_begun_anew(config, tmp_path):
    train(config, tmp_path)
    for folder in (tmp_path / "checkpoints").iterdir():
        _damage(folder / "weights.npz")
    before = (tmp_path / "metrics.jsonl").read_text()

    with pytest.raises(ValueError, match="a checkpoint that can be read"):
        train(config, tmp_path)
    assert (tmp_path / "metrics.jsonl").read_text() == before


@pytest.mark.parametrize("name", ["weights.npz", "state.json"])
def test_a_damaged_checkpoint_is_named(config, tmp_path, name):
    train(config, tmp_path)
    _damage(tmp_path / "checkpoints" / "00000009" / name)

    with pytest.raises(ValueError, match=f"00000009/{name} must be whole"):
        alexnet_tf.load(tmp_path, "last" if "npz" in name else "best")


def test_evaluation_refuses_other_records(config, tmp_path):
    train(config, tmp_path / "run")
    data_sets.make_records(tmp_path / "other", validation=5)

    run = experiment.open_workdir(tmp_path / "run", str(tmp_path / "other"))

    with pytest.raises(ValueError, match="trained on other records"):
        run.make_eval_dataset("validation", 1)


def test_a_mistake_can_be_mended_before_the_first_checkpoint(config, tmp_path):
    config.data.crop_size = 64
    with pytest.raises(ValueError, match="crop_size must be at most"):
        train(config, tmp_path)

    config.data.crop_size = 40
    train(config, tmp_path)

    assert checkpoint.steps(tmp_path / "checkpoints")


def test_a_refused_change_is_named_alone(config, tmp_path):
    train(config, tmp_path)
    config.data.batch_size = 4

    with pytest.raises(ValueError, match="trained with data.batch_size=5, "):
        train(config, tmp_path)


def test_missing_devices_are_said(config, tmp_path, caplog):
    config.devices = "GPU:6,GPU:7"
    config.training.total_steps = 1

    train(config, tmp_path)

    assert "There is no GPU:6, GPU:7 here" in caplog.text


def test_a_drop_is_noted_across_a_restart(config, tmp_path):
    # The drop is due at step 5, where the first call ends.
    config.training.total_steps = 5
    train(config, tmp_path)
    config.training.total_steps = 7
    train(config, tmp_path)

    events = read_lines(tmp_path, "events")
    assert [e["what"] for e in events].count("rate") == 1
    assert events[-1]["what"] == "save"
    assert json.loads((tmp_path / "config.json").read_text())["revision"]
