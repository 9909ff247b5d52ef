"""Every record once an epoch, from any step."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from input_pipeline.shuffle import ShuffledOrder


@settings(max_examples=50, deadline=None)
@given(
    num_records=st.integers(1, 60),
    batch_size=st.integers(1, 80),
    seed=st.integers(0, 2**63),
)
def test_every_record_comes_once_an_epoch(num_records, batch_size, seed):
    order = ShuffledOrder(num_records, batch_size, seed)
    steps = 3 * num_records // batch_size + 1

    stream = np.concatenate([order.positions(s) for s in range(steps)])

    for epoch in range(len(stream) // num_records):
        whole = stream[epoch * num_records : (epoch + 1) * num_records]
        np.testing.assert_array_equal(np.sort(whole), np.arange(num_records))


def test_a_run_can_begin_anywhere():
    through = ShuffledOrder(10, 4, seed=3)
    expected = [through.positions(step) for step in range(12)]

    for step in (11, 0, 7):
        fresh = ShuffledOrder(10, 4, seed=3)
        np.testing.assert_array_equal(fresh.positions(step), expected[step])


def test_an_early_epoch_can_be_asked_for_after_late_ones():
    order = ShuffledOrder(4, 4, seed=3)
    first = order.positions(0)
    for step in range(1, 9):
        order.positions(step)

    np.testing.assert_array_equal(order.positions(0), first)
    # Three orders of 8 bytes a record: 31 MB for ILSVRC-2012.
    assert len(order._epochs) == 3


def test_epochs_and_seeds_have_different_orders():
    order, other = ShuffledOrder(50, 50, seed=1), ShuffledOrder(50, 50, seed=2)

    assert not np.array_equal(order.positions(0), order.positions(1))
    assert not np.array_equal(order.positions(0), other.positions(0))


def test_places_are_even():
    first = [ShuffledOrder(4, 4, seed=s).positions(0)[0] for s in range(2000)]

    # 500 each; five standard deviations are 97.
    assert np.abs(np.bincount(first) - 500).max() < 100


def test_refuses_an_empty_split():
    with pytest.raises(ValueError, match="must have records"):
        ShuffledOrder(0, 4, seed=0)


def test_negative_seeds_have_different_orders():
    one, other = (ShuffledOrder(50, 50, seed).positions(0) for seed in (-1, -2))

    assert not np.array_equal(one, other)


@pytest.mark.parametrize("seed", [-1, 7, 2**40 + 7, 2**64 + 7])
def test_the_order_is_philoxs_of_seed_and_epoch(seed):
    order = ShuffledOrder(50, 50, seed)

    # Any integer is a seed; the key has 64 bits of it.
    for epoch in range(2):
        key = np.array([seed & (2**64 - 1), epoch], np.uint64)
        numbers = np.random.Philox(key=key).random_raw(50)
        expected = sorted(range(50), key=lambda i, n=numbers: n[i])
        np.testing.assert_array_equal(order.positions(epoch), expected)
