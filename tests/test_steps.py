"""Epochs become steps."""

import pytest

from alexnet_tf.config import Config
from alexnet_tf.experiment import steps
from alexnet_tf.training import Boundaries, Geometric, Plateau


def test_ninety_epochs_of_imagenet_are_nine_hundred_thousand_steps():
    # 1,281,167 images in batches of 128: 10,009.1 steps an epoch.
    intervals = steps.make_intervals(Config(), 1_281_167)

    assert intervals.epochs.steps(1) == pytest.approx(10_009.117, abs=1e-3)
    assert intervals.total_steps == 900_821
    assert intervals.eval_every_steps == 10_009


def test_steps_win_over_epochs():
    config = Config()
    config.training.total_steps = 20

    intervals = steps.make_intervals(config, 300)

    assert intervals.total_steps == 20


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("plateau", Plateau),
        ("boundaries", Boundaries),
        ("geometric", Geometric),
    ],
)
def test_every_schedule_can_be_named(name, kind):
    config = Config()
    config.optimizer.schedule = name
    intervals = steps.make_intervals(config, 1280)

    made = steps.make_schedule(config, intervals)

    assert isinstance(made, kind)
    assert made.rate(0) == 0.01


def test_the_authors_own_drops_are_at_their_epochs():
    config = Config()
    config.optimizer.schedule = "boundaries"
    intervals = steps.make_intervals(config, 1280)

    made = steps.make_schedule(config, intervals)

    # original-source 4.1: after 25, 51 and 79 epochs, here of ten steps.
    assert made.boundaries_steps == (250, 510, 790)
