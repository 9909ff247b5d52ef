"""Convolution with unshared kernels, against the loop over places."""

import keras
import numpy as np
import pytest
import references
import tensorflow as tf

from alexnet_tf.layers import LocallyConnected2D


def _maps(channels=3):
    rng = np.random.default_rng(0)
    return rng.normal(0, 1, (2, 5, 6, channels)).astype(np.float32)


def _layer(*arguments, **keywords):
    """A layer with biases that differ."""
    return LocallyConnected2D(
        *arguments,
        kernel_initializer=keras.initializers.RandomNormal(seed=1),
        bias_initializer=keras.initializers.RandomNormal(seed=2),
        **keywords,
    )


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("padding", [0, 1])
def test_matches_the_loop_over_places(size, padding):
    layer = _layer(4, size, padding)
    outputs = layer(_maps())

    kernel, bias = (w.astype(float) for w in layer.get_weights())
    expected = references.unshared_convolution(
        _maps().astype(float), kernel, bias, size, padding
    )
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-5)


def test_gradients_match_finite_differences():
    layer = _layer(2, 3, 1)
    maps = tf.constant(_maps())
    upstream = np.random.default_rng(1).normal(0, 1, (2, 5, 6, 2))
    with tf.GradientTape() as tape:
        tape.watch(maps)
        total = tf.reduce_sum(layer(maps) * upstream.astype(np.float32))
    found = tape.gradient(total, [maps, *layer.trainable_variables])

    values = [_maps(), *layer.get_weights()]
    values = [value.astype(float) for value in values]
    for which, gradient in enumerate(found):
        direction = np.random.default_rng(2).normal(0, 1, gradient.shape)
        sides = []
        for shift in (1e-4, -1e-4):
            moved = list(values)
            moved[which] = values[which] + shift * direction
            b = references.unshared_convolution(*moved, 3, 1)
            sides.append(np.sum(b * upstream))
        slope = (sides[0] - sides[1]) / 2e-4
        assert np.sum(direction * gradient.numpy()) == pytest.approx(
            slope, rel=1e-3, abs=1e-3
        )


def test_groups_apart_match_groups_together():
    together = _layer(4, 3, 1, groups=2)
    both = together(_maps(6))
    apart = LocallyConnected2D(4, 3, 1, groups=2, devices=("CPU:0", "CPU:1"))
    halves = list(tf.split(_maps(6), 2, axis=-1))
    apart(halves)
    kernel, bias = together.get_weights()
    for part in range(2):
        own = slice(2 * part, 2 * part + 2)
        apart.kernels[part].assign(kernel[..., own])
        apart.biases[part].assign(bias[..., own])

    np.testing.assert_allclose(
        tf.concat(apart(halves), axis=-1), both, rtol=1e-5, atol=1e-6
    )
    assert "CPU:1" in apart.kernels[1].value.device


def test_model_with_the_layer_is_saved_and_loaded(tmp_path):
    images = keras.Input((5, 6, 3))
    model = keras.Model(images, _layer(4, 3, 1, activation="relu")(images))
    model.save(tmp_path / "model.keras")
    model.export(tmp_path / "saved", verbose=False)

    loaded = keras.models.load_model(tmp_path / "model.keras")
    served = tf.saved_model.load(tmp_path / "saved")

    np.testing.assert_array_equal(loaded(_maps()), model(_maps()))
    np.testing.assert_allclose(served.serve(_maps()), model(_maps()), rtol=1e-6)


def test_refuses_channels_that_do_not_divide():
    with pytest.raises(ValueError, match="Channels must divide evenly"):
        LocallyConnected2D(4, 3, groups=2)(_maps())
