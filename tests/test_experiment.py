"""A whole run: trains, is interrupted, goes on, and is loaded again."""

import json
import shutil
import types

import data_sets
import numpy as np
import pytest
import tensorflow as tf
from runs import (
    STEPS,
    PowerCut,
    make_config,
    open_new,
    read_lines,
    small_network,
    train,
)
from tensorboard.backend.event_processing import event_accumulator

import alexnet_tf
from alexnet_tf import networks, weights
from alexnet_tf.experiment import experiment
from alexnet_tf.training import checkpoint

__all__ = ["small_network"]


@pytest.fixture
def config(tiny_data_dir):
    return make_config(tiny_data_dir)


def _weights(workdir):
    return weights.to_arrays(alexnet_tf.load(workdir))


def test_a_run_that_loses_power_ends_with_the_same_weights(config, tmp_path):
    train(config, tmp_path / "undisturbed")

    for stop_after in (3, 2, 1):
        with pytest.raises(PowerCut):
            train(config, tmp_path / "disturbed", stop_after)
    train(config, tmp_path / "disturbed")

    expected = _weights(tmp_path / "undisturbed")
    for name, array in _weights(tmp_path / "disturbed").items():
        np.testing.assert_array_equal(array, expected[name], err_msg=name)


def test_what_is_off_by_default_resumes_exactly_too(config, tmp_path):
    config.data.batch_size = 4
    config.optimizer.schedule = "cosine"
    config.optimizer.warmup_epochs = 1.5
    config.optimizer.global_clipnorm = 0.1
    config.optimizer.gradient_accumulation_steps = 2
    train(config, tmp_path / "undisturbed")
    for stop_after in (3, 1):
        with pytest.raises(PowerCut):
            train(config, tmp_path / "disturbed", stop_after)
    train(config, tmp_path / "disturbed")

    expected = _weights(tmp_path / "undisturbed")
    for name, array in _weights(tmp_path / "disturbed").items():
        np.testing.assert_array_equal(array, expected[name], err_msg=name)
    # Steps of 4 of 12 images: 4.5 of warm-up, rounded to the even; events
    # are of rates that move by more than a tenth.
    events = read_lines(tmp_path / "undisturbed", "events")
    rates = [e["after"] for e in events if e["what"] == "rate"]
    full = [0.01 * (1 + np.cos(np.pi * s / STEPS)) / 2 for s in range(STEPS)]
    warm = [min((s + 1) / 4, 1) * full[s] for s in range(STEPS)]
    moved = [
        b for a, b in zip(warm, warm[1:], strict=False) if abs(b / a - 1) > 0.1
    ]
    assert rates == pytest.approx(moved)


@pytest.mark.slow
@pytest.mark.parametrize(
    "change", [{"strategy": "mirrored"}, {"devices": "CPU:0,CPU:1"}]
)
def test_replicas_and_towers_end_with_the_same_weights(
    config, tmp_path, monkeypatch, change
):
    # Another placement draws other masks.
    still = networks.SMALL.without("drop7")
    monkeypatch.setattr(networks, "SMALL", still)
    config.data.batch_size = 4
    train(config, tmp_path / "one")

    for name, value in change.items():
        setattr(config, name, value)
    with pytest.raises(PowerCut):
        train(config, tmp_path / "many", 5)
    train(config, tmp_path / "many")

    expected = _weights(tmp_path / "one")
    for name, array in _weights(tmp_path / "many").items():
        np.testing.assert_allclose(array, expected[name], atol=1e-5)


def test_metrics_of_a_disturbed_run_stand_once(config, tmp_path):
    train(config, tmp_path / "undisturbed")
    with pytest.raises(PowerCut):
        train(config, tmp_path / "disturbed", 5)
    train(config, tmp_path / "disturbed")

    def read(name):
        lines = (tmp_path / name / "metrics.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]

    expected = read("undisturbed")
    found = read("disturbed")
    assert [(m["split"], m["step"]) for m in found] == [
        (m["split"], m["step"]) for m in expected
    ]
    for a, b in zip(found, expected, strict=True):
        if a["split"] == "validation":
            assert a == b


def test_an_interruption_saves_and_stops(config, tmp_path, monkeypatch):
    class Asked:
        requested = True

        def __enter__(self):
            return self

        def __exit__(self, *error):
            pass

    monkeypatch.setattr("alexnet_tf.training.signals.Interruption", Asked)

    with pytest.raises(KeyboardInterrupt):
        train(config, tmp_path)

    assert (tmp_path / "checkpoints" / "00000000" / "state.json").exists()


def test_a_damaged_checkpoint_falls_back_to_the_one_before(config, tmp_path):
    train(config, tmp_path / "run")
    expected = _weights(tmp_path / "run")
    newest = tmp_path / "run" / "checkpoints" / f"{STEPS:08d}"
    contents = bytearray((newest / "weights.npz").read_bytes())
    contents[len(contents) // 2] ^= 1
    (newest / "weights.npz").write_bytes(contents)

    train(config, tmp_path / "run")

    for name, array in _weights(tmp_path / "run").items():
        np.testing.assert_array_equal(array, expected[name], err_msg=name)


def test_old_checkpoints_go_and_the_best_stays(config, tmp_path):
    config.training.keep_checkpoints = 2
    train(config, tmp_path)

    steps = checkpoint.steps(tmp_path / "checkpoints")
    best, _ = checkpoint.find(tmp_path / "checkpoints", "best")
    assert steps[-2:] == [8, 9]
    assert best in steps
    assert len(steps) <= 3


def test_rate_falls_where_the_schedule_says(config, tmp_path):
    train(config, tmp_path)

    lines = (tmp_path / "events.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in lines]
    # Two epochs of 12 images in batches of 5: 4.8 steps.
    drops = [(e["step"], e["after"]) for e in events if e["what"] == "rate"]
    assert drops == [(5, pytest.approx(0.001))]


def test_a_workdir_is_enough_to_load_the_network(config, tmp_path):
    data_dir = tmp_path / "data"
    data_sets.make_records(data_dir)
    config.data.directory = str(data_dir)
    train(config, tmp_path / "run")

    shutil.rmtree(data_dir)
    model = alexnet_tf.load(tmp_path / "run", "best")

    assert model.output_shape == (None, 3)


def test_training_goes_on_with_the_weights_of_another_run(config, tmp_path):
    train(config, tmp_path / "first")
    config.init_from = str(tmp_path / "first")
    config.training.total_steps = 1
    config.optimizer.learning_rate = 1e-9

    train(config, tmp_path / "second")

    expected = _weights(tmp_path / "first")
    for name, array in _weights(tmp_path / "second").items():
        np.testing.assert_allclose(array, expected[name], atol=1e-6)


def test_writes_tensorboard_and_the_same_scalars_as_lines(config, tmp_path):
    train(config, tmp_path)

    events = event_accumulator.EventAccumulator(
        str(tmp_path / "summaries" / "train"),
        size_guidance={"tensors": 0},
    )
    events.Reload()
    tags = set(events.Tags()["tensors"])
    assert tags >= {
        *("loss", "top1_error", "top5_error", "learning_rate"),
        *("images_per_second", "waiting_share", "run/epoch"),
        *("conv1_kernels", "augmented_batch"),
    }
    lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
    first = next(m for m in map(json.loads, lines) if m["split"] == "train")
    shown = events.Tensors("loss")[0]
    assert shown.step == first["step"]
    value = float(tf.make_ndarray(shown.tensor_proto))
    assert value == pytest.approx(first["loss"], rel=1e-6)


def test_refuses_the_workdir_of_another_network(config, tmp_path):
    train(config, tmp_path)
    config.without = "norm1"

    with pytest.raises(ValueError, match="trained with without=.*drop the ov"):
        open_new(config, tmp_path)


def test_refuses_the_workdir_of_other_records(config, tmp_path):
    train(config, tmp_path / "run")
    data_sets.make_records(tmp_path / "other", train=10)
    config.data.directory = str(tmp_path / "other")

    with pytest.raises(ValueError, match="trained on other records"):
        open_new(config, tmp_path / "run")


@pytest.mark.parametrize(
    ("directory", "words"),
    [("", "must name a folder of records"), ("nowhere", "no folder nowhere")],
)
def test_refuses_to_train_without_data(config, tmp_path, directory, words):
    config.data.directory = directory

    with pytest.raises((ValueError, FileNotFoundError), match=words):
        open_new(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_refuses_a_loss_that_is_no_number(config, tmp_path):
    config.optimizer.learning_rate = 1e30

    with pytest.raises(ValueError, match="must be numbers.*lower"):
        train(config, tmp_path)


def test_refuses_what_is_no_workdir(tmp_path):
    with pytest.raises(FileNotFoundError, match="it is no workdir"):
        experiment.open_workdir(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ValueError, match="as training wrote it"):
        experiment.open_workdir(tmp_path)


def test_refuses_a_checkpoint_that_is_not_there(config, tmp_path):
    run = open_new(config, tmp_path)
    with pytest.raises(FileNotFoundError, match="holds no checkpoint"):
        run.load()
    train(config, tmp_path)
    with pytest.raises(FileNotFoundError, match="no checkpoint of step 77"):
        run.load("77")
    with pytest.raises(ValueError, match="last, best or a step"):
        run.load("newest")


def test_refuses_a_disk_without_room(config, tmp_path, monkeypatch):
    monkeypatch.setattr(
        shutil,
        "disk_usage",
        lambda path: types.SimpleNamespace(total=10, used=10, free=0),
    )

    with pytest.raises(ValueError, match="room for a checkpoint.*0 MB free"):
        train(config, tmp_path)


def test_a_full_disk_names_the_checkpoint_and_leaves_the_one_before(
    config, tmp_path, monkeypatch
):
    config.training.total_steps = 2
    train(config, tmp_path)
    config.training.total_steps = 4
    monkeypatch.setattr(np, "savez", _fill_disk_at_step_4)

    with pytest.raises(OSError, match="No space left.*00000004") as error:
        train(config, tmp_path)

    assert error.value.filename.endswith("00000004")
    folders = [p.name for p in (tmp_path / "checkpoints").iterdir()]
    assert folders == ["00000002"]


def _fill_disk_at_step_4(file, savez=np.savez, **arrays):
    if "00000004" not in str(file):
        return savez(file, **arrays)
    file.write_bytes(b"half of it")
    raise OSError(28, "No space left on device")
