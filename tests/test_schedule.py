"""When the learning rate falls."""

import pytest

from alexnet_tf.training import Boundaries, Geometric, Plateau
from alexnet_tf.training import schedule as schedules


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


def test_linear_and_exponential_go_down_step_by_step():
    linear = schedules.Linear(0.02, 100, 4.0)
    exponential = schedules.Exponential(0.02, 100, 4.0)

    # original-source 4.2: b (1 - p) + (b / 4) p, and b / 4 ** p.
    assert linear.rate(0) == exponential.rate(0) == 0.02
    assert linear.rate(50) == pytest.approx(0.0125)
    assert exponential.rate(50) == pytest.approx(0.01)
    assert linear.rate(100) == pytest.approx(0.005)
    assert exponential.rate(100) == pytest.approx(0.005)
    # A run that goes on longer keeps the last rate.
    assert linear.rate(150) == exponential.rate(150) == pytest.approx(0.005)


def test_jumps_are_halfway_back_to_the_level_before():
    jumps = schedules.GeometricJumps(1.0, 100, 1000.0, 4)

    rates = [jumps.rate(step) for step in (10, 20, 30, 40, 60, 70, 80, 89, 95)]

    # original-source 4.2: levels 1, .1, .01, .001; in later halves, from a
    # fifth to nine tenths of the run, the geometric mean with the one before.
    root = 10**0.5
    expected = [1, 1, 0.1, 0.1 * root, 0.01, 0.01 * root, 0.001]
    assert rates == pytest.approx([*expected, 0.001 * root, 0.001])


def test_a_warm_up_rises_by_equal_steps_to_the_full_rate():
    schedule = schedules.Warmup(Boundaries(0.4, (6,)), 4)

    rates = [schedule.rate(step) for step in range(8)]

    assert rates == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.4, 0.4, 0.04, 0.04])


def test_a_warm_up_keeps_what_its_schedule_has_learned():
    plateau = Plateau(0.01, patience=1, drops=0)
    schedule = schedules.Warmup(plateau, 2)
    schedule.update(0.5)
    schedule.state.update(evaluations_since_best=7)
    schedule.restart_patience()
    assert plateau.state["evaluations_since_best"] == 0

    schedule.update(0.5)

    assert schedule.finished
    assert schedule.state is plateau.state


def test_cosine_goes_down_along_half_a_period():
    schedule = schedules.Cosine(0.2, total_steps=6)

    rates = [schedule.rate(step) for step in (0, 2, 3, 4, 6, 9)]

    # cos 0, 60, 90, 120 and 180 degrees: 1, 1/2, 0, -1/2 and -1.
    assert rates == pytest.approx([0.2, 0.15, 0.1, 0.05, 0.0, 0.0])
