"""Where a network looked, against a computation in NumPy."""

import inside
import keras
import narrow
import numpy as np
import pytest
import references
import tensorflow as tf

import alexnet_tf
from alexnet_tf import networks, weights
from alexnet_tf.analysis import gradient_rules, occluder, saliency

# Every layer of the paper, on maps of 15, 7, 7, 3 and 1.
NETWORK = narrow.shrink(networks.PAPER)
SIZE, CLASSES = 67, 5


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(0)
    return rng.normal(0, 50, (3, SIZE, SIZE, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def model():
    return _build()


@pytest.fixture(scope="module")
def apart(model):
    """The same network, each tower on a device of its own."""
    found = _build(devices=("CPU:0", "CPU:1"))
    weights.from_arrays(found, weights.to_arrays(model))
    return found


def _build(**how):
    # XLA would compile its norms again for every number of images.
    return alexnet_tf.build(
        NETWORK, CLASSES, image_size=SIZE, native_ops_only=True, **how
    )


@pytest.fixture(scope="module")
def loops(model, images):
    """The same forward pass in NumPy."""
    return inside.Forward(NETWORK, weights.to_arrays(model), images)


def _one_hot(classes):
    return "fc8", np.eye(CLASSES)[classes]


def _close(found, expected, tolerance=1e-5):
    scale = np.abs(expected).max()
    assert scale > 0
    np.testing.assert_allclose(found, expected, atol=tolerance * scale)


def test_the_loops_give_the_models_logits(model, images, loops):
    _close(loops.outputs["fc8"], model(images).numpy())


@pytest.mark.parametrize(
    ("layer", "devices"),
    [
        ("conv1", "one device"),
        ("conv3", "one device"),
        ("conv2", "two devices"),
        ("conv5", "two devices"),
    ],
)
def test_gradcam_is_selvarajus_formula(
    model, apart, images, loops, layer, devices
):
    classes = np.array([4, 0, 2])
    maps = loops.outputs[layer]
    gradients = loops.back(_one_hot(classes), layer)
    importance = gradients.mean(axis=(1, 2), keepdims=True)
    expected = np.maximum((importance * maps).sum(axis=-1), 0)

    network = model if devices == "one device" else apart
    found = alexnet_tf.analysis.gradcam(network, images, classes, layer)

    _close(found, expected)


def test_gradcam_takes_the_best_class_and_the_last_convolution(
    model, images, loops
):
    best = loops.outputs["fc8"].argmax(axis=1)

    found = saliency.gradcam(model, images)

    expected = saliency.gradcam(model, images, best, "conv5")
    np.testing.assert_array_equal(found, expected)


def test_gradcam_of_batches_is_that_of_single_images(model, images):
    compute = saliency.make_gradcam(model, "conv3")

    # The second batch has one image, and is filled up.
    found = saliency.gradcam(model, images, batch_size=2, layer_name="conv3")

    for image, one in zip(images, found, strict=True):
        alone, _ = compute(image[np.newaxis], np.array([-1], np.int32))
        _close(one, alone[0])


@pytest.mark.parametrize("devices", ["two devices"])
def test_guided_backpropagation_masks_twice(
    model, apart, images, loops, devices
):
    network = model if devices == "one device" else apart

    found = saliency.guided_backpropagation(network, images, 3)

    expected = loops.back(_one_hot([3, 3, 3]), "images", "guided")
    plain = loops.back(_one_hot([3, 3, 3]), "images")
    _close(found, expected)
    assert np.abs(expected - plain).max() > 0.1 * np.abs(plain).max()


def test_a_rule_changes_no_output(model, images):
    for rule in ("guided", "deconvnet"):
        again, _ = gradient_rules.with_rule(model, rule)
        np.testing.assert_allclose(again(images), model(images), rtol=1e-6)


def test_gradcam_of_a_stock_keras_model():
    inputs = keras.Input((12, 12, 3))
    maps = keras.layers.Conv2D(4, 3, activation="relu", name="conv")(inputs)
    logits = keras.layers.Dense(2)(keras.layers.Flatten()(maps))
    model = keras.Model(inputs, logits)
    images = np.random.default_rng(0).normal(size=(2, 12, 12, 3))

    found = saliency.gradcam(model, images, 1)

    # The logit is linear in the maps: the weights are its gradient.
    kernel = model.layers[-1].kernel.numpy()[:, 1].reshape(10, 10, 4)
    a = keras.Model(inputs, maps)(images).numpy()
    expected = np.maximum((a * kernel.mean(axis=(0, 1))).sum(axis=-1), 0)
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("layer", ["conv9", "pool5", "fc6"])
def test_a_layer_that_is_no_convolution_is_refused(model, images, layer):
    with pytest.raises(
        ValueError,
        match=f"one of conv1, conv2, conv3, conv4, conv5. Received: {layer}",
    ):
        saliency.gradcam(model, images, layer_name=layer)


def test_what_cannot_be_looked_at_is_refused(model, images):
    dense = networks.Network(8, 1, (networks.Dense("fc1"),))
    with pytest.raises(ValueError, match="must have a convolution"):
        saliency.gradcam(alexnet_tf.build(dense, 2), images)
    with pytest.raises(ValueError, match="from 0 to 4. Received: 5"):
        saliency.gradcam(model, images, 5)
    with pytest.raises(ValueError, match="There must be images"):
        saliency.gradcam(model, images[:0])


@pytest.mark.parametrize("name", ["conv3", "fc6", "norm1"])
@pytest.mark.parametrize("devices", ["one device", "two devices"])
def test_what_is_before_a_rectifier(model, apart, images, loops, name, devices):
    network = model if devices == "one device" else apart

    before = alexnet_tf.feature_extractor(network, name, before_activation=True)

    _close(before(images).numpy(), loops.before[name])
    if name != "norm1":
        assert loops.before[name].min() < 0
    behind = alexnet_tf.feature_extractor(network, name)
    _close(behind(images).numpy(), loops.outputs[name])


def test_pools_and_local_layers_show_what_is_before_their_rectifier():
    network = networks.CIFAR_18.insert_behind(
        "pool3", networks.Local("local4", 4, 3, stddev="he")
    )
    model = alexnet_tf.build(network, 3)
    images = tf.random.stateless_normal((2, 32, 32, 3), (0, 1)) * 50

    for name in ("pool1", "local4"):
        linear = alexnet_tf.feature_extractor(model, name, True)(images)
        rectified = alexnet_tf.feature_extractor(model, name)(images)
        assert np.min(linear) < 0
        np.testing.assert_array_equal(tf.nn.relu(linear), rectified)


def test_the_layers_that_are_there_are_named(model):
    with pytest.raises(ValueError, match="conv1, norm1.*Received: fc9"):
        alexnet_tf.feature_extractor(model, "fc9")


@pytest.mark.parametrize(("window", "stride"), [(20, 12), (67, 1), (31, 40)])
def test_occlusion_is_that_of_single_images(model, images, window, stride):
    found = alexnet_tf.analysis.occlusion(
        model, images, 2, window=window, stride=stride, fill=7.0, batch_size=4
    )

    # 47 pixels in steps of 12: the last place touches the edge.
    starts = {20: [0, 12, 24, 36, 47], 67: [0], 31: [0, 36]}[window]
    assert found.shape == (3, len(starts), len(starts))
    hidden = []
    for n, row, column in np.ndindex(found.shape):
        top, left = starts[row], starts[column]
        hidden.append(images[n].copy())
        hidden[-1][top : top + window, left : left + window] = 7.0
    shares = np.exp(model(np.stack(hidden)).numpy())
    expected = shares[:, 2] / shares.sum(axis=1)
    np.testing.assert_allclose(found.ravel(), expected, atol=1e-6)


def test_occlusion_of_the_best_class_and_of_a_map(model, apart, images, loops):
    best = loops.outputs["fc8"].argmax(axis=1)
    how = {"window": 30, "stride": 37}

    of_best = occluder.occlusion(model, images, **how)
    np.testing.assert_allclose(
        of_best, occluder.occlusion(model, images, best, **how), rtol=1e-6
    )

    of_map = occluder.occlusion(
        apart, images, layer_name="conv2", channel=7, **how
    )
    hidden = images[1].copy()
    hidden[:30, 37:] = 0
    lower = inside.Forward(NETWORK, weights.to_arrays(model), hidden[None])
    expected = lower.outputs["conv2"][..., 7].sum()
    assert of_map[1, 0, 1] == pytest.approx(expected, rel=1e-5)


def test_each_pixel_gets_the_mean_of_the_places_that_hide_it():
    # Places 0, 2 and 3 of a square of 2 pixels in 5.
    values = np.arange(9.0).reshape(3, 3)

    found = occluder.mean_over_windows(values, 5, 2, 2)

    # Pixel 3 is hidden by the second place and by the third.
    assert found[0].tolist() == [0, 0, 1, 1.5, 2]
    assert found[3, 3] == (4 + 5 + 7 + 8) / 4


@pytest.mark.parametrize(("window", "stride"), [(0, 1), (68, 1), (10, 0)])
def test_windows_that_do_not_fit_are_refused(model, images, window, stride):
    with pytest.raises(ValueError, match=f"window={window}, stride={stride}"):
        occluder.occlusion(model, images, window=window, stride=stride)


def test_maps_that_are_not_there_are_refused(model, images):
    with pytest.raises(ValueError, match="Maps of conv2 must be from 0 to 11"):
        occluder.occlusion(
            model, images, window=9, stride=9, layer_name="conv2", channel=12
        )


def test_the_reference_norm_is_the_papers(images):
    """The loop that the tests lean on is itself held to §3.3."""
    layer = networks.Norm("norm", alpha=0.01)
    network = networks.Network(SIZE, 1, (layer,))

    found = inside.Forward(network, {}, images[:1, :4, :4]).outputs["norm"]

    expected = references.equation_3_3(
        images[:1, :4, :4].astype(float), 5, 2.0, 0.01, 0.75
    )
    np.testing.assert_allclose(found, expected, rtol=1e-12)
