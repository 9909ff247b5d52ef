"""Runs that hold images out: what they write, and how they resume."""

import numpy as np
import pytest
from runs import PowerCut, make_config, read_lines, small_network, train

from alexnet_tf import evaluation
from alexnet_tf.experiment import experiment
from alexnet_tf.training import checkpoint

__all__ = ["small_network"]


def make_held_out_config(data_dir):
    """Returns a config of 12 images, 3 of them held out for two epochs."""
    config = make_config(data_dir)
    config.data.held_out_fraction = 0.25
    config.data.held_out_join_epochs = 2.0
    config.training.eval_split = "held_out"
    return config


def last_weights(workdir):
    _, folder = checkpoint.find(workdir / "checkpoints", "last")
    return checkpoint.load_arrays(folder / "weights.npz")


@pytest.mark.slow
def test_power_cuts_around_the_join_change_nothing(tmp_path, tiny_data_dir):
    config = make_held_out_config(tiny_data_dir)
    train(config, tmp_path / "through")
    for steps in (3, 3):
        with pytest.raises(PowerCut):
            train(config, tmp_path / "cut", stop_after=steps)
    train(config, tmp_path / "cut")

    through, cut = map(last_weights, (tmp_path / "through", tmp_path / "cut"))
    for name, array in through.items():
        np.testing.assert_array_equal(cut[name], array)
    for workdir in (tmp_path / "through", tmp_path / "cut"):
        joined = [
            event
            for event in read_lines(workdir, "events")
            if event["what"] == "held-out images join"
        ]
        # Two epochs of 9 images in batches of 5 are 3.6 steps.
        assert [event["first_step"] for event in joined] == [4]


def test_the_held_out_images_are_evaluated(tmp_path, tiny_data_dir):
    config = make_held_out_config(tiny_data_dir)
    scores = train(config, tmp_path)

    run = experiment.open_workdir(tmp_path)
    model, _ = run.load()
    found = evaluation.predict(
        evaluation.make_predictor(model), run.make_eval_dataset("held_out", 1)
    )

    assert run.num_images("held_out") == len(found["labels"]) == 3
    errors = evaluation.errors(found["probabilities"], found["labels"])
    assert scores["top1_error"] == errors["top1_error"]
    assert scores["loss"] == pytest.approx(errors["loss"], rel=1e-5)
