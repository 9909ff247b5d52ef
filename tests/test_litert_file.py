"""LiteRT files answer as the network does."""

import sys

import exported
import numpy as np
import pytest
from runs import NETWORK

import alexnet_tf
from alexnet_tf.export import litert_file, parity

for package in ("ai_edge_litert", "ai_edge_quantizer"):
    pytest.importorskip(
        package, reason=f"{package} is not here: install alexnet-tf[export]"
    )
SIZE = exported.SIZE


@pytest.fixture(scope="module")
def images():
    return exported.rendered("validation", 30)


@pytest.fixture(scope="module")
def small():
    return exported.make()


@pytest.fixture(scope="module")
def litert(small, tmp_path_factory):
    return litert_file.to_litert(
        exported.classifier(*small),
        tmp_path_factory.mktemp("litert"),
    )


@pytest.mark.parametrize(
    ("precision", "tolerance"),
    # Half precision keeps 11 bits of a weight.
    [("float32", 1e-5), ("float16", 1e-2)],
)
def test_litert_answers_as_keras(small, images, litert, precision, tolerance):
    found = parity.load(litert / f"model_{precision}.tflite")(images)

    expected = exported.answer(*small, images)
    np.testing.assert_allclose(found, expected, atol=tolerance)
    assert found.dtype == np.float32


def test_eight_bits_mostly_choose_the_same_class(small, images, litert):
    found = parity.load(litert / "model_int8.tflite")(images)

    expected = exported.answer(*small, images)
    same = found.argmax(axis=1) == expected.argmax(axis=1)
    assert same.mean() >= 0.9
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
    # Probabilities are no multiples of 1/256.
    assert np.any(np.abs(found * 256 - np.round(found * 256)) > 0.1)


def test_weights_of_litert_files_take_their_bits(small, litert):
    """Float32 weights take 4 bytes each, those of int8 one."""
    weights = sum(array.size for array in small[1].arrays.values())
    mean_image = SIZE * SIZE * 3 * 4
    for precision, bits in (("float32", 32), ("float16", 16), ("int8", 8)):
        size = (litert / f"model_{precision}.tflite").stat().st_size
        assert size > weights * bits // 8
        # The mean image and 8 kB of structure.
        assert size < weights * bits // 8 + mean_image + 8192


def test_names_are_beside_the_files(litert):
    labels = (litert / "labels.txt").read_text(encoding="utf-8")
    assert labels.splitlines() == exported.NAMES


def test_inputs_and_outputs_are_as_described(litert):
    from ai_edge_litert.interpreter import Interpreter

    for path in litert.glob("*.tflite"):
        runner = Interpreter(str(path)).get_signature_runner()
        (images,) = runner.get_input_details().items()
        (probabilities,) = runner.get_output_details().items()
        assert (images[0], images[1]["dtype"]) == ("images", np.uint8)
        assert images[1]["shape"].tolist() == [1, SIZE, SIZE, 3]
        assert probabilities[0] == "probabilities"
        assert probabilities[1]["dtype"] == np.float32


def test_other_layers_convert(tmp_path):
    """Locally connected ones, averages, and normalization in the map."""
    model, found = exported.make(exported.OTHER_LAYERS, size=20)
    images = exported.rendered("validation", 4, 20)

    litert = litert_file.to_litert(exported.classifier(model, found), tmp_path)

    np.testing.assert_allclose(
        parity.load(litert / "model_float32.tflite")(images),
        exported.answer(model, found, images),
        atol=1e-5,
    )
    assert parity.load(litert / "model_int8.tflite")(images).shape == (4, 6)


def test_expected_is_what_keras_says(small, images):
    np.testing.assert_allclose(
        parity.expected(exported.classifier(*small), images),
        exported.answer(*small, images),
        atol=1e-5,
    )


def test_a_failed_export_leaves_nothing(small, tmp_path, monkeypatch):
    def fill_the_disk(path):
        assert path.exists()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(litert_file.litert_int8, "quantize", fill_the_disk)

    with pytest.raises(OSError, match="No space left"):
        litert_file.to_litert(exported.classifier(*small), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_missing_quantizer_is_named_with_its_remedy(
    small, tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, "ai_edge_quantizer", None)

    with pytest.raises(ValueError, match="ai-edge-quantizer must be ins.*expo"):
        litert_file.to_litert(exported.classifier(*small), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_kernels_have_a_scale_for_each_channel(litert):
    """The conv1 kernels have 8 scales, fc7's 16, fc8's 6."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(litert / "model_int8.tflite"))
    scales = [
        len(tensor["quantization_parameters"]["scales"])
        for tensor in interpreter.get_tensor_details()
        if tensor["dtype"] == np.int8 and len(tensor["shape"]) in (2, 4)
    ]

    assert {8, 16, 6} <= set(scales)


def test_refuses_a_model_of_another_precision(small, tmp_path):
    mixed = alexnet_tf.build(
        NETWORK, 6, native_ops_only=True, precision="mixed_bfloat16"
    )
    classifier = exported.classifier(mixed, small[1])

    with pytest.raises(ValueError, match="must compute in float32. .*bfloat16"):
        litert_file.to_litert(classifier, tmp_path)
