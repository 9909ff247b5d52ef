"""Response normalization within a map, against the loop over windows."""

import keras
import numpy as np
import pytest
import references
import tensorflow as tf

from alexnet_tf.layers import WithinMapNormalization

IMPLEMENTATIONS = ["native", "compiled"]


def _activations(height=7, width=6, channels=3):
    return np.random.default_rng(0).normal(0, 20, (2, height, width, channels))


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
@pytest.mark.parametrize("size", [1, 3, 5])
@pytest.mark.parametrize("height", [1, 2, 9])
def test_matches_the_loop_over_windows(implementation, size, height):
    a = _activations(height)
    norm = WithinMapNormalization(
        size, 1.0, 0.01, 0.75, implementation=implementation
    )

    expected = references.within_map_norm(a, size, 1.0, 0.01, 0.75)

    np.testing.assert_allclose(norm(a.astype(np.float32)), expected, rtol=1e-5)


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_gradient_matches_finite_differences(implementation):
    a = _activations(4, 5, 2)
    upstream = np.random.default_rng(1).normal(0, 1, a.shape)
    norm = WithinMapNormalization(alpha=0.01, implementation=implementation)
    x = tf.constant(a, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(x)
        total = tf.reduce_sum(norm(x) * upstream.astype(np.float32))
    gradient = tape.gradient(total, x).numpy()

    expected = np.empty_like(a)
    for place in np.ndindex(a.shape):
        sides = []
        for shift in (1e-5, -1e-5):
            moved = a.copy()
            moved[place] += shift
            b = references.within_map_norm(moved, 5, 1.0, 0.01, 0.75)
            sides.append(np.sum(b * upstream))
        expected[place] = (sides[0] - sides[1]) / 2e-5
    scale = abs(expected).max()
    np.testing.assert_allclose(gradient, expected, atol=1e-4 * scale)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_computed_in_float32(dtype):
    # 300 squared is more than float16 holds.
    a = tf.cast(tf.fill((1, 6, 6, 2), 300.0), dtype)

    b = WithinMapNormalization(dtype=dtype)(a)

    assert b.dtype == dtype
    expected = references.within_map_norm(
        np.full((1, 6, 6, 2), 300.0), 5, 1.0, 4e-5, 0.75
    )
    np.testing.assert_allclose(tf.cast(b, tf.float32), expected, rtol=1e-2)


def test_model_with_the_layer_is_saved_and_loaded(tmp_path):
    images = keras.Input((6, 6, 2))
    model = keras.Model(images, WithinMapNormalization(3, 2.0, 0.1)(images))
    model.save(tmp_path / "model.keras")

    loaded = keras.models.load_model(tmp_path / "model.keras")

    a = _activations(6, 6, 2).astype(np.float32)
    np.testing.assert_array_equal(loaded(a), model(a))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"size": 4}, "size must be odd"),
        ({"implementation": "fast"}, "implementation must be"),
    ],
)
def test_refuses_impossible_arguments(arguments, words):
    with pytest.raises(ValueError, match=words):
        WithinMapNormalization(**arguments)
