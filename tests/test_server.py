"""`tools.serve` over the wire, with the client that asks TF Serving."""

import concurrent.futures
import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

pytest.importorskip("kserve", reason="needs pip install 'alexnet-tf[serving]'")

import numpy as np
import served
import tensorflow as tf
from programs import ROOT, run
from runs import NETWORK

import alexnet_tf
from alexnet_tf import weights
from alexnet_tf.serving import client

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def version(tmp_path_factory):
    return served.make_version(tmp_path_factory.mktemp("export"))


@pytest.fixture(scope="module")
def address(version):
    """The address of a running server."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tools.serve",
            f"--model={version.parent}",
            f"--port={port}",
        ],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            assert process.poll() is None
            try:
                _get(f"{address}/v2/health/live")
                break
            except OSError:
                time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait(30)


def _get(url):
    with urllib.request.urlopen(url, timeout=30) as response:
        return response.read().decode()


def _post(address, body):
    """Returns status and body of a request."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(
        f"{address}/v1/models/alexnet:predict",
        data,
        {"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def _instance(image_bytes):
    import base64

    return {"b64": base64.b64encode(image_bytes).decode()}


@pytest.mark.parametrize("signature", ["serving_default", "ten_crop"])
def test_the_answer_is_the_exported_models(version, address, signature):
    image = served.photograph(3)
    model = tf.saved_model.load(str(version))
    expected = model.signatures[signature](image_bytes=tf.constant([image]))

    names, probabilities = client.connect(address)(image, signature)

    assert names == [n.decode() for n in expected["class_names"][0].numpy()]
    np.testing.assert_allclose(
        probabilities, expected["probabilities"][0], atol=1e-5
    )


def test_features_and_the_first_layer_are_answered(address):
    images = [_instance(served.photograph(i)) for i in range(2)]

    for signature in ("features", "conv1"):
        status, body = _post(
            address, {"signature_name": signature, "instances": images}
        )
        assert status == 200
        assert len(body["predictions"]) == 2
        # A single output stands without its name, as from TF Serving.
        assert isinstance(body["predictions"][0], list)


def test_many_at_once_get_their_own_answers(address):
    images = [served.photograph(i) for i in range(10)] * 4
    ask = client.connect(address)
    alone = [ask(image) for image in images[:10]]

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        found = list(pool.map(ask, images))

    for place, (names, probabilities) in enumerate(found):
        assert names == alone[place % 10][0]
        np.testing.assert_allclose(
            probabilities, alone[place % 10][1], atol=1e-5
        )


@pytest.mark.parametrize("kind", served.BAD)
def test_a_bad_image_is_named_by_its_position(address, kind):
    good = _instance(served.photograph())
    bad = _instance(served.BAD[kind])

    status, body = _post(address, {"instances": [good, good, bad]})

    assert status == 400
    assert body["error"].startswith("Image 2 must be a whole JPEG or PNG")
    assert _post(address, {"instances": [good]})[0] == 200


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", ""),
        ([], "must be a JSON object"),
        ({"instances": []}, "one image or more"),
        ({}, "one image or more"),
        ({"instances": ["text"]}, "Image 0 must be"),
        ({"instances": [{"b64": "no base64!"}]}, "Image 0 must be"),
        ({"instances": [{"b64": ""}] * 1000}, "at most 256 images.*1000"),
        ({"signature_name": "x", "instances": [{}]}, "signature_name must be"),
    ],
)
def test_a_bad_request_gets_a_message(address, body, words):
    import re

    status, found = _post(address, body)

    assert status == 400
    assert re.search(words, found["error"])
    good = {"instances": [_instance(served.photograph())]}
    assert _post(address, good)[0] == 200


def test_a_body_without_a_content_type_is_json(address):
    body = {"instances": [_instance(served.photograph())]}
    request = urllib.request.Request(
        f"{address}/v1/models/alexnet:predict",
        json.dumps(body).encode(),
        # What curl -d says.
        {"Content-Type": "application/x-www-form-urlencoded"},
    )

    with urllib.request.urlopen(request, timeout=60) as response:
        assert len(json.load(response)["predictions"]) == 1


def test_it_tells_which_classes_are_alike(version, address):
    network = alexnet_tf.build(NETWORK, 6, native_ops_only=True)
    kernel = weights.to_arrays(network)["fc8/kernel"].astype(np.float64)
    columns = kernel / np.linalg.norm(kernel, axis=0)
    cosines = columns.T @ columns
    expected = [i for i in np.argsort(-cosines[2]) if i != 2]

    found = json.loads(_get(f"{address}/similar/2"))["classes"]

    assert [c["name"] for c in found] == [f"class {i}" for i in expected]
    np.testing.assert_allclose(
        [c["cosine"] for c in found], cosines[2][expected], atol=1e-5
    )
    with pytest.raises(urllib.error.HTTPError, match="404"):
        _get(f"{address}/similar/6")


def test_it_tells_of_its_health_and_its_work(address):
    client.connect(address)(served.photograph())

    assert json.loads(_get(f"{address}/v1/models/alexnet"))["ready"]
    assert "request_predict_seconds_count" in _get(f"{address}/metrics")
    assert "/v1/models/alexnet:predict" in _get(f"{address}/page")


def test_refuses_a_folder_without_a_model(tmp_path):
    done = run("serve", f"--model={tmp_path}", status=1)

    assert "holds no exported model" in done.stderr
