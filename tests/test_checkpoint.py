"""Checkpoints on the disk: whole or not there, found by name."""

import json

import numpy as np
import pytest

from alexnet_tf.training import checkpoint


def _snapshot(step, value=1.0, best=None):
    arrays = {"conv1/kernel": np.full((2, 3), value, np.float32)}
    state = {"step": step, "best": best}
    return checkpoint.Snapshot(step, arrays, arrays, state)


def test_what_is_written_comes_back(tmp_path):
    checkpoint.write(tmp_path, _snapshot(7))

    step, folder = checkpoint.find(tmp_path, "last")
    assert (step, folder.name) == (7, "00000007")
    arrays = checkpoint.load_arrays(folder / "weights.npz")
    np.testing.assert_array_equal(arrays["conv1/kernel"], np.ones((2, 3)))
    assert checkpoint.load_state(folder / "state.json")["step"] == 7


def test_writing_a_step_again_replaces_it(tmp_path):
    checkpoint.write(tmp_path, _snapshot(7))
    checkpoint.write(tmp_path, _snapshot(7, 2.0))

    arrays = checkpoint.load_arrays(tmp_path / "00000007" / "weights.npz")
    assert arrays["conv1/kernel"][0, 0] == 2.0
    assert [path.name for path in tmp_path.iterdir()] == ["00000007"]


def test_best_and_a_step_are_found(tmp_path):
    best = {"step": 3, "top1_error": 0.4}
    for step in (3, 12, 9):
        checkpoint.write(tmp_path, _snapshot(step, best=best))

    assert checkpoint.steps(tmp_path) == [3, 9, 12]
    assert checkpoint.find(tmp_path, "best")[0] == 3
    assert checkpoint.find(tmp_path, "9")[0] == 9
    with pytest.raises(FileNotFoundError, match="no checkpoint of step 5"):
        checkpoint.find(tmp_path, 5)
    with pytest.raises(ValueError, match="last, best or a step"):
        checkpoint.find(tmp_path, "newest")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_number_is_not_written(tmp_path, value):
    with pytest.raises(ValueError, match="must be numbers.*step 7"):
        checkpoint.write(tmp_path / "run", _snapshot(7, value))
    assert not (tmp_path / "run").exists()


def test_damage_is_named(tmp_path):
    checkpoint.write(tmp_path, _snapshot(7))
    for name, load in (
        ("weights.npz", checkpoint.load_arrays),
        ("state.json", checkpoint.load_state),
    ):
        path = tmp_path / "00000007" / name
        path.write_bytes(path.read_bytes()[:-10])
        with pytest.raises(ValueError, match=f"{name} must be whole"):
            load(path)


def test_the_files_of_a_checkpoint_are_plain(tmp_path):
    """Others read them by NumPy and JSON alone."""
    checkpoint.write(tmp_path, _snapshot(7))

    with np.load(tmp_path / "00000007" / "velocities.npz") as found:
        assert found.files == ["conv1/kernel"]
    text = (tmp_path / "00000007" / "state.json").read_text()
    assert json.loads(text) == {"step": 7, "best": None}
