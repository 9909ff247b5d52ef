"""Whole networks against the equations of the paper and the program."""

import narrow
import numpy as np
import pytest
import references
import tensorflow as tf

import alexnet_tf
from alexnet_tf import networks
from alexnet_tf.weights import assign


@pytest.mark.parametrize("name", ["PAPER", "ORIGINAL_2012"])
@pytest.mark.parametrize("portable", [False, True])
def test_every_layer_matches_the_equations(name, portable):
    network = narrow.shrink(networks.named(name))
    model = alexnet_tf.build(
        network, 5, image_size=67, native_ops_only=portable
    )
    images = np.random.default_rng(0).normal(0, 50, (2, 67, 67, 3))
    arrays = {k: v.astype(float) for k, v in assign.to_arrays(model).items()}

    expected = _FORWARD[name](images, arrays)

    np.testing.assert_allclose(
        model(images.astype(np.float32)), expected, rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("name", ["PAPER", "ORIGINAL_2012"])
def test_gradients_match_finite_differences_of_the_equations(name):
    network = narrow.shrink(networks.named(name))
    model = alexnet_tf.build(network, 5, image_size=67)
    rng = np.random.default_rng(1)
    images = rng.normal(0, 50, (2, 67, 67, 3))
    arrays = {k: v.astype(float) for k, v in assign.to_arrays(model).items()}
    weights = rng.normal(0, 1, (2, 5))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(weights * tf.cast(model(images), tf.float64))
    gradients = tape.gradient(loss, model.trainable_variables)

    for variable, gradient in zip(
        model.trainable_variables, gradients, strict=True
    ):
        name_of_array = variable.path
        direction = rng.normal(0, 1, variable.shape)
        sides = []
        for shift in (1e-6, -1e-6):
            moved = arrays[name_of_array] + shift * direction
            logits = _FORWARD[name](images, {**arrays, name_of_array: moved})
            sides.append(np.sum(weights * logits))
        slope = (sides[0] - sides[1]) / 2e-6
        found = np.sum(direction * gradient.numpy())
        size = np.linalg.norm(direction) * np.linalg.norm(gradient)
        assert size > 0, name_of_array
        assert found == pytest.approx(slope, abs=1e-4 * size), name_of_array


def _conv(maps, w, name, groups, strides=1, padding=(1, 1)):
    """A convolution of each group of maps, by the loop over windows."""
    kernels = np.split(w[f"{name}/kernel"], groups, axis=-1)
    biases = np.split(w[f"{name}/bias"], groups)
    parts = np.split(maps, groups, axis=-1) if groups > 1 else [maps]
    return np.concatenate(
        [
            references.convolution(x, k, b, strides, padding)
            for x, k, b in zip(parts, kernels, biases, strict=True)
        ],
        axis=-1,
    )


def _norm(maps, alpha):
    """§3.3 within each of two towers."""
    return np.concatenate(
        [
            references.equation_3_3(x, n=5, k=2.0, alpha=alpha, beta=0.75)
            for x in np.split(maps, 2, axis=-1)
        ],
        axis=-1,
    )


def _rectify(x):
    return np.maximum(x, 0)


def _pool(maps):
    return references.max_pool(maps, 3, 2)


def _top(maps, w):
    """The dense layers at test: all neurons are there, and count half."""
    x = maps.reshape(len(maps), -1)
    for name in ("fc6", "fc7"):
        x = 0.5 * _rectify(x @ w[f"{name}/kernel"] + w[f"{name}/bias"])
    return x @ w["fc8/kernel"] + w["fc8/bias"]


def _paper(images, w):
    maps = _rectify(_conv(images, w, "conv1", 1, 4, (0, 3)))
    maps = _pool(_norm(maps, 0.01))
    maps = _rectify(_conv(maps, w, "conv2", 2, padding=(2, 2)))
    maps = _pool(_norm(maps, 0.01))
    maps = _rectify(_conv(maps, w, "conv3", 1))
    maps = _rectify(_conv(maps, w, "conv4", 2))
    maps = _rectify(_conv(maps, w, "conv5", 2))
    return _top(_pool(maps), w)


def _original(images, w):
    maps = _norm(_conv(images, w, "conv1", 1, 4, (0, 3)), 0.01)
    maps = _rectify(_pool(maps))
    maps = _rectify(_conv(maps, w, "conv2", 2, padding=(2, 2)))
    maps = references.within_map_norm(_norm(maps, 0.01), 5, 1.0, 4e-5, 0.75)
    maps = _rectify(_conv(_pool(maps), w, "conv3", 1))
    maps = _rectify(_conv(maps, w, "conv4", 2))
    return _top(_rectify(_pool(_conv(maps, w, "conv5", 2))), w)


_FORWARD = {"PAPER": _paper, "ORIGINAL_2012": _original}
