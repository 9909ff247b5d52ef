"""ONNX files answer as the network does, in two independent runtimes."""

import dataclasses
import json
import pathlib
import subprocess
import sys

import exported
import lineage
import numpy as np
import programs
import pytest

from alexnet_tf import model as models
from alexnet_tf import networks
from alexnet_tf.export import onnx_file

REMEDY = "pip install 'alexnet-tf[test]'"
onnx = pytest.importorskip("onnx", reason=f"onnx is not here: {REMEDY}")
runtime = pytest.importorskip(
    "onnxruntime", reason=f"onnxruntime is not here: {REMEDY}"
)

TOWERS = networks.Network(
    image_size=24,
    towers=4,
    layers=(
        networks.Conv("conv1", 16, 5, 2, (1, 2), stddev="he"),
        networks.ContrastNorm("contrast1", 3, 1.0, 1e-3),
        networks.Norm("norm1", 2, 1.0, 1e-3, reads="all towers"),
        networks.MaxPool("pool1", padding="same"),
        networks.Conv(
            "conv2",
            32,
            3,
            padding=1,
            reads=((0, 1), (0, 1), (2, 3), (1, 3)),
            stddev="he",
        ),
        networks.Conv(
            "conv3",
            32,
            3,
            padding=1,
            reads="all towers",
            random_groups=2,
            stddev="he",
        ),
        networks.Norm("norm3", 3, 2.0, 1e-2, 0.5),
        networks.Local("local4", 16, 3, stddev="he"),
        networks.AveragePool("pool4", 2, 2),
        networks.Dense("fc5", 16, stddev="he", reads="own tower"),
        networks.Dropout("drop5"),
        networks.Dense(
            "fc6",
            16,
            stddev="he",
            reads=((1,), (0,), (3,), (3,)),
            activation="tanh",
        ),
        networks.Dropout("drop6", 0.3, "inverted"),
        networks.Dense("fc7", stddev=0.3),
    ),
)
SIDE = lineage.narrow(networks.LAYERS_135)
NETWORKS = {
    "small": {},
    "other layers": {"network": exported.OTHER_LAYERS, "size": 20},
    "towers": {"network": TOWERS, "size": 30},
    "side": {"network": SIDE, "size": 88, "crop_size": lineage.CROP_SIZE},
    "original mean": {"mean": "original"},
}


def _run(path, images, output="probabilities"):
    session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run([output], {"images": images})[0]


def _run_openvino(path, images):
    openvino = pytest.importorskip(
        "openvino", reason=f"openvino is not here: {REMEDY}"
    )
    hint = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.Core().compile_model(path, "CPU", hint)
    return compiled([images])["probabilities"]


@pytest.fixture(scope="module", params=NETWORKS)
def case(request, tmp_path_factory):
    """A model, the `Pretrained`, its file and images."""
    model, found = exported.make(**NETWORKS[request.param])
    version = onnx_file.to_onnx(found, tmp_path_factory.mktemp("onnx"))
    images = exported.rendered("validation", 7, found.image_size)
    return model, found, version / "model.onnx", images


@pytest.fixture(scope="module")
def small():
    return exported.make()


@pytest.mark.parametrize("run", [_run, _run_openvino])
def test_two_runtimes_answer_as_keras(case, run):
    model, found, path, images = case

    answers = run(path, images)
    alone = run(path, images[:1])

    expected = exported.answer(model, found, images)
    np.testing.assert_allclose(answers, expected, atol=1e-5)
    np.testing.assert_allclose(alone, expected[:1], atol=1e-5)
    assert answers.dtype == np.float32
    # There is something to get wrong.
    assert expected.std(axis=0).mean() > 0.05


@pytest.mark.parametrize("mean", ["paper", "original"])
def test_ten_crops_are_those_of_the_paper(small, tmp_path, mean):
    model, found = small
    found = dataclasses.replace(found, mean=mean)
    images = exported.rendered("validation", 3)

    version = onnx_file.to_onnx(found, tmp_path, crops=10)

    # §4.1: four corners and the centre, and all five mirrored.
    pixels = images.astype(np.float32)
    whole, part = found.mean_image, found.mean_image[4:44, 4:44]
    crops = []
    for top, left in ((0, 0), (0, 8), (8, 0), (8, 8), (4, 4)):
        window = np.s_[:, top : top + 40, left : left + 40]
        # The authors' program takes the centre of the mean from every crop.
        less = pixels - whole if mean == "paper" else pixels
        for step in (1, -1):
            crop = less[window][:, :, ::step]
            crops.append(crop if mean == "paper" else crop - part)
    answers = [
        exported.softmax(model(crop.astype("f4"), training=False))
        for crop in crops
    ]
    np.testing.assert_allclose(
        _run(version / "model.onnx", images),
        np.mean(answers, axis=0),
        atol=1e-5,
    )


@pytest.mark.parametrize("crops", [1, 10])
@pytest.mark.parametrize("layer", ["pool1", "fc7"])
def test_features_are_a_layers_output_for_the_centre(
    small, tmp_path, layer, crops
):
    model, found = small
    images = exported.rendered("validation", 3)

    version = onnx_file.to_onnx(found, tmp_path, crops=crops, features=layer)

    inputs = (images - found.mean_image)[:, 4:44, 4:44].astype("f4")
    expected = models.feature_extractor(model, layer)(inputs)
    features = _run(version / "model.onnx", images, "features")
    np.testing.assert_allclose(features, expected, rtol=1e-4, atol=1e-4)
    assert features.shape == expected.shape


@pytest.mark.parametrize("run", [_run, _run_openvino])
def test_half_precision_answers_nearly_the_same(small, tmp_path, run):
    model, found = small
    images = exported.rendered("validation", 7)

    version = onnx_file.to_onnx(found, tmp_path, precision="float16")

    # 11 bits of a weight and of an activation.
    np.testing.assert_allclose(
        run(version / "model.onnx", images),
        exported.answer(model, found, images),
        atol=1e-2,
    )


def test_weights_take_their_bits(small, tmp_path):
    _, found = small
    weights = sum(array.size for array in found.arrays.values())
    mean = 40 * 40 * 3 * 4
    for precision, size in (("float32", 4), ("float16", 2)):
        version = onnx_file.to_onnx(found, tmp_path, precision=precision)
        whole = (version / "model.onnx").stat().st_size
        # The centre of the mean image, and the structure.
        assert 0 <= whole - size * weights - mean < 8192


def test_large_squares_do_not_overflow_in_half_precision(tmp_path):
    """A norm sees 300, whose square is more than float16 holds."""
    network = networks.Network(
        16, 1, (networks.Norm("norm1"), networks.Dense("fc2"))
    )
    _, found = exported.make(network, size=20)
    images = np.zeros((1, 20, 20, 3), np.uint8)
    found = dataclasses.replace(found, mean_image=np.full((20, 20, 3), 300.0))

    version = onnx_file.to_onnx(found, tmp_path, precision="float16")

    # §3.3 by hand: each channel sees all three.
    pixel = -300 / (2 + 1e-4 * 3 * 300**2) ** 0.75
    logits = pixel * found.arrays["fc2/kernel"].sum(axis=0)
    np.testing.assert_allclose(
        _run(version / "model.onnx", images)[0],
        exported.softmax(logits + found.arrays["fc2/bias"]),
        atol=2e-2,
    )


def test_metadata_say_what_a_program_must_know(case):
    _, found, path, _ = case
    session = runtime.InferenceSession(path)
    metadata = session.get_modelmeta().custom_metadata_map

    assert json.loads(metadata["class_names"]) == exported.NAMES
    assert json.loads(metadata["synsets"])[5] == "n00000005"
    assert json.loads(metadata["preprocessing"]) == {
        "channels": "RGB, 0 to 255",
        "resize": "shorter side",
        "resample": "triangle",
        "image_size": found.image_size,
        "inside": {
            "mean": found.mean,
            "crop_size": found.crop_size,
            "crops": 1,
        },
    }


def test_inputs_outputs_and_layers_are_as_described(case):
    _, found, path, _ = case
    session = runtime.InferenceSession(path)
    (images,), (probabilities,) = session.get_inputs(), session.get_outputs()
    assert (images.name, images.type) == ("images", "tensor(uint8)")
    assert images.shape == ["n", found.image_size, found.image_size, 3]
    assert probabilities.name == "probabilities"
    assert probabilities.shape == ["n", 6]
    model = onnx.load(path)
    assert [o.version for o in model.opset_import] == [17]
    # Layers are called as in Keras; inverted dropout is none.
    nodes = {node.name for node in model.graph.node}
    for layer in found.network.layers:
        is_there = getattr(layer, "scaling", "paper") == "paper"
        assert (layer.name in nodes) == is_there


def test_convolutions_of_towers_are_groups(small):
    _, found = small
    found = dataclasses.replace(
        found, **_shapes(lineage.narrow(networks.PAPER))
    )

    nodes = {n.name: n for n in onnx_file.make_model(found).graph.node}

    # The rectifiers bear the layers' names; what they read are convolutions.
    groups = {}
    for name in ("conv1", "conv2", "conv3", "conv4", "conv5"):
        convolution = nodes[nodes[name].input[0]]
        assert convolution.op_type == "Conv"
        (group,) = (a.i for a in convolution.attribute if a.name == "group")
        groups[name] = group
    # Figure 2: conv3 alone sees both towers.
    assert list(groups.values()) == [1, 2, 1, 2, 2]
    norm = next(n for n in nodes.values() if n.op_type == "LRN")
    constants = {a.name: a.f or a.i for a in norm.attribute}
    # ONNX divides alpha by n = 5.
    assert constants == pytest.approx(
        {"size": 5, "alpha": 5e-4, "beta": 0.75, "bias": 2.0}
    )
    kinds = {n.op_type for n in nodes.values()}
    assert {"Gemm", "LRN", "MaxPool"} <= kinds
    assert "Dropout" not in kinds


def _shapes(network):
    """Returns fields of a `Pretrained` of a network for 80 of 88 pixels."""
    _, found = exported.make(network, size=88, crop_size=lineage.CROP_SIZE)
    return {
        field: getattr(found, field)
        for field in (
            "network",
            "arrays",
            "mean_image",
            "image_size",
            "crop_size",
        )
    }


def test_a_failed_export_leaves_nothing(small, tmp_path, monkeypatch):
    def cut_off(proto, path):
        pathlib.Path(path).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("onnx.save", cut_off)

    with pytest.raises(OSError, match="No space left"):
        onnx_file.to_onnx(small[1], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_versions_are_counted_over_all_formats(small, tmp_path):
    (tmp_path / "3").mkdir()

    assert onnx_file.to_onnx(small[1], tmp_path) == tmp_path / "4"


_PAPER = """
import resource, sys
import numpy as np
from alexnet_tf import build, networks, weights
from alexnet_tf.export import onnx_file
from alexnet_tf.weights.pretrained import Pretrained

arrays = weights.to_arrays(build(networks.PAPER, 1000))
names = [str(label) for label in range(1000)]
mean = np.zeros((256, 256, 3))
found = Pretrained(networks.PAPER, arrays, names, names, mean, 224)
usage = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before = usage()
onnx_file.to_onnx(found, sys.argv[1])
print(usage() - before)
"""


@pytest.mark.slow
def test_the_papers_network_takes_a_gigabyte_more_at_most(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", _PAPER, tmp_path],
        cwd=programs.ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert int(done.stdout) < 1e6
    # 60,965,224 weights of four bytes, and the centre of the mean image.
    size = (tmp_path / "1" / "model.onnx").stat().st_size
    assert size - 4 * (60_965_224 + 3 * 224**2) < 30_000


def test_missing_package_is_named_with_its_remedy(small, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)

    with pytest.raises(ValueError, match="onnx must be installed.*export"):
        onnx_file.to_onnx(small[1], tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"crops": 5}, "crops must be 1 or 10. Received: 5"),
        ({"features": "fc9"}, "features must be one of conv1, .*Received: fc9"),
        ({"precision": "int8"}, "one of float32, float16 for ONNX.*int8"),
    ],
)
def test_refuses_other_choices(small, arguments, words):
    with pytest.raises(ValueError, match=words):
        onnx_file.make_model(small[1], **arguments)


def test_refuses_what_has_no_like_by_name(small):
    class Attention(networks.MaxPool):
        pass

    network = small[1].network.insert_behind("pool1", Attention("attention1"))
    found = dataclasses.replace(small[1], network=network)

    with pytest.raises(ValueError, match="attention1 must have a like in ONNX"):
        onnx_file.make_model(found)
    nameless = dataclasses.replace(small[1], mean_image=None)
    with pytest.raises(ValueError, match="mean image must be known"):
        onnx_file.make_model(nameless)


def test_refuses_more_than_a_file_can_hold(small, monkeypatch):
    monkeypatch.setattr(onnx_file, "_LARGEST", 3000)

    with pytest.raises(ValueError, match="smaller than 2 GB.*saved_model"):
        onnx_file.make_model(small[1])
