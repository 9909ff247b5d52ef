"""ONNX and LiteRT files answer as the network does."""

import json
import pathlib
import sys

import numpy as np
import pytest
import tensorflow as tf
from data_sets import square
from runs import NETWORK

import alexnet_tf
from alexnet_tf import networks
from alexnet_tf.export import parity, portable
from input_pipeline.statistics import Accumulator

REMEDY = "pip install 'alexnet-tf[export]'"
for package in ("onnx", "tf2onnx", "onnxruntime", "ai_edge_litert"):
    pytest.importorskip(package, reason=f"{package} is not here: {REMEDY}")

NAMES = ["otter", "bird's nest", "café", *(f"class {i}" for i in range(3))]
SIZE = 48
OTHER_LAYERS = networks.Network(
    image_size=16,
    towers=1,
    layers=(
        networks.Conv("conv1", 8, 5, padding=2, stddev=0.01),
        networks.MaxPool("pool1", padding="same", activation="tanh"),
        networks.MapNorm("mapnorm1", size=3, alpha=1e-3),
        networks.AveragePool("pool2", padding="same"),
        networks.Norm("norm2", 4, 1.0, 1e-3),
        networks.Local("local3", 4, 3, padding=1, stddev=0.3),
        networks.Dense("fc10", stddev=0.3),
    ),
)


def _rendered(split, count):
    return np.array(
        [square(split, label % 6, label, SIZE) for label in range(count)]
    )


@pytest.fixture(scope="module")
def images():
    return _rendered("validation", 30)


@pytest.fixture(scope="module")
def statistics():
    sums = Accumulator(SIZE)
    for image in _rendered("train", 12):
        sums.add(image)
    return sums.finish()


@pytest.fixture(scope="module")
def model():
    """Weights that make it sure of something else for each image."""
    model = alexnet_tf.build(NETWORK, 6, native_ops_only=True)
    kernel = model.get_layer("fc8").kernels[0]
    kernel.assign(kernel * 10)
    return model


@pytest.fixture(scope="module")
def classifier(model, statistics):
    return alexnet_tf.Classifier(model, statistics, NAMES)


@pytest.fixture(scope="module")
def onnx_file(classifier, tmp_path_factory):
    version = portable.to_onnx(classifier, tmp_path_factory.mktemp("onnx"))
    return version / "model.onnx"


@pytest.fixture(scope="module")
def litert(classifier, tmp_path_factory):
    return portable.to_litert(
        classifier,
        tmp_path_factory.mktemp("litert"),
        representative=_rendered("train", 30),
    )


def _keras(model, statistics, images):
    """Mean and crop by hand, softmax by NumPy: no code of the export's."""
    inputs = images.astype(np.float32) - statistics.mean_image
    logits = model(inputs[:, 4:44, 4:44].astype(np.float32), training=False)
    powers = np.exp(np.asarray(logits, np.float64))
    return powers / powers.sum(axis=1, keepdims=True)


def test_onnx_answers_as_keras(model, statistics, images, onnx_file):
    found = parity.load(onnx_file)(images)

    expected = _keras(model, statistics, images)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert found.dtype == np.float32
    # There is something to get wrong.
    assert len(set(expected.argmax(axis=1))) > 1
    assert expected.max() > 0.5


@pytest.mark.parametrize(
    ("precision", "tolerance"),
    # Half precision keeps 11 bits of a weight.
    [("float32", 1e-5), ("float16", 1e-2)],
)
def test_litert_answers_as_keras(
    model, statistics, images, litert, precision, tolerance
):
    found = parity.load(litert / f"model_{precision}.tflite")(images)

    expected = _keras(model, statistics, images)
    np.testing.assert_allclose(found, expected, atol=tolerance)
    assert found.dtype == np.float32


def test_eight_bits_mostly_choose_the_same_class(
    model, statistics, images, litert
):
    found = parity.load(litert / "model_int8.tflite")(images)

    expected = _keras(model, statistics, images)
    same = found.argmax(axis=1) == expected.argmax(axis=1)
    assert same.mean() >= 0.8
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
    # Probabilities are no multiples of 1/256.
    assert np.any(np.abs(found * 256 - np.round(found * 256)) > 0.1)


def test_weights_of_litert_files_take_their_bits(model, litert):
    """Float32 weights take 4 bytes each, those of int8 one."""
    weights = sum(np.prod(v.shape) for v in model.trainable_variables)
    mean_image = SIZE * SIZE * 3 * 4
    for precision, bits in (("float32", 32), ("float16", 16), ("int8", 8)):
        size = (litert / f"model_{precision}.tflite").stat().st_size
        assert size > weights * bits // 8
        # The mean image and 8 kB of structure.
        assert size < weights * bits // 8 + mean_image + 8192


def test_names_are_inside_or_beside(onnx_file, litert):
    import onnxruntime

    session = onnxruntime.InferenceSession(onnx_file)
    metadata = session.get_modelmeta().custom_metadata_map

    assert json.loads(metadata["class_names"]) == NAMES
    labels = (litert / "labels.txt").read_text(encoding="utf-8")
    assert labels.splitlines() == NAMES


def test_inputs_and_outputs_are_as_described(onnx_file, litert):
    import onnx
    import onnxruntime
    from ai_edge_litert.interpreter import Interpreter

    session = onnxruntime.InferenceSession(onnx_file)
    (images,), (probabilities,) = session.get_inputs(), session.get_outputs()
    assert (images.name, images.type) == ("images", "tensor(uint8)")
    assert images.shape == ["n", SIZE, SIZE, 3]
    assert probabilities.name == "probabilities"
    assert probabilities.shape == ["n", 6]
    opsets = onnx.load(onnx_file).opset_import
    assert [o.version for o in opsets if o.domain in ("", "ai.onnx")] >= [17]
    for path in litert.glob("*.tflite"):
        runner = Interpreter(str(path)).get_signature_runner()
        (images,) = runner.get_input_details().items()
        (probabilities,) = runner.get_output_details().items()
        assert (images[0], images[1]["dtype"]) == ("images", np.uint8)
        assert images[1]["shape"].tolist() == [1, SIZE, SIZE, 3]
        assert probabilities[0] == "probabilities"
        assert probabilities[1]["dtype"] == np.float32


def test_original_mean_is_subtracted_where_it_was(
    model, statistics, images, tmp_path
):
    classifier = alexnet_tf.Classifier(
        model, statistics, NAMES, mean="original"
    )
    version = portable.to_onnx(classifier, tmp_path)

    found = parity.load(version / "model.onnx")(images)

    # For a centre crop both ways subtract the same part of it.
    expected = _keras(model, statistics, images)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_other_layers_convert(tmp_path):
    """Locally connected ones, averages, and normalization in the map."""
    model = alexnet_tf.build(OTHER_LAYERS, 6, native_ops_only=True)
    size = OTHER_LAYERS.image_size + 4
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (4, size, size, 3), np.uint8)
    sums = Accumulator(size)
    sums.add(images[0])
    arguments = (
        alexnet_tf.Classifier(model, sums.finish(), NAMES),
        tmp_path,
    )

    onnx = portable.to_onnx(*arguments) / "model.onnx"
    litert = portable.to_litert(*arguments, representative=images)

    crops = (images - images[:1].astype(np.float32))[:, 2:-2, 2:-2]
    expected = tf.nn.softmax(model(crops, training=False))
    for path in (onnx, litert / "model_float32.tflite"):
        np.testing.assert_allclose(
            parity.load(path)(images), expected, atol=1e-5
        )
    assert parity.load(litert / "model_int8.tflite")(images).shape == (4, 6)


def test_expected_is_what_keras_says(classifier, model, statistics, images):
    np.testing.assert_allclose(
        parity.expected(classifier, images),
        _keras(model, statistics, images),
        atol=1e-5,
    )


def test_a_failed_export_leaves_nothing(classifier, tmp_path, monkeypatch):
    convert = portable._convert

    def fill_the_disk(saved_model, precision, images):
        if precision == "int8":
            raise OSError(28, "No space left on device")
        return convert(saved_model, precision, images)

    def cut_off(proto, path):
        pathlib.Path(path).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(portable, "_convert", fill_the_disk)
    monkeypatch.setattr("onnx.save", cut_off)
    arguments = (classifier, tmp_path)

    with pytest.raises(OSError, match="No space left"):
        portable.to_litert(*arguments, representative=_rendered("train", 2))
    with pytest.raises(OSError, match="No space left"):
        portable.to_onnx(*arguments)
    assert list(tmp_path.iterdir()) == []


def test_versions_are_counted_over_all_formats(classifier, tmp_path):
    (tmp_path / "3").mkdir()

    version = portable.to_onnx(classifier, tmp_path)

    assert version == tmp_path / "4"


@pytest.mark.parametrize("package", ["onnx", "tf2onnx"])
def test_missing_package_is_named_with_its_remedy(
    classifier, tmp_path, monkeypatch, package
):
    monkeypatch.setitem(sys.modules, package, None)

    with pytest.raises(ValueError, match=f"{package} must be ins.*export"):
        portable.to_onnx(classifier, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "bad",
    [
        np.zeros((0, SIZE, SIZE, 3), np.uint8),
        np.zeros((2, SIZE, SIZE, 3), np.float32),
        np.zeros((2, 40, 40, 3), np.uint8),
    ],
)
def test_refuses_what_represents_nothing(classifier, tmp_path, bad):
    with pytest.raises(ValueError, match="representative must be one uint8"):
        portable.to_litert(classifier, tmp_path, representative=bad)


def test_refuses_a_model_of_another_precision(statistics, tmp_path):
    mixed = alexnet_tf.build(
        NETWORK, 6, native_ops_only=True, precision="mixed_bfloat16"
    )

    classifier = alexnet_tf.Classifier(mixed, statistics, NAMES)

    with pytest.raises(ValueError, match="must compute in float32. .*bfloat16"):
        portable.to_onnx(classifier, tmp_path)
