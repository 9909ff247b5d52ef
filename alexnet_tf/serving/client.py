"""Asks a server: TF Serving by REST or gRPC, or `tools.serve`."""

import base64
import http.client
import json
import re
import urllib.parse

_SECONDS = 60
# What a server says of a request that it will not answer, whoever asks.
_REFUSED = (400, 413)


class RestClient:
    """Asks by HTTP.

    Args:
        address: Such as "http://localhost:8501".
        name: Of the model.
        key: For a server that wants one.
    """

    def __init__(self, address, name="alexnet", key=None):
        parts = urllib.parse.urlsplit(address)
        self._connect = (
            http.client.HTTPSConnection
            if parts.scheme == "https"
            else http.client.HTTPConnection
        )
        self.host = parts.netloc
        self.path = f"{parts.path.rstrip('/')}/v1/models/{name}:predict"
        self.url = f"{parts.scheme}://{self.host}{self.path}"
        self.headers = {"Content-Type": "application/json"}
        if key:
            self.headers["Authorization"] = f"Bearer {key}"

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
        try:
            status, text = self._ask(json.dumps(body).encode())
        except (OSError, http.client.HTTPException) as error:
            raise ConnectionError(
                f"{self.url} must answer. Found: "
                f"{str(error) or repr(error)}. Is the server up? Start one "
                "with: python -m tools.serve --help"
            ) from None
        if status in _REFUSED:
            raise ValueError(_message(text))
        if status != 200:
            raise ConnectionError(
                f"{self.url} must answer. It says {status}: {_message(text)}"
            )
        try:
            found = json.loads(text)["predictions"][0]
            return found["class_names"], found["probabilities"]
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise ConnectionError(
                f"{self.url} must answer as TF Serving does. Found: "
                f"{type(error).__name__}: {error}"
            ) from None

    def _ask(self, body):
        """Returns the status and the text of an answer."""
        connection = self._connect(self.host, timeout=_SECONDS)
        try:
            try:
                connection.request("POST", self.path, body, self.headers)
            except (BrokenPipeError, ConnectionResetError):
                # It has hung up over a body that it will not read; it may
                # have said why.
                if connection.sock is None:
                    raise
                response = http.client.HTTPResponse(connection.sock)
                response.begin()
            else:
                response = connection.getresponse()
            return response.status, response.read().decode(errors="replace")
        finally:
            connection.close()


class GrpcClient:
    """Asks by gRPC.

    Args:
        address: Such as "localhost:8500".
        name: Of the model.
        key: For a server that wants one.
        secure: Whether it speaks TLS.

    Raises:
        ValueError: `tensorflow-serving-api` is not installed.
    """

    def __init__(self, address, name="alexnet", key=None, secure=False):
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
        self.metadata = [("authorization", f"Bearer {key}")] if key else []
        options = [("grpc.max_send_message_length", -1)]
        channel = (
            grpc.secure_channel(
                address, grpc.ssl_channel_credentials(), options
            )
            if secure
            else grpc.insecure_channel(address, options)
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
            found = self.stub.Predict(
                request, timeout=_SECONDS, metadata=self.metadata
            ).outputs
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


def connect(server, name="alexnet", key=None):
    """Returns the client of a server.

    Args:
        server: "http://HOST:PORT" or "grpc://HOST:PORT"; with TLS
            "https://HOST:PORT" or "grpcs://HOST:PORT".
        name: Of the model.
        key: For a server that wants one.

    Raises:
        ValueError: It is written otherwise.
    """
    parts = urllib.parse.urlsplit(server)
    if parts.scheme in ("http", "https") and parts.netloc:
        return RestClient(server, name, key)
    if parts.scheme in ("grpc", "grpcs") and parts.netloc:
        return GrpcClient(parts.netloc, name, key, parts.scheme == "grpcs")
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
