"""A SavedModel with its weights inside answers as the plain one."""

import exported
import numpy as np
import pytest
import simplejpeg
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

import alexnet_tf
from alexnet_tf import export, weights
from alexnet_tf.export import frozen


@pytest.fixture(scope="module")
def small():
    return exported.make()


@pytest.fixture(scope="module")
def version(small, tmp_path_factory):
    folder = tmp_path_factory.mktemp("frozen")
    return frozen.export_frozen(exported.classifier(*small), folder)


@pytest.fixture(scope="module")
def plain(small, tmp_path_factory):
    folder = tmp_path_factory.mktemp("plain")
    version = export.export(exported.classifier(*small), folder)
    return tf.saved_model.load(str(version))


def _inputs(signature):
    """Returns three images as a signature takes them, by name."""
    images = exported.rendered("validation", 3)
    (name,) = signature.structured_input_signature[1]
    if name == "images":
        return {name: tf.constant(images)}
    return {name: tf.constant([simplejpeg.encode_jpeg(i) for i in images])}


def test_every_signature_gives_the_plain_models_answer(version, plain):
    loaded = tf.saved_model.load(str(version))

    names = ["preprocess", "serving_default", "tensor"]
    assert sorted(loaded.signatures) == names
    for name in names:
        signature = plain.signatures[name]
        inputs = _inputs(signature)
        found, expected = loaded.signatures[name](**inputs), signature(**inputs)
        assert sorted(found) == sorted(expected)
        for key, values in expected.items():
            if values.dtype == tf.float32:
                np.testing.assert_allclose(
                    found[key], values, rtol=1e-4, atol=1e-5
                )
            else:
                np.testing.assert_array_equal(found[key], values)


def test_no_images_get_no_answers(version):
    tensor = tf.saved_model.load(str(version)).signatures["tensor"]

    found = tensor(images=tf.zeros((0, 48, 48, 3), tf.uint8))

    assert found["probabilities"].shape == (0, 5)


def test_weights_are_constants_and_stand_in_the_file_once(small, version):
    contents = (version / "saved_model.pb").read_bytes()
    graph = saved_model_pb2.SavedModel.FromString(contents).meta_graphs[0]
    nodes = [
        node
        for function in graph.graph_def.library.function
        for node in function.node_def
    ]

    # What TF Serving's own build may lack.
    assert not {n.op for n in nodes} & {"VarHandleOp", "ReadVariableOp"}
    for function in graph.graph_def.library.function:
        assert not function.attr["_XlaMustCompile"].b, function.signature.name
    for name, array in small[1].arrays.items():
        if name.endswith("kernel"):
            assert contents.count(array.tobytes()) == 1, name


def test_a_session_serves_it_as_tf_serving_does(version, plain):
    image = exported.rendered("validation", 1)
    graph = tf.Graph()
    with graph.as_default(), tf.compat.v1.Session(graph=graph) as session:
        loaded = tf.compat.v1.saved_model.load(session, ["serve"], str(version))
        signature = loaded.signature_def["tensor"]
        found = session.run(
            signature.outputs["probabilities"].name,
            {signature.inputs["images"].name: image},
        )

    expected = plain.signatures["tensor"](images=tf.constant(image))
    np.testing.assert_allclose(found, expected["probabilities"], atol=1e-5)


def test_bfloat16_answers_nearly_the_same(small, plain, tmp_path):
    model = alexnet_tf.build(
        small[1].network,
        6,
        native_ops_only=True,
        precision="mixed_bfloat16",
    )
    weights.from_arrays(model, small[1].arrays)
    classifier = exported.classifier(model, small[1])

    version = frozen.export_frozen(classifier, tmp_path)

    inputs = {"images": tf.constant(exported.rendered("validation", 7))}
    loaded = tf.saved_model.load(str(version))
    found = loaded.signatures["tensor"](**inputs)["probabilities"]
    expected = plain.signatures["tensor"](**inputs)["probabilities"]
    # 8 bits of a weight and of an activation; what is one is not exact.
    np.testing.assert_allclose(found, expected, atol=0.05)
    assert np.any(found != expected)
