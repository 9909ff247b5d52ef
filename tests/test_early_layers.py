"""Layers of the authors' networks before the paper's, against their loops."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from alexnet_tf import layers


def test_low_resolution_is_blur_and_every_fourth_pixel():
    rng = np.random.default_rng(0)
    images = rng.normal(size=(2, 14, 14, 3)).astype(np.float32)

    thinned = layers.LowResolution(5, 1.5, 4)(images).numpy()

    taps = np.exp(-(np.arange(-2, 3) ** 2) / (2 * 1.5**2))
    taps /= taps.sum()
    padded = np.pad(images, ((0, 0), (2, 2), (2, 2), (0, 0)))
    # 14 = 3 * 4 + 2: of the four pixels kept, the first is pixel 1.
    for row in range(4):
        for column in range(4):
            y, x = 1 + 4 * row, 1 + 4 * column
            window = padded[:, y : y + 5, x : x + 5]
            expected = np.einsum("nyxc,y,x->nc", window, taps, taps)
            np.testing.assert_allclose(
                thinned[:, row, column], expected, rtol=1e-5, atol=1e-6
            )
    assert thinned.shape == (2, 4, 4, 3)


def test_224_pixels_leave_56_from_the_third_on():
    images = np.zeros((1, 224, 224, 1), np.float32)
    images[0, 2::4, 2::4] = 1

    thinned = layers.LowResolution(1, 1.0, 4)(images)

    np.testing.assert_array_equal(thinned, np.ones((1, 56, 56, 1)))


def test_contrast_norm_divides_by_the_variance_around():
    rng = np.random.default_rng(1)
    a = rng.normal(size=(1, 6, 5, 2)).astype(np.float32) + 3
    layer = layers.ContrastNormalization(3, 1.0, 0.2, 0.75)

    found = layer(a).numpy()

    def around(values, y, x):
        return values[0, max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2]

    places = [(y, x) for y in range(6) for x in range(5)]
    differences = np.zeros_like(a)
    for y, x in places:
        differences[0, y, x] = a[0, y, x] - around(a, y, x).mean((0, 1))
    for y, x in places:
        energy = (around(differences, y, x) ** 2).sum((0, 1))
        np.testing.assert_allclose(
            found[0, y, x], a[0, y, x] / (1 + 0.2 * energy) ** 0.75, rtol=1e-5
        )


def test_contrast_norm_takes_the_mean_for_a_constant_in_its_gradient():
    rng = np.random.default_rng(2)
    a = tf.constant(rng.normal(size=(1, 4, 4, 1)).astype(np.float32))
    upstream = rng.normal(size=(1, 4, 4, 1)).astype(np.float32)
    layer = layers.ContrastNormalization(3, 1.0, 0.3, 0.75)
    mean = tf.nn.avg_pool2d(a, 3, 1, "SAME").numpy()

    with tf.GradientTape() as tape:
        tape.watch(a)
        loss = tf.reduce_sum(layer(a) * upstream)
    found = tape.gradient(loss, a).numpy()[0, :, :, 0]

    def value(x):
        squares = np.pad(((x - mean) ** 2)[0, :, :, 0], 1)
        energy = sum(
            squares[i : i + 4, j : j + 4] for i in range(3) for j in range(3)
        )
        return np.sum(
            upstream[0, :, :, 0] * x[0, :, :, 0] / (1 + 0.3 * energy) ** 0.75
        )

    start = a.numpy().astype(np.float64)
    for y, x in [(0, 0), (1, 2), (3, 1)]:
        step = np.zeros((1, 4, 4, 1))
        step[0, y, x, 0] = 1e-5
        slope = (value(start + step) - value(start - step)) / 2e-5
        assert found[y, x] == pytest.approx(slope, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("groups", [1, 2])
def test_side_convolution_adds_a_plain_one(groups):
    rng = np.random.default_rng(3)
    inputs = rng.normal(size=(2, 6, 6, 4)).astype(np.float32)
    side = rng.normal(size=(2, 14, 14, 3)).astype(np.float32)
    layer = layers.SideConv2D(
        4, 3, 1, (1, 1), groups, activation="relu", bias_initializer="ones"
    )

    found = layer(inputs, side)

    kernel, side_kernel = layer.kernels[0], layer.side_kernels[0]
    assert side_kernel.shape == (5, 5, 3, 4)
    parts = [
        tf.nn.conv2d(x, k, 1, "SAME")
        for x, k in zip(
            tf.split(inputs, groups, axis=-1),
            tf.split(kernel, groups, axis=-1),
            strict=True,
        )
    ]
    padded = np.pad(side, ((0, 0), (0, 1), (0, 1), (0, 0)))
    added = tf.nn.conv2d(padded, side_kernel, 2, "VALID")
    expected = tf.nn.relu(tf.concat(parts, -1) + added + 1.0)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_selected_towers_are_the_same_apart_and_together():
    rng = np.random.default_rng(4)
    towers = [rng.normal(size=(1, 2, 2, 3)).astype("float32") for _ in range(4)]
    reads = ((0, 1), (0, 1), (2, 3), (3, 2))

    apart = layers.SelectTowers(reads, 4)(towers)
    together = layers.SelectTowers(reads, 4)(tf.concat(towers, -1))

    np.testing.assert_array_equal(tf.concat(apart, -1), together)
    np.testing.assert_array_equal(
        apart[3], np.concatenate([towers[3], towers[2]], -1)
    )


def test_random_groups_deal_out_each_towers_channels():
    reads = ((0, 1), (0, 1))

    found = layers.random_groups(reads, channels=6, groups=3, seed=1)

    assert found == layers.random_groups(reads, channels=6, groups=3, seed=1)
    assert found != layers.random_groups(reads, channels=6, groups=3, seed=2)
    readers = np.reshape(found, (2, 3, 2, 2))  # reader, group, tower, channel
    for reader in readers:
        for tower, first in enumerate((0, 6)):
            dealt = sorted(reader[:, tower].ravel())
            assert dealt == list(range(first, first + 6))
    with pytest.raises(ValueError, match="divide evenly"):
        layers.random_groups(reads, channels=6, groups=4, seed=1)


def test_early_layers_come_back_from_a_file(tmp_path):
    images = keras.Input((16, 16, 3))
    maps = layers.GroupedConv2D(8, 3, 4, (0, 0), 1)(images)
    side = layers.LowResolution(3, 1.0, 2)(images)
    maps = layers.SideConv2D(
        8, 3, 1, (1, 1), 2, side_kernel_size=2, side_padding=(0, 0)
    )(maps, side)
    maps = layers.ContrastNormalization(3)(maps)
    maps = layers.SelectTowers(((1,), (0,)), 2)(maps)
    maps = layers.GatherChannels([7, 6, 0, 0])(maps)
    model = keras.Model(images, maps)
    model.save(tmp_path / "model.keras")

    again = keras.models.load_model(tmp_path / "model.keras")

    batch = np.random.default_rng(5).normal(size=(2, 16, 16, 3))
    np.testing.assert_array_equal(model(batch), again(batch))


@pytest.mark.parametrize("changes", [{"blur_size": 4}, {"step": 0}])
def test_impossible_low_resolution_is_refused(changes):
    with pytest.raises(ValueError, match="blur_size must be odd"):
        layers.LowResolution(**changes)
