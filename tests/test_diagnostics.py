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
    look = diagnostics.Watch(10, patience_steps=100).look
    look(99, {"loss": math.log(10)})
    assert not warnings
    look(100, {"loss": math.log(10)})
    look(200, {"loss": math.log(10)})

    assert len(warnings) == 1
    assert "four usual causes" in warnings[0]


def test_says_nothing_where_something_is_learned(warnings):
    diagnostics.Watch(10, patience_steps=100).look(100, {"loss": 2.0})
    assert not warnings


def test_says_once_that_it_waits_for_images(warnings):
    look = diagnostics.Watch(10).look
    for step in range(1, 6):
        look(step, {"loss": 1.0, "waiting_share": 0.4})

    assert len(warnings) == 1
    assert "40%" in warnings[0]
