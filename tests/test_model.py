"""The network against the paper's numbers, NumPy, and itself in two parts."""

import keras
import numpy as np
import pytest
import references
import tensorflow as tf

import alexnet_tf
from alexnet_tf import networks, weights
from alexnet_tf.model import devices_of

# Kernels times their inputs, and biases: arithmetic of §3.5.
PARAMETERS = {
    "conv1": 11 * 11 * 3 * 96 + 96,
    "conv2": 5 * 5 * 48 * 256 + 256,
    "conv3": 3 * 3 * 256 * 384 + 384,
    "conv4": 3 * 3 * 192 * 384 + 384,
    "conv5": 3 * 3 * 192 * 256 + 256,
    "fc6": 6 * 6 * 256 * 4096 + 4096,
    "fc7": 4096 * 4096 + 4096,
    "fc8": 4096 * 1000 + 1000,
}
MAPS = {
    "conv1": (55, 55, 96),
    "pool1": (27, 27, 96),
    "conv2": (27, 27, 256),
    "pool2": (13, 13, 256),
    "conv3": (13, 13, 384),
    "conv4": (13, 13, 384),
    "conv5": (13, 13, 256),
    "pool5": (6, 6, 256),
}
TOWERS = ("CPU:0", "CPU:1")

# The paper's layers on images small enough for loops.
SMALL = networks.Network(
    image_size=48,
    towers=2,
    layers=(
        networks.Conv("conv1", 8, 11, 4, (0, 3), bias=0.5, stddev=0.05),
        networks.Norm("norm1", alpha=0.01),
        networks.MaxPool("pool1"),
        networks.Conv("conv2", 12, 3, padding=1, bias=1.0, stddev="he"),
        networks.Conv(
            "conv3", 8, 3, padding=1, reads="all towers", stddev="he"
        ),
        networks.MaxPool("pool3", 2, 2),
        networks.Dense("fc6", 16, bias=1.0, stddev="he"),
        networks.Dropout("drop6"),
        networks.Dense("fc8", stddev=0.1),
    ),
)


@pytest.fixture(scope="module")
def model():
    return alexnet_tf.AlexNet()


@pytest.mark.parametrize("name", PARAMETERS)
def test_layer_has_the_papers_parameters(model, name):
    assert model.get_layer(name).count_params() == PARAMETERS[name]


def test_whole_network_has_sixty_million_parameters(model):
    assert model.count_params() == sum(PARAMETERS.values()) == 60_965_224


@pytest.mark.parametrize("name", MAPS)
def test_layer_has_the_papers_map(model, name):
    assert model.get_layer(name).output.shape[1:] == MAPS[name]


@pytest.mark.parametrize(
    ("name", "constant"),
    [("conv1", 0), ("conv2", 1), ("conv3", 0), ("conv4", 1), ("conv5", 1)]
    + [("fc6", 1), ("fc7", 1), ("fc8", 0)],
)
def test_biases_start_where_the_paper_says(model, name, constant):
    assert np.all(model.get_layer(name).get_weights()[1] == constant)


@pytest.mark.parametrize("name", PARAMETERS)
def test_weights_start_with_the_papers_deviation(model, name):
    kernel = model.get_layer(name).get_weights()[0]

    # Of n draws the deviation is off by 1 / sqrt(2 n); five times that.
    tolerance = 5 / np.sqrt(2 * kernel.size)
    assert kernel.std() == pytest.approx(0.01, rel=tolerance)
    assert abs(kernel.mean()) < 5 * 0.01 / np.sqrt(kernel.size)


def test_one_tower_has_the_parameters_most_tutorials_count():
    model = alexnet_tf.AlexNet(network=networks.ONE_TOWER)

    # original-source 7.2: conv2, conv4 and conv5 read twice the maps.
    assert model.count_params() == 62_378_344


def test_matches_the_paper_in_numpy():
    model = alexnet_tf.build(SMALL, 5)
    images = np.random.default_rng(0).normal(0, 50, (2, 48, 48, 3))
    w = {k: v.astype(float) for k, v in weights.to_arrays(model).items()}

    expected = _forward_in_numpy(images, w)

    logits = model(images.astype(np.float32))
    np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-4)


def _forward_in_numpy(images, w):
    """SMALL with its towers written out, at test time."""
    towers = []
    for tower in range(2):
        own = slice(4 * tower, 4 * tower + 4)
        maps = references.convolution(
            images,
            w["conv1/kernel"][..., own],
            w["conv1/bias"][own],
            4,
            (0, 3),
        )
        maps = references.equation_3_3(
            np.maximum(maps, 0), n=5, k=2.0, alpha=0.01, beta=0.75
        )
        maps = references.max_pool(maps, 3, 2)
        own = slice(6 * tower, 6 * tower + 6)
        maps = references.convolution(
            maps,
            w["conv2/kernel"][..., own],
            w["conv2/bias"][own],
            1,
            (1, 1),
        )
        towers.append(np.maximum(maps, 0))
    maps = references.convolution(
        np.concatenate(towers, axis=-1),
        w["conv3/kernel"],
        w["conv3/bias"],
        1,
        (1, 1),
    )
    maps = references.max_pool(np.maximum(maps, 0), 2, 2)
    flat = maps.reshape(len(maps), -1)
    hidden = np.maximum(flat @ w["fc6/kernel"] + w["fc6/bias"], 0)
    # §4.2: at test all neurons are there, and count half.
    return 0.5 * hidden @ w["fc8/kernel"] + w["fc8/bias"]


def test_towers_apart_match_towers_together():
    images = np.random.default_rng(0).normal(0, 50, (2, 48, 48, 3))
    together = alexnet_tf.build(SMALL, 5)
    apart = alexnet_tf.build(SMALL, 5, devices=TOWERS)

    np.testing.assert_allclose(
        apart(images.astype(np.float32)),
        together(images.astype(np.float32)),
        atol=1e-5,
    )
    assert [d[-5:] for d in devices_of(apart)] == list(TOWERS)


def test_weights_move_between_one_device_and_two():
    together = alexnet_tf.build(SMALL, 5, seed=1)
    apart = alexnet_tf.build(SMALL, 5, devices=TOWERS, seed=2)

    weights.from_arrays(apart, weights.to_arrays(together))

    moved, kept = weights.to_arrays(apart), weights.to_arrays(together)
    assert moved.keys() == kept.keys()
    for name in kept:
        np.testing.assert_array_equal(moved[name], kept[name])


def test_arrays_have_the_shapes_of_the_interface(model):
    shapes = weights.shapes(model)

    assert shapes["conv1/kernel"] == (11, 11, 3, 96)
    assert shapes["conv2/kernel"] == (5, 5, 48, 256)
    assert shapes["fc6/kernel"] == (9216, 4096)
    assert shapes["fc8/bias"] == (1000,)


def test_portable_network_gives_the_same_logits():
    images = np.random.default_rng(0).normal(0, 50, (2, 48, 48, 3))
    images = images.astype(np.float32)

    np.testing.assert_allclose(
        alexnet_tf.build(SMALL, 5, native_ops_only=True)(images),
        alexnet_tf.build(SMALL, 5)(images),
        atol=1e-5,
    )


@pytest.mark.parametrize("devices", [None, TOWERS])
def test_saved_model_is_loaded_on_any_devices(tmp_path, devices):
    images = np.random.default_rng(0).normal(0, 50, (2, 48, 48, 3))
    images = images.astype(np.float32)
    model = alexnet_tf.build(SMALL, 5, devices=devices)

    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")

    np.testing.assert_array_equal(again(images), model(images))


def test_features_are_the_rectified_outputs_of_a_layer():
    images = np.random.default_rng(0).normal(0, 50, (2, 48, 48, 3))
    images = images.astype(np.float32)
    model = alexnet_tf.build(SMALL, 5)
    apart = alexnet_tf.build(SMALL, 5, devices=TOWERS)

    features = alexnet_tf.feature_extractor(model, "fc6")(images).numpy()

    assert features.shape == (2, 16)
    assert features.min() >= 0
    same = alexnet_tf.feature_extractor(apart, "fc6")(images)
    np.testing.assert_allclose(same, features, rtol=1e-5)
    kernel, bias = model.get_layer("fc8").get_weights()
    logits = 0.5 * features @ kernel + bias
    np.testing.assert_allclose(model(images), logits, atol=1e-4)


def test_same_seed_same_weights_and_another_seed_others():
    first, same, other = (
        weights.to_arrays(alexnet_tf.build(SMALL, 5, seed=seed))
        for seed in (1, 1, 2)
    )

    np.testing.assert_array_equal(first["fc6/kernel"], same["fc6/kernel"])
    assert not np.array_equal(first["fc6/kernel"], other["fc6/kernel"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"num_classes": 0}, "num_classes must be 1 or more"),
        ({"devices": ("CPU:0",)}, "one device for each tower"),
        ({"image_size": 20}, "large enough for"),
    ],
)
def test_refuses_what_does_not_fit(arguments, words):
    with pytest.raises(ValueError, match=words):
        alexnet_tf.build(SMALL, **{"num_classes": 5, **arguments})


def test_refuses_arrays_of_another_network():
    model = alexnet_tf.build(SMALL, 5)
    arrays = weights.to_arrays(model)

    with pytest.raises(ValueError, match=r"fc8/kernel has shape \(16, 5\)"):
        weights.from_arrays(alexnet_tf.build(SMALL, 6), arrays)
    del arrays["conv1/bias"]
    with pytest.raises(ValueError, match=r"Missing: \['conv1/bias'\]"):
        weights.from_arrays(model, arrays)


def test_gradients_stay_on_their_towers_devices():
    model = alexnet_tf.build(SMALL, 5, devices=TOWERS)
    images = tf.zeros((2, 48, 48, 3))

    @tf.function
    def gradients():
        return tf.compat.v1.gradients(
            tf.reduce_sum(model(images, training=True)),
            [v.value for v in model.trainable_variables],
            colocate_gradients_with_ops=True,
        )

    graph = gradients.get_concrete_function().graph
    filters = [
        op
        for op in graph.get_operations()
        if op.type in ("Conv2D", "Conv2DBackpropFilter")
    ]
    by_device = {}
    for op in filters:
        by_device.setdefault((op.type, op.device[-5:]), []).append(op.name)
    # Three convolutions a tower, forward and backward.
    assert {key: len(names) for key, names in by_device.items()} == {
        ("Conv2D", "CPU:0"): 3,
        ("Conv2D", "CPU:1"): 3,
        ("Conv2DBackpropFilter", "CPU:0"): 3,
        ("Conv2DBackpropFilter", "CPU:1"): 3,
    }
