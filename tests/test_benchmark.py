"""Turns are taken fairly, and what fails says so."""

import itertools

import pytest

from tools.benchmark import workers


def make_counter(images):
    """A competitor that does `images` a turn, at once."""
    return lambda: int(images)


def make_failure():
    """A competitor that cannot be made."""
    raise ImportError("not installed")


def _competitor(name, function, *arguments):
    return {
        "name": name,
        "function": f"test_benchmark:{function}",
        "arguments": arguments,
        "environment": {"PYTHONPATH": "tests"},
    }


def test_medians_and_ratios_by_hand(monkeypatch):
    speeds = {"a": [10.0, 30.0, 20.0], "b": [5.0, 60.0, 30.0]}

    class Worker:
        def __init__(self, competitor):
            self.name = competitor["name"]
            self.speeds = itertools.chain(speeds[self.name])

        def wait_until_warm(self):
            pass

        def measure(self):
            return next(self.speeds)

        def close(self):
            pass

    monkeypatch.setattr(workers, "_Worker", Worker)

    first, second = workers.compete([{"name": "a"}, {"name": "b"}], 3)

    assert (first["images_per_second"], first["ratio"]) == (20.0, 1.0)
    # Round by round: 0.5, 2 and 1.5.
    assert (second["images_per_second"], second["ratio"]) == (30.0, 1.5)


def test_competitors_work_in_processes_of_their_own():
    results = workers.compete(
        [
            _competitor("few", "make_counter", "1"),
            _competitor("many", "make_counter", "1000000000"),
        ],
        3,
    )

    assert results[0]["ratio"] == 1.0
    assert len(results[1]["rounds"]) == 3
    assert results[1]["ratio"] > 1000


def test_a_competitor_that_cannot_start_is_named():
    with pytest.raises(ValueError, match="The competitor lost must answer"):
        workers.compete([_competitor("lost", "make_failure")], 1)
