"""Binary codes and Hamming neighbours."""

import numpy as np
import pytest

from alexnet_tf.analysis import binary_codes, features


def test_hamming_neighbours_are_those_of_two_loops(monkeypatch):
    monkeypatch.setattr(binary_codes, "_BLOCK", 7)
    rng = np.random.default_rng(0)
    # Few different codes, so that there are ties.
    base = rng.integers(0, 4, (40, 2), dtype=np.uint8)
    queries = rng.integers(0, 256, (5, 2), dtype=np.uint8)
    away = [
        [
            sum(bin(int(a) ^ int(b)).count("1") for a, b in zip(q, r, strict=1))
            for r in base
        ]
        for q in queries
    ]
    expected = np.argsort(away, axis=1, kind="stable")[:, :6]

    places, bits = binary_codes.nearest(queries, base, 6)

    np.testing.assert_array_equal(places, expected)
    np.testing.assert_array_equal(
        bits, np.take_along_axis(np.array(away), expected, axis=1)
    )


def test_codes_find_the_neighbours_of_clusters():
    rng = np.random.default_rng(0)
    centres = rng.normal(0, 3, (20, 64))
    labels = np.repeat(np.arange(20), 30)
    rows = (centres[labels] + rng.normal(0, 0.5, (600, 64))).astype(np.float32)

    packed = binary_codes.train(rows, bits=32, epochs=15, seed=0)(rows)

    assert packed.shape == (600, 4)
    assert packed.dtype == np.uint8
    found, _ = binary_codes.nearest(packed, packed, 10)
    # By chance one in twenty.
    assert np.mean(labels[found] == labels[:, np.newaxis]) > 0.9
    true, _ = features.nearest(rows, rows, 10)
    # By chance ten of 600; within the cluster one in three.
    assert binary_codes.recall(found, true) > 0.33


def test_the_same_seed_makes_the_same_codes():
    rows = np.random.default_rng(0).normal(size=(64, 16)).astype(np.float32)

    one, two = (
        binary_codes.train(rows, 8, 2, 16, seed=3)(rows) for _ in range(2)
    )

    np.testing.assert_array_equal(one, two)


def test_recall_is_the_share_of_the_true_ones():
    assert binary_codes.recall([[1, 2, 3], [4, 5, 6]], [[3, 9], [4, 5]]) == 0.75


def test_refuses_odd_bits_and_too_many_neighbours():
    rows = np.zeros((4, 8), np.float32)
    with pytest.raises(ValueError, match="multiple of 8.*bits=12"):
        binary_codes.train(rows, bits=12)
    with pytest.raises(ValueError, match="as many rows"):
        binary_codes.nearest(
            np.zeros((1, 2), np.uint8), np.zeros((3, 2), np.uint8), 4
        )
