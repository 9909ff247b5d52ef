"""`AlexNet` is called as the networks of keras.applications are."""

import contextlib
import io

import keras
import narrow
import numpy as np
import pytest
import weight_files as wf

import alexnet_tf
from alexnet_tf import ilsvrc2012, networks, weights

NARROW = narrow.shrink(networks.PAPER)
SIZE = (67, 67, 3)


def _build(**arguments):
    return alexnet_tf.AlexNet(
        **{"network": NARROW, "input_shape": SIZE, "classes": 5} | arguments
    )


@pytest.fixture
def images():
    images = np.random.default_rng(0).normal(0, 50, (2, *SIZE))
    return images.astype(np.float32)


def test_paper_is_what_one_gets():
    model = alexnet_tf.AlexNet(classes=10)

    assert model.input_shape == (None, 224, 224, 3)
    assert model.output_shape == (None, 10)
    # 60,965,224 less 990 of fc8's 4097 weights a class.
    assert model.count_params() == 60_965_224 - 990 * 4097


def test_number_of_classes_in_the_first_place_is_refused():
    with pytest.raises(TypeError, match=r"AlexNet\(classes=10\)"):
        alexnet_tf.AlexNet(10)


def test_num_classes_goes_on_working():
    assert _build(classes=1000, num_classes=7).output_shape == (None, 7)
    with pytest.raises(TypeError, match="classes=5, num_classes=7"):
        _build(num_classes=7)


def test_softmax_gives_the_probabilities_of_the_logits(images):
    logits = _build()(images).numpy()
    probabilities = _build(classifier_activation="softmax")(images).numpy()

    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    expected = powers / powers.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(probabilities, expected, rtol=1e-5)


@pytest.mark.parametrize("devices", [None, ("CPU:0", "CPU:1")])
def test_without_the_top_it_ends_with_the_last_pool(images, devices):
    whole = _build()
    maps = alexnet_tf.feature_extractor(whole, "pool5")(images).numpy()

    trunk = _build(include_top=False, devices=devices)

    np.testing.assert_allclose(trunk(images), maps, rtol=1e-5)
    for pooling, reduce in (("avg", np.mean), ("max", np.max)):
        pooled = _build(include_top=False, pooling=pooling)(images)
        np.testing.assert_allclose(pooled, reduce(maps, (1, 2)), rtol=1e-5)


def test_torchvisions_trunk_ends_before_its_dropout():
    trunk = alexnet_tf.AlexNet(include_top=False, network=networks.TORCHVISION)

    assert trunk.output_shape == (None, 6, 6, 256)
    assert trunk.layers[-1].name == "pool5"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"pooling": "mean"}, "pooling must be None, avg or max"),
        ({"input_shape": (67, 60, 3)}, r"must be \(size, size, 3\)"),
        ({"input_shape": (67, 67)}, r"must be \(size, size, 3\)"),
        ({"weights": "imagenet"}, "weights must be a path"),
    ],
)
def test_refuses_what_does_not_fit(arguments, words):
    with pytest.raises(ValueError, match=words):
        _build(**arguments)


def test_weights_that_are_not_there_are_named():
    with pytest.raises(FileNotFoundError, match=r"There is no nowhere\.pth"):
        _build(weights="nowhere.pth")


def test_weights_of_a_published_file_bring_their_network(tmp_path):
    path = tmp_path / "any.pth"
    wf.torch_zip(path, wf.state_dict(wf.draw(wf.TORCH_SHAPES)))

    model = alexnet_tf.AlexNet(weights=path)
    trunk = alexnet_tf.AlexNet(include_top=False, weights=path)

    assert model.output_shape == (None, 5)
    assert model.input_shape == (None, 224, 224, 3)
    mine, theirs = weights.to_arrays(trunk), weights.to_arrays(model)
    np.testing.assert_array_equal(mine["conv5/kernel"], theirs["conv5/kernel"])
    with pytest.raises(ValueError, match="has 5 classes. Received: classes=9"):
        alexnet_tf.AlexNet(weights=path, classes=9)


def test_weights_of_a_keras_file(tmp_path, images):
    model = _build()
    model.save(tmp_path / "model.keras")

    again = alexnet_tf.AlexNet(weights=tmp_path / "model.keras", network=NARROW)

    np.testing.assert_array_equal(again(images), model(images))


def test_help_fits_a_screen():
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        help(alexnet_tf.AlexNet)

    lines = text.getvalue().splitlines()
    # The signature wraps.
    assert sum(1 + len(line) // 80 for line in lines) <= 50
    assert "from_logits=True" in text.getvalue()


def test_preprocess_and_decode_take_one_argument(images):
    pixels = np.full((1, 224, 224, 3), 128, np.uint8)
    logits = np.zeros((1, 1000))
    logits[0, 282] = 20

    prepared = alexnet_tf.preprocess_input(pixels).numpy()
    ((label, name, probability), *_), *_ = alexnet_tf.decode_predictions(logits)

    np.testing.assert_allclose(
        prepared[0, 0, 0],
        128 - np.array([127.305, 119.715, 104.913]),
        atol=0.01,
    )
    # Of torchvision's list of classes: 282 is the tiger cat.
    assert (label, name) == (282, "tiger cat")
    assert probability == pytest.approx(1 / (1 + 999 * np.exp(-20)))


def test_logits_are_softmaxed_and_probabilities_left_alone():
    names = ["a", "b"]
    logits = np.log([[0.2, 0.8]]) + 3

    for predictions in (logits, [[0.2, 0.8]]):
        ((first, _),) = alexnet_tf.decode_predictions(predictions, names)

        assert first == (1, "b", pytest.approx(0.8))
    with pytest.raises(ValueError, match="must be numbers"):
        alexnet_tf.decode_predictions([[np.nan, 1.0]], names)


def test_classes_are_sorted_by_their_wordnet_id():
    known = ilsvrc2012.classes()

    assert len(known) == len({synset for synset, _ in known}) == 1000
    assert list(known) == sorted(known)
    # shared/data: of ILSVRC2012_ID 1 and 490, and two classes of one name.
    assert known[278] == ("n02119789", "kit fox, Vulpes macrotis")
    assert known[65][0] == "n01751748"
    assert sum(words == "crane" for _, words in known) == 2


def test_colours_are_those_on_record():
    covariance, eigenvalues, axes = ilsvrc2012.colour_statistics()

    # Orthonormal, and the variances of the axes.
    np.testing.assert_allclose(axes.T @ axes, np.eye(3), atol=1e-6)
    np.testing.assert_allclose(
        np.linalg.eigvalsh(covariance)[::-1], eigenvalues, rtol=1e-6
    )
    # original-source 3.4: deviations of the channels.
    np.testing.assert_allclose(
        np.sqrt(np.diag(covariance)), [74.0, 72.0, 77.0], atol=0.1
    )


def test_model_trains_with_keras_fit(images):
    model = _build()
    model.compile(
        "sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )

    history = model.fit(images, np.array([0, 1]), verbose=0)

    assert np.isfinite(history.history["loss"]).all()
