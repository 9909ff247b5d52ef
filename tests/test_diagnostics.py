"""Warnings: said once, where there is cause."""

import math

import pytest

from alexnet_tf.training import diagnostics


@pytest.fixture
def warnings(monkeypatch):
    said = []
    monkeypatch.setattr(
        diagnostics.logging,
        "warning",
        lambda form, *words: said.append(form % words),
    )
    return said


def test_says_once_that_nothing_is_learned(warnings):
    check = diagnostics.Diagnostics(10, patience_steps=100).check
    check(99, {"loss": math.log(10)})
    assert not warnings
    check(100, {"loss": math.log(10)})
    check(200, {"loss": math.log(10)})

    assert len(warnings) == 1
    assert "four usual causes" in warnings[0]


def test_says_nothing_where_something_is_learned(warnings):
    diagnostics.Diagnostics(10, patience_steps=100).check(100, {"loss": 2.0})
    assert not warnings


def test_says_once_that_it_waits_for_images(warnings):
    check = diagnostics.Diagnostics(10).check
    for step in range(1, 6):
        check(step, {"loss": 1.0, "waiting_share": 0.4})

    assert len(warnings) == 1
    assert "40%" in warnings[0]
