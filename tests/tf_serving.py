"""A stand-in for TF Serving: its protocols, answered from a SavedModel.

gRPC by the published protos of `tensorflow-serving-api`; REST by its
documented JSON (rows in, rows out, bytes as {"b64": ...}, errors as
{"error": ...} with status 400). TF Serving's own program is on no package
index that tests could use.
"""

import base64
import concurrent.futures
import contextlib
import http.server
import json
import threading

import grpc
import tensorflow as tf
from tensorflow_serving.apis import (
    predict_pb2,
    prediction_service_pb2_grpc,
)


class _Service(prediction_service_pb2_grpc.PredictionServiceServicer):
    def __init__(self, model, name):
        self.model, self.name = model, name

    def Predict(self, request, context):  # noqa: N802
        spec = request.model_spec
        if spec.name != self.name:
            context.abort(
                grpc.StatusCode.NOT_FOUND, f"Servable not found: {spec.name}"
            )
        inputs = {
            name: tf.constant(tf.make_ndarray(proto))
            for name, proto in request.inputs.items()
        }
        try:
            found = self.model.signatures[spec.signature_name](**inputs)
        except tf.errors.InvalidArgumentError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, error.message)
        response = predict_pb2.PredictResponse()
        for name, value in found.items():
            response.outputs[name].CopyFrom(tf.make_tensor_proto(value))
        return response


def _handler(model, name):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):  # noqa: N802
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path != f"/v1/models/{name}:predict":
                self._answer(404, {"error": f"Not found: {self.path}"})
                return
            request = json.loads(body)
            images = [base64.b64decode(i["b64"]) for i in request["instances"]]
            signature = request.get("signature_name", "serving_default")
            try:
                found = model.signatures[signature](
                    image_bytes=tf.constant(images)
                )
            except tf.errors.InvalidArgumentError as error:
                self._answer(400, {"error": error.message})
                return
            rows = [
                {key: _plain(value[i].numpy()) for key, value in found.items()}
                for i in range(len(images))
            ]
            if len(found) == 1:
                rows = [value for row in rows for value in row.values()]
            self._answer(200, {"predictions": rows})

        def _answer(self, status, body):
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *args):
            pass

    return Handler


def _plain(value):
    value = value.tolist()
    return [v.decode() if isinstance(v, bytes) else v for v in value]


@contextlib.contextmanager
def serve(version, name="alexnet"):
    """Serves a version; yields the addresses of REST and gRPC."""
    model = tf.saved_model.load(str(version))
    rest = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), _handler(model, name)
    )
    threading.Thread(target=rest.serve_forever, daemon=True).start()
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(2))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
        _Service(model, name), server
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield (
            f"http://127.0.0.1:{rest.server_address[1]}",
            f"grpc://127.0.0.1:{port}",
        )
    finally:
        rest.shutdown()
        rest.server_close()
        server.stop(None)
