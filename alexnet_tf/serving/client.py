"""Asks a server: TF Serving by REST or gRPC, or `tools.serve`."""

import base64
import http.client
import json
import re
import urllib.error
import urllib.parse
import urllib.request

_SECONDS = 60


class RestClient:
    """Asks by HTTP.

    Args:
        address: Such as "http://localhost:8501".
        name: Of the model.
    """

    def __init__(self, address, name="alexnet"):
        self.url = f"{address.rstrip('/')}/v1/models/{name}:predict"

    def __call__(self, image_bytes, signature="serving_default"):
        """Returns the class names and probabilities of an image, best first.

        Raises:
            ConnectionError: Nobody answers there, or not as it should.
            ValueError: The server refuses the image.
        """
        body = {
            "signature_name": signature,
            "instances": [{"b64": base64.b64encode(image_bytes).decode()}],
        }
        request = urllib.request.Request(
            self.url,
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS) as response:
                found = json.load(response)["predictions"][0]
                return found["class_names"], found["probabilities"]
        except urllib.error.HTTPError as error:
            words = error.read().decode(errors="replace")
            if error.code != 400:
                raise ConnectionError(
                    f"{self.url} must answer. It says {error.code}: "
                    f"{_message(words)}"
                ) from None
            raise ValueError(_message(words)) from None
        except (OSError, http.client.HTTPException) as error:
            found = getattr(error, "reason", None) or repr(error)
            raise ConnectionError(
                f"{self.url} must answer. Found: {found}. Is the "
                "server up? Start one with: python -m tools.serve --help"
            ) from None
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise ConnectionError(
                f"{self.url} must answer as TF Serving does. Found: "
                f"{type(error).__name__}: {error}"
            ) from None


class GrpcClient:
    """Asks TF Serving by gRPC.

    Args:
        address: Such as "localhost:8500".
        name: Of the model.

    Raises:
        ValueError: `tensorflow-serving-api` is not installed.
    """

    def __init__(self, address, name="alexnet"):
        try:
            import grpc
            from tensorflow_serving.apis import (
                predict_pb2,
                prediction_service_pb2_grpc,
            )
        except ImportError:
            raise ValueError(
                "tensorflow-serving-api must be installed for grpc:// "
                "servers. Install it with: pip install 'alexnet-tf[serving]'"
            ) from None
        self.grpc, self.predict_pb2 = grpc, predict_pb2
        self.address, self.name = address, name
        channel = grpc.insecure_channel(
            address, [("grpc.max_send_message_length", -1)]
        )
        self.stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)

    def __call__(self, image_bytes, signature="serving_default"):
        """Returns the class names and probabilities of an image, best first.

        Raises:
            ConnectionError: Nobody answers there.
            ValueError: The server refuses the image.
        """
        import tensorflow as tf

        request = self.predict_pb2.PredictRequest()
        request.model_spec.name = self.name
        request.model_spec.signature_name = signature
        request.inputs["image_bytes"].CopyFrom(
            tf.make_tensor_proto([image_bytes])
        )
        try:
            found = self.stub.Predict(request, timeout=_SECONDS).outputs
        except self.grpc.RpcError as error:
            if error.code() == self.grpc.StatusCode.INVALID_ARGUMENT:
                raise ValueError(clean_tf_error(error.details())) from None
            raise ConnectionError(
                f"grpc://{self.address} must answer. Found: "
                f"{error.code().name}: {error.details()}"
            ) from None
        names, probabilities = (
            tf.make_ndarray(found[name])[0].tolist()
            for name in ("class_names", "probabilities")
        )
        return [name.decode() for name in names], probabilities


def connect(server, name="alexnet"):
    """Returns the client of a server.

    Args:
        server: "http://HOST:PORT", "https://HOST:PORT" or "grpc://HOST:PORT".
        name: Of the model.

    Raises:
        ValueError: It is written otherwise.
    """
    parts = urllib.parse.urlsplit(server)
    if parts.scheme in ("http", "https") and parts.netloc:
        return RestClient(server, name)
    if parts.scheme == "grpc" and parts.netloc:
        return GrpcClient(parts.netloc, name)
    raise ValueError(
        "server must be http://HOST:PORT or grpc://HOST:PORT. "
        f"Received: {server}"
    )


def clean_tf_error(text):
    """Returns a message of TensorFlow's without its graph and its traceback."""
    ours = re.search(r"assertion failed: \[(.*?)\]\s*(?:\[\[|\n|$)", text, re.S)
    if ours:
        return ours.group(1).replace("] [", " ")
    text = text.split("<stack traces unavailable>")[-1]
    return " ".join(re.sub(r"\[\[.*|\[Op:.*", "", text, flags=re.S).split())


def _message(text):
    """Returns the words of an error's body."""
    try:
        return clean_tf_error(str(json.loads(text)["error"]))
    except (ValueError, KeyError, TypeError):
        return text[:200]
