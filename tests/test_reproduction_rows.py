"""The table of experiments, and whose turn it is."""

import importlib
import re

import pytest

from alexnet_tf.reproduction import rows
from configs import reproduce

ROWS = {row.name: row for row in reproduce.ROWS}


def make_row(name, priority=1, **fields):
    return rows.Row(name, "a claim", "a.py", "data", priority, 1.0, **fields)


def names_of(table, results):
    return [run.name for run in rows.runs_in_order(table, results)]


def test_priority_comes_first_and_seeds_take_turns():
    table = [
        make_row("late", 2),
        make_row("a", seeds=(0, 1)),
        make_row("b", seeds=(0, 1)),
    ]

    assert names_of(table, {}) == [
        *("a-seed0", "b-seed0", "a-seed1", "b-seed1", "late-seed0")
    ]


def test_a_search_goes_up_until_a_higher_value_is_worse():
    search = make_row("rate", search="x", values=(1, 2, 4, 8), seeds=(5,))
    user = make_row("user", 2, takes="rate", changes={"y": 3})
    errors = {1: 0.5, 2: 0.3, 4: 0.4}
    results = {}

    for value, error in errors.items():
        found = names_of([search, user], results)
        assert found[-1] == f"rate-{value}"
        assert rows.best_value(search, results) is None
        assert rows.waiting_rows([search, user], results) == [(user, "rate")]
        results[f"rate-{value}"] = {"held_out_top1_error": error}

    assert rows.best_value(search, results) == 2
    runs = rows.runs_in_order([search, user], results)
    assert [run.name for run in runs][-1] == "user-seed0"
    assert "rate-8" not in [run.name for run in runs]
    assert runs[-1].changes == {"y": 3, "x": 2, "training.seed": 0}
    assert runs[0].changes == {"x": 1, "training.seed": 5}


def test_a_search_ends_with_its_last_value():
    search = make_row("rate", search="x", values=(1, 2), measure="train")
    results = {
        f"rate-{value}": {"train_top1_error": 1 / value} for value in (1, 2)
    }

    assert rows.best_value(search, results) == 2


def test_rows_wait_for_the_runs_that_they_need():
    table = [
        make_row("one", seeds=(0, 1)),
        make_row("begun", seeds=(0, 1), begins_with="one"),
        make_row("mean", averages="one"),
    ]
    first = {"one-seed0": {}}

    assert names_of(table, {}) == ["one-seed0", "one-seed1"]
    assert [pair[1] for pair in rows.waiting_rows(table, {})] == ["one", "one"]
    assert names_of(table, first) == ["one-seed0", "begun-seed0", "one-seed1"]
    both = {**first, "one-seed1": {}}
    assert {"begun-seed1", "mean-seed0"} < set(names_of(table, both))
    (mean,) = (r for r in rows.runs_in_order(table, both) if r.row.averages)
    assert rows.needs(mean, table) == {"one-seed0", "one-seed1"}


def config_of(row):
    """Returns the config that a row's first run has."""
    module = row.config.removesuffix(".py").replace("/", ".")
    config = importlib.import_module(module).get_config()
    changes = dict(row.changes)
    if row.search:
        changes[row.search] = row.values[0]
    for field, value in changes.items():
        *front, last = field.split(".")
        section = getattr(config, front[0]) if front else config
        assert isinstance(value, type(getattr(section, last))), field
        setattr(section, last, value)
    return config


@pytest.mark.parametrize("row", reproduce.ROWS, ids=lambda row: row.name)
def test_every_row_is_an_experiment(row):
    config = config_of(row)

    config.validate()
    # A half of the classes is trained on with the settings of all.
    whole = re.sub("tiny_(first|last)50", "tiny_imagenet", row.data)
    assert config.data.directory == f"data/{whole}"
    assert config.precision == "float32"
    assert len(set(row.seeds)) == len(row.seeds)
    if row.search:
        assert list(row.values) == sorted(row.values)
        # Chosen on training images only.
        assert row.measure == "train" or config.data.held_out_fraction
    for other in filter(None, (row.begins_with, row.averages)):
        assert ROWS[other].priority <= row.priority
        assert row.averages or set(row.seeds) <= set(ROWS[other].seeds)
    if row.takes:
        assert ROWS[row.takes].search
        assert ROWS[row.takes].priority < row.priority


def test_tier_a_comes_in_the_order_of_the_issue():
    first = [run.name for run in rows.runs_in_order(reproduce.ROWS, {})]

    assert first[:9] == [
        *(f"cifar13-seed{seed}" for seed in range(3)),
        "cifar11-seed0",
        *(f"cifar13_lrn-seed{seed}" for seed in range(3)),
        "figure1_relu_rate-0.001",
        "figure1_tanh_rate-0.001",
    ]
    tiny = [row for row in reproduce.TIER_A if row.takes == "tiny_rate"]
    assert len(tiny) == 8
    assert {row.seeds for row in tiny} == {(0, 1, 2, 3, 4)}


def test_rows_bring_the_searches_that_they_need():
    found = rows.named(reproduce.ROWS, ["figure1_tanh"])

    assert [row.name for row in found] == ["figure1_tanh_rate", "figure1_tanh"]
    with pytest.raises(ValueError, match="rows must be among.*Received: x"):
        rows.named(reproduce.ROWS, ["x"])
