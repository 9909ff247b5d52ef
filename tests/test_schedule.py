"""When the learning rate falls."""

import pytest

from alexnet_tf.training import Boundaries, Geometric, Plateau


def test_boundaries_divide_after_the_given_steps():
    schedule = Boundaries(0.01, (100, 200))

    rates = [schedule.rate(step) for step in (0, 99, 100, 199, 200, 10_000)]

    assert rates == pytest.approx([1e-2, 1e-2, 1e-3, 1e-3, 1e-4, 1e-4])


def test_plateau_falls_three_times_and_ends():
    schedule = Plateau(0.01, patience=2)
    rates = []
    for error in [0.9, 0.8] + [0.8] * 8:
        schedule.update(error)
        rates.append(schedule.rate(0))

    # Two evaluations without progress make a drop; the fourth is the end.
    expected = [1e-2] * 3 + [1e-3] * 2 + [1e-4] * 2 + [1e-5] * 3
    assert rates == pytest.approx(expected)
    assert schedule.finished


def test_plateau_does_not_fall_while_the_error_improves():
    schedule = Plateau(0.01, patience=2)

    for error in (0.9, 0.8, 0.85, 0.7, 0.75, 0.6):
        schedule.update(error)

    assert schedule.rate(0) == 0.01
    assert not schedule.finished


def test_plateau_goes_on_from_its_state():
    first, second = Plateau(0.01, patience=2), Plateau(0.01, patience=2)
    for error in (0.8, 0.8):
        first.update(error)

    second.state.update(first.state)
    second.update(0.8)

    assert second.rate(0) == pytest.approx(0.001)


def test_geometric_has_the_rates_of_recipe_170():
    # original-source 4.2: 0.01, factor 250, 4 steps.
    schedule = Geometric(0.01, total_steps=400)

    rates = [schedule.rate(step) for step in (0, 99, 100, 200, 300, 399, 400)]

    levels = [0.01, 0.0015874, 0.00025198, 0.00004]
    expected = [levels[i] for i in (0, 0, 1, 2, 3, 3, 3)]
    assert rates == pytest.approx(expected, rel=1e-4)
