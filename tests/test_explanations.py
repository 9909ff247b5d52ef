"""Which class is meant, what an activation sees, and pictures of reasons."""

import inspect

import numpy as np
import pytest
import served
from runs import NETWORK, small_network  # noqa: F401, a fixture of its own

import alexnet_tf
from alexnet_tf import ilsvrc2012, networks
from alexnet_tf.analysis import (
    class_names,
    deconvnet,
    explanations,
    overlays,
    publish,
)
from alexnet_tf.analysis.receptive_field import ReceptiveField, receptive_field

NAMES = ["tench, Tinca tinca", "crane", "ox", "Crane, hoist"]
SYNSETS = ["n01440764", "n02012849", "n02403003", "n03126707"]


@pytest.mark.parametrize(
    ("text", "label"),
    [
        (2, 2),
        ("0", 0),
        ("n03126707", 3),
        ("N02012849", 1),
        ("Tinca Tinca", 0),
        ("tench, tinca tinca", 0),
        ("hoist", 3),
        (" ox ", 2),
        # The whole name of one class, and a part of another's.
        ("crane", 1),
    ],
)
def test_a_class_by_number_id_or_name(text, label):
    assert class_names.find_class(text, NAMES, SYNSETS) == label


def test_a_name_that_two_classes_share_asks_for_the_id():
    """The bird and the machine, of ILSVRC-2012's own names."""
    with pytest.raises(ValueError) as error:
        class_names.find_class(
            "crane", ilsvrc2012.class_names(), ilsvrc2012.synsets()
        )

    words = str(error.value)
    assert "n02012849 (crane, class 134)" in words
    assert "n03126707 (crane, class 517)" in words
    assert words.endswith("Give n02012849 or n03126707 instead.")
    with pytest.raises(ValueError, match="Give 0 or 1 instead"):
        class_names.find_class("x", ["x", "x"])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("4", "from 0 to 3. Received: 4"),
        ("tenhc", "Did you mean tench"),
        ("zzz", "one of the network's 4, by number, WordNet id or name"),
    ],
)
def test_a_class_that_is_not_there_is_refused(text, words):
    with pytest.raises(ValueError, match=words):
        class_names.find_class(text, NAMES, SYNSETS)


def test_receptive_fields_are_those_of_the_paper():
    """By hand: size + (k - 1) * stride, layer after layer."""
    model = alexnet_tf.build(networks.PAPER, 2, initialize=False)
    sizes = {
        "conv1": 11,
        "pool1": 11 + 2 * 4,
        "conv2": 19 + 4 * 8,
        "pool2": 51 + 2 * 8,
        "conv3": 67 + 2 * 16,
        "conv4": 99 + 2 * 16,
        "conv5": 131 + 2 * 16,
    }
    for name, size in sizes.items():
        assert receptive_field(model, name).size == size
    assert receptive_field(model, "conv2").stride == 8


@pytest.mark.parametrize("network", [networks.DEMO, networks.CIFAR_13])
def test_a_projection_stays_in_its_receptive_field(network):
    for conv in ("Conv", "Local"):
        for layer in network.layers:
            if type(layer).__name__ == conv:
                network = network.replace(layer.name, stddev="he")
    size = network.image_size
    model = alexnet_tf.build(network, 2, native_ops_only=True)
    rng = np.random.default_rng(0)
    images = rng.normal(0, 50, (8, size, size, 3)).astype(np.float32)
    field = receptive_field(model, "conv2")

    pixels, places, _ = deconvnet.Deconvnet(model, "conv2").project(images, 5)

    for shown, (row, column) in zip(pixels, places, strict=True):
        touched = np.argwhere(shown.any(axis=-1))
        first = field.start + field.stride * np.array([row, column])
        assert (touched.min(axis=0) >= first).all()
        assert (touched.max(axis=0) < first + field.size).all()
        window = field.window(row, column, size)
        assert shown[window].any()


def test_windows_are_moved_into_the_image():
    field = ReceptiveField(10, 4, -3)

    assert field.window(0, 5, 20) == (slice(0, 10), slice(10, 20))
    assert field.window(1, 2, 20) == (slice(1, 11), slice(5, 15))
    assert field.window(3, 3, 8) == (slice(0, 8), slice(0, 8))


def test_heat_and_grey_for_the_eye():
    share = overlays.heat_share(np.array([[0.0, 4.0], [2.0, 1.0]]), 8)
    grey = overlays.around_grey(np.array([[[0.0, -2.0, 4.0]]]))

    assert share.shape == (8, 8)
    assert share[0, -1] == 1
    assert share.min() == 0
    assert grey.tolist() == [[[128, 64, 255]]]
    assert not overlays.heat_share(np.zeros((2, 2)), 4).any()
    assert (overlays.around_grey(np.zeros((1, 1, 3))) == 128).all()


def test_where_a_figure_goes():
    names = [p.name for p in publish.paths_of("a/figure_3.png")]

    assert names == ["figure_3.png", "figure_3.pdf", "figure_3.svg"]
    assert [p.name for p in publish.paths_of("x.pdf")] == ["x.pdf"]
    with pytest.raises(ValueError, match="one of png, pdf, svg. Received: x.j"):
        publish.paths_of("x.jpg")


@pytest.fixture(scope="module")
def classifier():
    import data_sets

    return alexnet_tf.Classifier(
        alexnet_tf.build(NETWORK, 6, native_ops_only=True),
        data_sets.random_statistics(48),
        served.NAMES,
    )


@pytest.mark.parametrize("method", explanations.METHODS)
def test_every_method_explains_a_batch(classifier, method):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (2, 48, 48, 3), np.uint8)
    explainer = explanations.Explainer(
        classifier, method, label=3, window=20, stride=20
    )

    found = explainer(images)

    shares = classifier.probabilities(images)
    for image, share, each in zip(images, shares, found, strict=True):
        np.testing.assert_array_equal(each.crop, image[4:44, 4:44])
        assert each.title == f"class 3: {share[3]:.1%}"
        shape = {"gradcam": (9, 9), "occlusion": (40, 40)}
        assert each.values.shape == shape.get(method, (40, 40, 3))
        assert (each.window is not None) == (method == "deconvnet")


def test_occlusion_shows_how_far_the_probability_falls(classifier):
    image = np.full((1, 48, 48, 3), 90, np.uint8)
    crops = classifier.crops(image)
    explainer = explanations.Explainer(
        classifier, "occlusion", window=40, stride=1
    )

    (found,) = explainer(image)

    # One place: all of the image is hidden.
    before = classifier.probabilities(image)[0].max()
    label = classifier.probabilities(image)[0].argmax()
    logits = classifier.model(np.zeros_like(crops)).numpy()[0]
    hidden = (np.exp(logits) / np.exp(logits).sum())[label]
    expected = max(before - hidden, 0)
    np.testing.assert_allclose(found.values, expected, atol=1e-6)


def test_settings_that_do_not_fit_are_refused(classifier):
    for how, words in (
        ({"method": "lime"}, "one of gradcam, occlusion, guided, deconvnet"),
        ({"layer_name": "conv2"}, "one of conv1. Received: conv2"),
        ({"window": 41}, "The window must be from 1 to 40"),
        ({"method": "deconvnet", "channel": 8}, "Maps of conv1 must be from"),
    ):
        with pytest.raises(ValueError, match=words):
            explanations.Explainer(classifier, **how)


def test_the_flags_methods_are_the_rooms():
    from tools import explain

    assert explain.flags.values["method"].parser.enum_values == [
        *explanations.METHODS
    ]
    default = inspect.signature(explanations.Explainer).parameters["method"]
    assert explain.flags.values["method"].default == default.default
