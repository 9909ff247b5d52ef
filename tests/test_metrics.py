"""Means over the steps between two lines, and the norms of layers."""

import numpy as np
import pytest

from alexnet_tf import model, networks
from alexnet_tf.training import PaperSGD, metrics


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until it is moved."""
    now = [100.0]
    monkeypatch.setattr(metrics.time, "monotonic", lambda: now[0])
    return now


def test_means_and_speed_leave_out_what_is_no_training(clock):
    window = metrics.Window(batch_size=8)
    window.add({"loss": 2.0})
    window.add({"loss": 4.0, "gradient_norm/conv1": 7.0})
    with window.waiting():
        clock[0] += 1.0
    with window.pause():
        clock[0] += 50.0
    clock[0] += 3.0

    scalars = window.close()

    assert scalars == {
        "loss": 3.0,
        "gradient_norm/conv1": 7.0,
        # 16 images in the four seconds that were not paused.
        "images_per_second": 4.0,
        "waiting_share": 0.25,
    }


def test_a_window_begins_anew(clock):
    window = metrics.Window(batch_size=1)
    window.add({"loss": 2.0})
    clock[0] += 1.0
    window.close()
    window.add({"loss": 6.0})
    clock[0] += 1.0

    assert window.close()["loss"] == 6.0


def test_norms_of_kernels_and_velocities():
    made = model.build(networks.DEMO, 3, seed=1)
    optimizer = PaperSGD()
    optimizer.build(made.trainable_variables)
    kernel = made.get_layer("conv1").kernels[0]
    optimizer.velocity(kernel).assign(np.full(kernel.shape, 0.5))

    norms = metrics.layer_norms(made, optimizer)

    expected = np.sqrt(
        sum(np.sum(k.numpy() ** 2) for k in made.get_layer("conv1").kernels)
    )
    assert norms["weight_norm/conv1"] == pytest.approx(expected, rel=1e-5)
    size = np.prod(kernel.shape)
    assert norms["velocity_norm/conv1"] == pytest.approx(
        0.5 * np.sqrt(size), rel=1e-5
    )
    assert norms["velocity_norm/fc8"] == 0.0


def test_a_skipped_step_is_counted_and_left_out_of_the_means(clock):
    window = metrics.Window(batch_size=1, may_skip=True)
    for loss in (2.0, float("inf"), 4.0):
        window.add({"loss": loss})
    clock[0] += 1.0

    scalars = window.close()

    assert scalars["loss"] == 3.0
    assert scalars["skipped_steps"] == 1.0

    window.add({"loss": float("nan")})
    clock[0] += 1.0
    assert np.isnan(window.close()["loss"])
