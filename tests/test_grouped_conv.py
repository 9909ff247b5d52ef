"""Grouped convolution against Keras's own, and on two devices."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from references import convolution

from alexnet_tf.layers import GroupedConv2D


def _images(channels=6):
    return np.random.default_rng(0).normal(size=(2, 7, 8, channels))


def test_matches_the_convolution_of_keras():
    images = _images().astype(np.float32)
    theirs = keras.layers.Conv2D(
        8, 3, padding="same", groups=2, bias_initializer="normal"
    )
    expected = theirs(images)

    ours = GroupedConv2D(8, 3, padding="same")
    ours.build(images.shape)
    ours.set_weights(theirs.get_weights())

    np.testing.assert_allclose(ours(images), expected, atol=1e-5)


def test_gradients_match_keras():
    images = tf.constant(_images(), tf.float32)
    theirs = keras.layers.Conv2D(8, 3, padding="same", groups=2)
    ours = GroupedConv2D(8, 3, padding="same")
    theirs.build(images.shape)
    ours.build(images.shape)
    ours.set_weights(theirs.get_weights())

    @tf.function
    def gradients(layer):
        with tf.GradientTape() as tape:
            tape.watch(images)
            loss = tf.reduce_sum(tf.square(layer(images)))
        return tape.gradient(loss, [images, *layer.trainable_variables])

    for a, b in zip(gradients(ours), gradients(theirs), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)


def test_matches_the_loop_over_windows():
    images = _images()
    layer = GroupedConv2D(4, 3, strides=2, padding=(0, 3), groups=2)
    layer.build(images.shape)
    kernel, bias = (
        np.random.default_rng(1).normal(size=w.shape) for w in layer.weights
    )
    layer.set_weights([kernel, bias])

    outputs = layer(images.astype(np.float32))

    first = convolution(images[..., :3], kernel[..., :2], bias[:2], 2, (0, 3))
    second = convolution(images[..., 3:], kernel[..., 2:], bias[2:], 2, (0, 3))
    expected = np.concatenate([first, second], axis=-1)
    np.testing.assert_allclose(outputs, expected, atol=1e-5)


def test_groups_on_two_devices_match_one():
    images = _images().astype(np.float32)
    one = GroupedConv2D(8, 3)
    expected = one(images)
    two = GroupedConv2D(8, 3, devices=("CPU:0", "CPU:1"))
    two.build(images.shape)

    kernel, bias = one.get_weights()
    for group in range(2):
        half = slice(4 * group, 4 * group + 4)
        two.kernels[group].assign(kernel[..., half])
        two.biases[group].assign(bias[half])

    np.testing.assert_allclose(two(images), expected, atol=1e-6)
    assert [k.value.device[-5:] for k in two.kernels] == ["CPU:0", "CPU:1"]


def test_a_list_of_towers_stays_apart():
    images = tf.constant(_images(), tf.float32)
    layer = GroupedConv2D(8, 3)

    whole = layer(images)
    parts = layer(tf.split(images, 2, axis=-1))

    assert len(parts) == 2
    np.testing.assert_allclose(tf.concat(parts, -1), whole, atol=1e-6)


def test_a_list_of_towers_has_kernels_of_its_channels():
    # Rows, columns and channels all differ.
    layer = GroupedConv2D(8, 3)
    layer.build([(2, 7, 9, 5)] * 2)

    assert layer.kernels[0].shape[-2] == 5


def test_model_with_the_layer_is_saved_and_loaded(tmp_path):
    inputs = keras.Input((7, 8, 6))
    outputs = GroupedConv2D(8, 3, padding=(1, 2), activation="relu")(inputs)
    model = keras.Model(inputs, outputs)

    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")

    images = _images().astype(np.float32)
    np.testing.assert_array_equal(again(images), model(images))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"filters": 5}, "filters must divide evenly into groups"),
        ({"filters": 4, "groups": 0}, "divide evenly into groups"),
        ({"filters": 4, "devices": ("CPU:0",)}, "one device for each group"),
    ],
)
def test_refuses_impossible_arguments(arguments, words):
    with pytest.raises(ValueError, match=words):
        GroupedConv2D(kernel_size=3, **arguments)


def test_refuses_channels_that_do_not_divide():
    with pytest.raises(ValueError, match="Channels must divide evenly"):
        GroupedConv2D(4, 3).build((None, 7, 7, 5))


@pytest.mark.parametrize("padding", [(0, 0), (1, 1), (2, 2), (0, 3), (1, 2)])
@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("kernel_size", [3, (3, 5)])
def test_every_padding_matches_the_loop_over_windows(
    padding, strides, kernel_size
):
    images = _images()
    layer = GroupedConv2D(4, kernel_size, strides, padding, groups=1)
    layer.build(images.shape)
    kernel, bias = (
        np.random.default_rng(1).normal(size=w.shape) for w in layer.weights
    )
    layer.set_weights([kernel, bias])

    outputs = layer(images.astype(np.float32))

    expected = convolution(images, kernel, bias, strides, padding)
    np.testing.assert_allclose(outputs, expected, atol=1e-5)
