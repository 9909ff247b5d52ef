"""The client against a stand-in that speaks TF Serving's protocols."""

import pytest

pytest.importorskip(
    "tensorflow_serving", reason="needs pip install 'alexnet-tf[serving]'"
)

import numpy as np
import served
import tensorflow as tf
import tf_serving
from programs import ROOT, run

from alexnet_tf.export import warmup
from alexnet_tf.serving import client


@pytest.fixture(scope="module")
def version(tmp_path_factory):
    return served.make_version(tmp_path_factory.mktemp("export"))


@pytest.fixture(scope="module")
def addresses(version):
    with tf_serving.serve(version) as addresses:
        yield dict(zip(("rest", "grpc"), addresses, strict=True))


@pytest.mark.parametrize("protocol", ["rest", "grpc"])
@pytest.mark.parametrize("signature", ["serving_default", "ten_crop"])
def test_the_wire_brings_the_models_answer(
    version, addresses, protocol, signature
):
    image = served.photograph(3)
    model = tf.saved_model.load(str(version))
    expected = model.signatures[signature](image_bytes=tf.constant([image]))

    names, probabilities = client.connect(addresses[protocol])(image, signature)

    assert names == [n.decode() for n in expected["class_names"][0].numpy()]
    np.testing.assert_allclose(
        probabilities, expected["probabilities"][0], atol=1e-6
    )


@pytest.mark.parametrize("protocol", ["rest", "grpc"])
def test_a_refusal_comes_through_and_the_next_is_answered(addresses, protocol):
    ask = client.connect(addresses[protocol])

    with pytest.raises(ValueError, match="JPEG or PNG"):
        ask(b"no image")

    assert len(ask(served.photograph())[0]) == 5


@pytest.mark.parametrize("protocol", ["rest", "grpc"])
def test_another_model_is_no_answer(addresses, protocol):
    with pytest.raises(ConnectionError, match="must answer"):
        client.connect(addresses[protocol], "other")(served.photograph())


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:9", "grpc://127.0.0.1:9"]
)
def test_nobody_there(address):
    with pytest.raises(ConnectionError, match="must answer"):
        client.connect(address)(served.photograph())


@pytest.mark.parametrize("address", ["localhost:8501", "ftp://x", "http://"])
def test_refuses_other_addresses(address):
    with pytest.raises(ValueError, match="server must be http://"):
        client.connect(address)


@pytest.mark.slow
def test_classify_asks_a_server_and_names_what_it_refuses(addresses, tmp_path):
    (tmp_path / "good.jpg").write_bytes(served.photograph())
    (tmp_path / "bad.jpg").write_bytes(b"no image")

    done = run(
        "classify",
        f"--server={addresses['grpc']}",
        tmp_path / "bad.jpg",
        tmp_path / "good.jpg",
        status=1,
    )

    assert "good.jpg\n" in done.stdout
    assert done.stdout.count("%  class ") == 5
    assert "bad.jpg: An image must be" in done.stderr


def test_warm_up_requests_are_those_that_tf_serving_replays(version):
    from tensorflow_serving.apis import prediction_log_pb2

    model = tf.saved_model.load(str(version))
    seen = []
    for record in tf.data.TFRecordDataset(str(version / warmup.FILE_NAME)):
        log = prediction_log_pb2.PredictionLog.FromString(record.numpy())
        request = log.predict_log.request
        images = tf.make_ndarray(request.inputs["image_bytes"])
        name = request.model_spec.signature_name
        found = model.signatures[name](image_bytes=tf.constant(images))
        seen.append((name, len(found["probabilities"])))

    assert seen == [
        ("serving_default", 1),
        ("serving_default", 32),
        ("ten_crop", 1),
        ("ten_crop", 32),
    ]


def test_tf_servings_settings_are_such_as_it_reads():
    """Against the published protos, as far as they are in the package."""
    from google.protobuf import text_format
    from tensorflow_serving.config import model_server_config_pb2

    text = (ROOT / "configs/tf_serving/models.config").read_text()
    config = text_format.Parse(
        text, model_server_config_pb2.ModelServerConfig()
    )

    (model,) = config.model_config_list.config
    assert (model.name, model.base_path) == ("alexnet", "/models/alexnet")
