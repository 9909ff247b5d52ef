"""Everybody's recipes for Keras models work on ours: a tensor a layer."""

import pathlib

import keras
import narrow
import numpy as np
import pytest
import references
import tensorflow as tf

import alexnet_tf
from alexnet_tf import networks, weights

FIRST_ROUND = pathlib.Path(__file__).parent / "first_round" / "model.keras"
NAMED = {k: v for k, v in vars(networks).items() if k.isupper()}


@pytest.fixture(scope="module")
def model():
    return alexnet_tf.build(narrow.shrink(networks.PAPER), 5, image_size=67)


@pytest.fixture(scope="module")
def images():
    images = np.random.default_rng(0).normal(0, 50, (2, 67, 67, 3))
    return images.astype(np.float32)


@pytest.mark.parametrize("name", NAMED)
def test_every_layer_of_every_network_gives_one_tensor(name):
    model = alexnet_tf.build(NAMED[name], 10, initialize=False)

    assert all(isinstance(x.output, keras.KerasTensor) for x in model.layers)


def test_grad_cam_recipe_of_keras_io_gives_the_definitions_map(model, images):
    found = _keras_io_grad_cam(images[:1], model, "conv5", 3)

    expected = _grad_cam_by_differences(model, images[:1], "conv5", 3)
    assert expected.max() > 0
    np.testing.assert_allclose(
        found, expected / expected.max(), rtol=1e-2, atol=1e-2
    )


def _keras_io_grad_cam(images, model, layer_name, label):
    """The recipe's steps (keras.io/examples/vision/grad_cam)."""
    both = keras.Model(
        model.inputs, [model.get_layer(layer_name).output, model.output]
    )
    with tf.GradientTape() as tape:
        maps, predictions = both(images)
        score = predictions[:, label]
    gradient = tape.gradient(score, maps)
    pooled = tf.reduce_mean(gradient, axis=(0, 1, 2))
    heatmap = tf.squeeze(maps[0] @ pooled[..., tf.newaxis])
    heatmap = tf.maximum(heatmap, 0) / tf.math.reduce_max(heatmap)
    return heatmap.numpy()


def _grad_cam_by_differences(model, images, layer_name, label):
    """Grad-CAM's definition, each derivative a difference of two passes."""
    w = {k: v.astype(float) for k, v in weights.to_arrays(model).items()}
    extractor = alexnet_tf.feature_extractor(model, layer_name)
    maps = extractor(images).numpy().astype(float)

    def score(maps):
        hidden = references.max_pool(maps, 3, 2).reshape(len(maps), -1)
        for name in ("fc6", "fc7"):
            hidden = np.maximum(hidden @ w[f"{name}/kernel"] + 1.0, 0) / 2
        return (hidden @ w["fc8/kernel"])[0, label]

    gradient = np.empty_like(maps)
    for place in np.ndindex(maps.shape):
        step = np.zeros_like(maps)
        step[place] = 1e-6
        gradient[place] = (score(maps + step) - score(maps - step)) / 2e-6
    shares = gradient.mean(axis=(0, 1, 2))
    return np.maximum(maps[0] @ shares, 0)


@pytest.mark.parametrize("devices", [None, ("CPU:0", "CPU:1")])
@pytest.mark.parametrize("layer", ["conv1", "norm1", "conv5", "fc7"])
def test_gradients_pass_through_feature_extractor(images, devices, layer):
    model = alexnet_tf.build(
        narrow.shrink(networks.PAPER), 5, image_size=67, devices=devices
    )
    extractor = alexnet_tf.feature_extractor(model, layer)
    x = tf.constant(images)

    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = tf.reduce_sum(extractor(x))
    by_image, by_kernel = tape.gradient(
        loss, [x, extractor.trainable_variables[0]]
    )

    assert abs(by_image.numpy()).max() > 0
    assert abs(by_kernel.numpy()).max() > 0


def test_keras_summary_names_the_papers_maps(capsys):
    alexnet_tf.build(networks.PAPER, 1000, initialize=False).summary()

    text = capsys.readouterr().out
    for size in ("55, 55, 96", "27, 27, 256", "13, 13, 384", "6, 6, 256"):
        assert f"(None, {size})" in text


def test_files_of_the_first_round_are_loaded():
    """See first_round/README.md."""
    old = keras.saving.load_model(FIRST_ROUND)
    images = np.random.default_rng(0).normal(0, 50, (2, 32, 32, 3))
    images = images.astype(np.float32)
    new = alexnet_tf.build(_FIRST_ROUND, 3)

    weights.from_arrays(new, weights.to_arrays(old))

    assert isinstance(old.get_layer("conv1").output, list)
    logits = old(images).numpy()
    np.testing.assert_allclose(new(images), logits, rtol=1e-4)
    # What revision 99fe910 printed for them.
    np.testing.assert_allclose(
        logits[0], [-0.04226373, -0.01343806, 0.00917746], rtol=1e-4
    )


_FIRST_ROUND = networks.Network(
    image_size=32,
    towers=2,
    layers=(
        networks.Conv("conv1", 4, 5, 2, (0, 1)),
        networks.Norm("norm1", alpha=0.01),
        networks.MaxPool("pool1"),
        networks.Conv("conv2", 4, 3, padding=1),
        networks.Norm("norm2", alpha=0.01, reads="all towers"),
        networks.Conv("conv3", 4, 3, padding=1, reads="all towers"),
        networks.MapNorm("mapnorm3", alpha=0.01),
        networks.Local("local4", 4, 3),
        networks.AveragePool("pool4"),
        networks.Dense("fc5", 4, reads="own tower"),
        networks.Dropout("drop5"),
        networks.Dense("fc6", 4),
        networks.Dense("fc7"),
    ),
)
