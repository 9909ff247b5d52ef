"""All competitors of the inference benchmark give one answer.

They check it themselves before their first turn, so that it is enough to make
them. The network is the paper's, made narrow; PyTorch's is as wide as it is.
"""

import dataclasses
import importlib.util
import subprocess
import sys

import narrow
import numpy as np
import programs
import pytest
import simplejpeg
import tensorflow as tf

from alexnet_tf import networks
from alexnet_tf.export import inference as exported
from alexnet_tf.export.inference import load_fast
from tools.benchmark import inference, inference_files, inference_peers

pytestmark = pytest.mark.slow

CLASSES = 12
IMAGES_A_TURN = 96


def _needs(module):
    """Skips a test where a peer is not installed."""
    return pytest.mark.skipif(
        not importlib.util.find_spec(module), reason=f"{module} is not here"
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What the competitors read, with images of 80 pixels."""
    folder = tmp_path_factory.mktemp("inference")
    network = dataclasses.replace(narrow.shrink(networks.PAPER), image_size=67)
    inference_files.make_files(folder, network, 80, CLASSES)
    return folder


def _images(count):
    rng = np.random.default_rng(3)
    return rng.integers(0, 256, (count, 80, 80, 3), np.uint8)


def _files(count):
    return [simplejpeg.encode_jpeg(image) for image in _images(count)]


def _assert_equal(found, expected):
    assert sorted(found) == sorted(expected)
    for name, values in expected.items():
        if values.dtype == tf.float32:
            np.testing.assert_allclose(
                found[name], values, rtol=1e-5, atol=1e-5
            )
        else:
            np.testing.assert_array_equal(found[name], values)


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize(
    ("signature", "argument", "make"),
    [
        ("tensor", "images", _images),
        ("serving_default", "image_bytes", _files),
        ("ten_crop", "image_bytes", _files),
        ("features", "image_bytes", _files),
    ],
)
def test_the_fast_function_gives_the_saved_models_answer(
    folder, signature, argument, make, count
):
    saved = tf.saved_model.load(str(folder / "plain" / "1")).signatures[
        signature
    ]
    inputs = tf.constant(make(count))

    found = load_fast(folder / "plain" / "1", signature)(inputs)

    _assert_equal(found, saved(**{argument: inputs}))


def test_the_fast_function_compiles_every_norm(folder):
    loaded = tf.saved_model.load(str(folder / "plain" / "1"))
    frozen = exported.convert_to_constants.convert_variables_to_constants_v2(
        loaded.signatures["tensor"]
    )

    changed = exported._with_compiled_norms(frozen.graph)

    before = [node.op for node in frozen.graph.as_graph_def().node]
    after = [node.op for node in changed.node]
    # Two layers in two towers.
    assert before.count("LRN") == 4
    if not tf.config.list_physical_devices("GPU"):
        assert "LRN" not in after


def test_refuses_what_is_no_model_or_no_signature(folder, tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no exported model"):
        load_fast(tmp_path)
    with pytest.raises(
        ValueError, match="must be one of conv1, explain, features"
    ):
        load_fast(folder / "plain" / "1", "tensors")


@pytest.mark.parametrize("batch_size", ["32", "1"])
@pytest.mark.parametrize("how", ["tensor", "jpeg"])
def test_ours_give_the_known_answer(folder, batch_size, how):
    for make in (
        inference.make_plain,
        inference.make_frozen,
        inference.make_fast,
    ):
        assert make(folder, batch_size, how)() == IMAGES_A_TURN


@_needs("onnx")
@_needs("onnxruntime")
@pytest.mark.parametrize("batch_size", ["32", "1"])
def test_onnx_runtime_gives_the_known_answer(folder, batch_size):
    turn = inference_peers.make_onnxruntime(folder, batch_size)

    assert turn() == IMAGES_A_TURN


@_needs("onnx")
@_needs("openvino")
def test_openvino_gives_the_known_answer(folder):
    turn = inference_peers.make_openvino(folder, "32")

    assert turn() == IMAGES_A_TURN


@_needs("torch")
@pytest.mark.slow
def test_pytorch_gives_the_known_answer(tmp_path):
    inference_files.make_files(tmp_path, classes=CLASSES)

    # In a process of its own: on some machines the two cannot share one.
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from tools.benchmark import inference_peers as peers; "
            "peers.make_torch(sys.argv[1], 32, 'contiguous')",
            tmp_path,
        ],
        cwd=programs.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr


def test_another_answer_is_refused(folder):
    def nonsense(images):
        return np.zeros((len(images), 5)), np.full((len(images), 5), 0.2)

    with pytest.raises(ValueError, match="must be those of the SavedModel"):
        inference.checked_turn(nonsense, folder, 32)


def test_each_batch_size_is_a_field_of_its_own(folder):
    many, one = inference.fields(folder, peers=False)

    assert len(many) == len(one) >= 5
    assert {c["arguments"][1] for c in many} == {"32"}
    assert {c["arguments"][1] for c in one} == {"1"}
