"""What the server answers by TF Serving's two protocols."""

import base64
import concurrent.futures
import json
import re

import pytest

pytest.importorskip(
    "tensorflow_serving", reason="needs pip install 'alexnet-tf[serving]'"
)

import grpc
import numpy as np
import served
import tensorflow as tf
from grpc_health.v1 import health_pb2, health_pb2_grpc
from runs import NETWORK
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

import alexnet_tf
from alexnet_tf import weights
from alexnet_tf.serving import client

PREDICT = "/v1/models/alexnet:predict"


@pytest.fixture(scope="module")
def version(tmp_path_factory):
    return served.make_version(tmp_path_factory.mktemp("export"))


@pytest.fixture(scope="module")
def model(version):
    return tf.saved_model.load(str(version))


@pytest.fixture(scope="module")
def server(version):
    with served.run_server(version.parent) as server:
        yield server


@pytest.fixture(scope="module")
def channel(server):
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
        yield channel


def _instance(image_bytes):
    return {"b64": base64.b64encode(image_bytes).decode()}


def _predict(server, body, path=PREDICT):
    """Returns status and body of a request."""
    status, _, text = served.ask(server.http + path, body)
    return status, json.loads(text)


def test_where_the_network_looked(model, server):
    images = [served.photograph(seed) for seed in (3, 4)]
    body = {
        "signature_name": "explain",
        "instances": [_instance(image) for image in images],
    }

    status, answer = _predict(server, body)

    expected = model.signatures["explain"](image_bytes=tf.constant(images))
    assert status == 200
    scale = expected["map"].numpy().max()
    np.testing.assert_allclose(
        answer["predictions"], expected["map"], atol=1e-4 * scale
    )


@pytest.mark.parametrize("protocol", ["http", "grpc"])
@pytest.mark.parametrize("signature", ["serving_default", "ten_crop"])
def test_the_answer_is_the_exported_models(model, server, protocol, signature):
    image = served.photograph(3)
    expected = model.signatures[signature](image_bytes=tf.constant([image]))

    ask = client.connect(getattr(server, protocol))
    names, probabilities = ask(image, signature)

    assert names == [n.decode() for n in expected["class_names"][0].numpy()]
    np.testing.assert_allclose(
        probabilities, expected["probabilities"][0], atol=1e-6
    )


@pytest.mark.parametrize("in_rows", [True, False])
@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize(
    "signature", ["serving_default", "features", "conv1", "preprocess"]
)
def test_rows_and_columns_hold_the_same(
    model, server, signature, in_rows, named
):
    files = [served.photograph(i) for i in (1, 2)]
    expected = model.signatures[signature](image_bytes=tf.constant(files))
    images = [_instance(file) for file in files]
    if in_rows:
        rows = [{"image_bytes": i} for i in images] if named else images
        body = {"signature_name": signature, "instances": rows}
    else:
        inputs = {"image_bytes": images} if named else images
        body = {"signature_name": signature, "inputs": inputs}

    status, found = _predict(server, body)

    assert status == 200
    found = found["predictions" if in_rows else "outputs"]
    if len(expected) == 1:
        # The name of a single output is left out, as by TF Serving.
        (name,) = expected
        found = [{name: x} for x in found] if in_rows else {name: found}
    for name, values in expected.items():
        values = values.numpy()
        if values.dtype == object:
            values = np.char.decode(values.astype(bytes))
        mine = [row[name] for row in found] if in_rows else found[name]
        if values.dtype.kind == "f":
            np.testing.assert_allclose(mine, values, atol=1e-6)
        else:
            np.testing.assert_array_equal(mine, values)


def test_pixels_are_taken_as_numbers(model, server):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (2, 48, 48, 3), np.uint8)
    expected = model.signatures["tensor"](images=tf.constant(images))
    body = {"signature_name": "tensor", "instances": images.tolist()}

    _, rows = _predict(server, body)
    body = {"signature_name": "tensor", "inputs": {"images": images.tolist()}}
    _, columns = _predict(server, body)

    for found in (
        [row["probabilities"] for row in rows["predictions"]],
        columns["outputs"]["probabilities"],
    ):
        np.testing.assert_allclose(found, expected["probabilities"], atol=1e-6)


@pytest.mark.parametrize("kind", served.GOOD)
def test_odd_but_whole_images_get_the_models_answer(model, server, kind):
    image = served.GOOD[kind]
    call = model.signatures["serving_default"]
    expected = call(image_bytes=tf.constant([image]))["probabilities"][0]

    _, probabilities = client.connect(server.grpc)(image)

    np.testing.assert_allclose(probabilities, expected, atol=1e-6)


def test_many_at_once_get_their_own_answers(server):
    images = [served.photograph(i) for i in range(10)] * 4
    ask = client.connect(server.http)
    alone = [ask(image) for image in images[:10]]

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        found = list(pool.map(ask, images))

    for place, (names, probabilities) in enumerate(found):
        assert names == alone[place % 10][0]
        np.testing.assert_allclose(
            probabilities, alone[place % 10][1], atol=1e-6
        )


@pytest.mark.parametrize("kind", served.BAD)
def test_a_bad_image_is_named_by_its_position_and_no_other(server, kind):
    good = _instance(served.photograph())
    bad = _instance(served.BAD[kind])

    status, body = _predict(server, {"instances": [good, good, bad]})

    assert status == 400
    assert body["error"].startswith("Image 2 must be a whole JPEG or PNG")
    assert "Image:" not in body["error"]
    assert _predict(server, {"instances": [good]})[0] == 200


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "must be JSON"),
        (b"[" * 100_000, "must be JSON"),
        (b'{"instances":' + b"[" * 100_000, "must be JSON"),
        (b"\xff\xfe", "must be JSON"),
        (b"[]", "must be a JSON object"),
        ({"instances": []}, "one image or more"),
        ({}, "either"),
        ({"instances": [], "inputs": []}, "either"),
        ({"instances": {}}, "must be a list"),
        ({"instances": ["text"]}, "Image 0 must be"),
        ({"instances": [{"b64": "no base64!"}]}, "Image 0 must be"),
        ({"instances": [{"b64": 7}]}, "Image 0 must be"),
        ({"instances": [{"other": 7}]}, "one input image_bytes"),
        ({"instances": [{"b64": ""}] * 1000}, "at most 256 images.*1000"),
        ({"signature_name": "x", "instances": [{}]}, "signature_name must be"),
        ({"signature_name": ["x"]}, "signature_name must be"),
        ({"signature_name": "tensor", "instances": [[[1]]]}, "images must be"),
        (
            {"signature_name": "tensor", "instances": [[[[256] * 3]]]},
            "images must be",
        ),
        (
            {"signature_name": "conv1", "instances": [{"b64": ""}] * 250},
            None,
        ),
    ],
)
def test_a_bad_request_gets_a_message(server, body, words):
    status, found = _predict(server, body)

    assert status == 400
    assert words is None or re.search(words, found["error"])
    good = {"instances": [_instance(served.photograph())]}
    assert _predict(server, good)[0] == 200


def test_what_a_client_says_is_not_repeated_at_length(server):
    long = "x" * 5_000_000
    body = {"signature_name": long, "instances": [{"b64": ""}]}

    status, found = _predict(server, body)

    assert status == 400
    assert len(json.dumps(found)) < 500
    assert "5000000 characters" in found["error"]


def test_a_body_without_a_content_type_is_json(server):
    body = {"instances": [_instance(served.photograph())]}
    # What curl -d says.
    kind = {"Content-Type": "application/x-www-form-urlencoded"}

    status, _, _ = served.ask(server.http + PREDICT, body, **kind)

    assert status == 200


def test_status_and_metadata_are_tf_servings(server, version):
    _, status = _predict(server, None, "/v1/models/alexnet")
    _, metadata = _predict(server, None, "/v1/models/alexnet/metadata")

    assert status == {
        "model_version_status": [
            {
                "version": "1",
                "state": "AVAILABLE",
                "status": {"error_code": "OK", "error_message": ""},
            }
        ]
    }
    assert metadata["model_spec"]["version"] == "1"
    signatures = metadata["metadata"]["signature_def"]["signature_def"]
    taken = signatures["tensor"]["inputs"]["images"]
    assert taken["dtype"] == "DT_UINT8"
    sizes = [int(d["size"]) for d in taken["tensor_shape"]["dim"]]
    assert sizes == [-1, 48, 48, 3]


@pytest.mark.parametrize(
    "path",
    [
        "/v1/models/other",
        "/v1/models/alexnet/versions/9",
        "/v1/models/other:predict",
        "/v1/models/alexnet/versions/9:predict",
        "/v2/repository/index",
        "/docs",
        "/openapi.json",
        "/page/../server.py",
        "/x",
    ],
)
def test_what_is_not_there_is_said_in_json(server, path):
    body = b"{}" if path.endswith("predict") else None

    status, found = _predict(server, body, path)

    assert status == 404
    assert found["error"]


def test_nobody_can_switch_the_model_off(server):
    status, _ = _predict(server, b"", "/v2/repository/models/alexnet/unload")

    assert status == 404
    good = {"instances": [_instance(served.photograph())]}
    assert _predict(server, good)[0] == 200


def test_it_tells_of_its_health_and_its_work(server):
    client.connect(server.http)(served.photograph())

    live, _, _ = served.ask(server.http + "/health/live")
    ready, _, _ = served.ask(server.http + "/health/ready")
    text = served.ask(server.http + "/metrics")[2].decode()

    assert (live, ready) == (200, 200)
    for line in (
        r'alexnet_requests_total{code="200",protocol="rest"} [1-9]',
        r'alexnet_stage_seconds_count{stage="decode"} [1-9]',
        r"alexnet_batch_images_count [1-9]",
        r"alexnet_waiting_images 0",
        r'alexnet_version_state{state="AVAILABLE",version="1"} 1',
    ):
        assert re.search(line.replace("{", r"\{"), text), line


def test_it_tells_which_classes_are_alike(server):
    network = alexnet_tf.build(NETWORK, 6, native_ops_only=True)
    kernel = weights.to_arrays(network)["fc8/kernel"].astype(np.float64)
    columns = kernel / np.linalg.norm(kernel, axis=0)
    cosines = columns.T @ columns

    status, _, text = served.ask(
        server.http + "/page/classes", served.photograph()
    )

    assert status == 200
    found = json.loads(text)
    best = int(found["class_names"][0].split()[1])
    # What is at a right angle or beyond is not alike.
    expected = [
        i
        for i in np.argsort(-cosines[best])
        if i != best and cosines[best, i] > 0
    ]
    assert 0 < len(expected) < 5
    assert [c["name"] for c in found["similar"]] == [
        f"class {i}" for i in expected
    ]
    np.testing.assert_allclose(
        [c["cosine"] for c in found["similar"]],
        cosines[best][expected],
        atol=1e-5,
    )


def _call(channel, **changes):
    """Returns a request by gRPC with one image, changed, and its answer."""
    request = predict_pb2.PredictRequest()
    request.model_spec.name = changes.get("name", "alexnet")
    request.model_spec.signature_name = changes.get("signature", "")
    if "version" in changes:
        request.model_spec.version.value = changes["version"]
    for name, value in changes.get(
        "inputs", {"image_bytes": [served.photograph()]}
    ).items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    return stub.Predict(request, timeout=60)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"name": "other"}, "NOT_FOUND"),
        ({"version": 9}, "NOT_FOUND"),
        ({"signature": "x"}, "INVALID_ARGUMENT"),
        ({"inputs": {}}, "INVALID_ARGUMENT"),
        ({"inputs": {"other": [1]}}, "INVALID_ARGUMENT"),
        ({"inputs": {"image_bytes": [1.0]}}, "INVALID_ARGUMENT"),
        ({"inputs": {"image_bytes": b"no vector"}}, "INVALID_ARGUMENT"),
        ({"inputs": {"image_bytes": [b"no image"]}}, "INVALID_ARGUMENT"),
        (
            {
                "signature": "tensor",
                "inputs": {"images": np.zeros((1, 3, 3, 3), np.uint8)},
            },
            "INVALID_ARGUMENT",
        ),
    ],
)
def test_a_bad_call_gets_a_code_of_grpc(channel, changes, code):
    with pytest.raises(grpc.RpcError) as caught:
        _call(channel, **changes)

    assert caught.value.code().name == code
    assert _call(channel, version=1).model_spec.version.value == 1


def test_a_tensor_that_lies_about_its_size_is_refused(channel):
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "alexnet"
    request.inputs["image_bytes"].dtype = tf.string.as_datatype_enum
    request.inputs["image_bytes"].tensor_shape.dim.add().size = 10**9
    request.inputs["image_bytes"].string_val.append(b"one")
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)

    with pytest.raises(grpc.RpcError) as caught:
        stub.Predict(request, timeout=60)

    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT


def test_pixels_are_taken_by_grpc(model, channel):
    images = np.random.default_rng(1).integers(0, 256, (3, 48, 48, 3), np.uint8)
    expected = model.signatures["tensor"](images=tf.constant(images))

    found = _call(channel, signature="tensor", inputs={"images": images})

    np.testing.assert_allclose(
        tf.make_ndarray(found.outputs["probabilities"]),
        expected["probabilities"],
        atol=1e-6,
    )


def test_status_metadata_and_health_by_grpc(channel):
    status = model_service_pb2_grpc.ModelServiceStub(channel).GetModelStatus(
        get_model_status_pb2.GetModelStatusRequest(
            model_spec={"name": "alexnet"}
        )
    )
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    metadata = stub.GetModelMetadata(
        get_model_metadata_pb2.GetModelMetadataRequest(
            model_spec={"name": "alexnet"}, metadata_field=["signature_def"]
        )
    )
    health = health_pb2_grpc.HealthStub(channel).Check(
        health_pb2.HealthCheckRequest()
    )

    (found,) = status.model_version_status
    assert (found.version, found.State.Name(found.state)) == (1, "AVAILABLE")
    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert metadata.metadata["signature_def"].Unpack(signatures)
    assert "ten_crop" in signatures.signature_def
    assert health.status == health_pb2.HealthCheckResponse.SERVING
