"""TF Serving's gRPC: predictions, metadata, states and health."""

import asyncio
import contextlib
import math

import grpc
import tensorflow as tf
from absl import logging
from google.protobuf import any_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from alexnet_tf.serving import protocol
from alexnet_tf.serving.refusal import Refusal, invalid, missing, shorten

_SERVICES = (
    "tensorflow.serving.PredictionService",
    "tensorflow.serving.ModelService",
)
# Open to all, as health is by REST.
_OPEN = "/grpc.health.v1.Health/"


def make_server(limits, access, metrics, credentials, address):
    """Returns a server that is bound to an address, and its port.

    Nobody is answered before `add_services` and `server.start()`.

    Args:
        limits: A `Limits`.
        access: An `Access`.
        metrics: A `Metrics`.
        credentials: Key and certificate, bytes; or `None` for no TLS.
        address: "HOST:PORT".

    Raises:
        RuntimeError: The port is taken.
    """
    server = grpc.aio.server(
        interceptors=[_Keys(access, metrics)],
        maximum_concurrent_rpcs=limits.connections,
        options=[
            ("grpc.max_receive_message_length", limits.body_bytes),
            ("grpc.max_metadata_size", limits.header_bytes),
            ("grpc.absolute_max_metadata_size", limits.header_bytes),
            ("grpc.max_concurrent_streams", 128),
            # Otherwise two servers would share a port, and requests.
            ("grpc.so_reuseport", 0),
        ],
    )
    if credentials is None:
        return server, server.add_insecure_port(address)
    return server, server.add_secure_port(
        address, grpc.ssl_server_credentials([credentials])
    )


def add_services(server, name, service, versions, is_ready):
    """Adds what `rest.make_app` answers by REST; see there."""
    answers = _Answers(name, service, versions)
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
        _Prediction(answers), server
    )
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(
        _Model(answers), server
    )
    health_pb2_grpc.add_HealthServicer_to_server(_Health(is_ready), server)


class _Answers:
    """What all services share: the model's name, errors, deadlines."""

    def __init__(self, name, service, versions):
        self.name, self.service, self.versions = name, service, versions

    def number(self, spec):
        """Returns the number of the version that is asked for, or `None`."""
        if spec.name != self.name:
            raise missing(
                f"The model is {self.name}. Received: {shorten(spec.name)}"
            )
        if spec.WhichOneof("version_choice") == "version_label":
            raise invalid("Versions have numbers here, and no labels.")
        return spec.version.value if spec.HasField("version") else None

    @contextlib.asynccontextmanager
    async def errors(self, context):
        """A scope within which a refusal ends the call as gRPC has it."""
        metrics = self.service.metrics
        code = grpc.StatusCode.CANCELLED
        try:
            async with self.service.deadline(context.time_remaining()):
                with metrics.stage("all"):
                    yield
            code = grpc.StatusCode.OK
        except Refusal as refusal:
            metrics.refusals.labels(refusal.reason).inc()
            code = grpc.StatusCode[refusal.code]
            if refusal.retry_seconds:
                pause = str(1000 * refusal.retry_seconds)
                context.set_trailing_metadata(
                    [("grpc-retry-pushback-ms", pause)]
                )
            await context.abort(code, str(refusal))
        except asyncio.CancelledError:
            metrics.refusals.labels("client left").inc()
            raise
        except grpc.aio.AbortError:
            raise
        except Exception as error:
            logging.error("A call has failed.", exc_info=error)
            metrics.refusals.labels("fault").inc()
            code = grpc.StatusCode.INTERNAL
            await context.abort(
                code, "The server has failed. Its log has the reason."
            )
        finally:
            metrics.requests.labels("grpc", code.name).inc()


class _Prediction(prediction_service_pb2_grpc.PredictionServiceServicer):
    def __init__(self, answers):
        self.answers = answers

    async def Predict(self, request, context):  # noqa: N802
        answers = self.answers
        async with answers.errors(context):
            spec = request.model_spec
            signature = spec.signature_name or "serving_default"
            number, outputs = await answers.service.predict(
                answers.number(spec),
                signature,
                _read_inputs(request.inputs, answers.service.limits),
            )
            response = predict_pb2.PredictResponse()
            response.model_spec.name = answers.name
            response.model_spec.signature_name = signature
            response.model_spec.version.value = number
            for key in request.output_filter or outputs:
                if key not in outputs:
                    raise invalid(
                        f"output_filter must name outputs. Received: "
                        f"{shorten(key)}"
                    )
                response.outputs[key].CopyFrom(
                    tf.make_tensor_proto(outputs[key])
                )
            return response

    async def GetModelMetadata(self, request, context):  # noqa: N802
        answers = self.answers
        async with answers.errors(context):
            if [*request.metadata_field] != ["signature_def"]:
                raise invalid("metadata_field must be signature_def.")
            model = answers.versions(answers.number(request.model_spec))
            response = get_model_metadata_pb2.GetModelMetadataResponse()
            response.model_spec.name = answers.name
            response.model_spec.version.value = model.number
            packed = any_pb2.Any()
            packed.Pack(protocol.signature_map(model))
            response.metadata["signature_def"].CopyFrom(packed)
            return response


class _Model(model_service_pb2_grpc.ModelServiceServicer):
    def __init__(self, answers):
        self.answers = answers

    async def GetModelStatus(self, request, context):  # noqa: N802
        async with self.answers.errors(context):
            number = self.answers.number(request.model_spec)
            response = get_model_status_pb2.GetModelStatusResponse()
            for found, state, words in self.answers.versions.states(number):
                status = response.model_version_status.add()
                status.version = found
                status.state = status.State.Value(state)
                if words:
                    status.status.error_code = grpc.StatusCode.INTERNAL.value[0]
                    status.status.error_message = words
            return response


class _Health(health_pb2_grpc.HealthServicer):
    def __init__(self, is_ready):
        self.is_ready = is_ready

    async def Check(self, request, context):  # noqa: N802
        if request.service not in ("", *_SERVICES):
            await context.abort(
                grpc.StatusCode.NOT_FOUND, "There is no such service."
            )
        state = "SERVING" if self.is_ready() else "NOT_SERVING"
        return health_pb2.HealthCheckResponse(
            status=health_pb2.HealthCheckResponse.ServingStatus.Value(state)
        )


class _Keys(grpc.aio.ServerInterceptor):
    """Lets nobody in without a key, where there are keys."""

    def __init__(self, access, metrics):
        self.access, self.metrics = access, metrics

        async def refuse(request, context):
            await context.abort(
                grpc.StatusCode.UNAUTHENTICATED,
                "A call must have the metadata authorization: Bearer KEY.",
            )

        self.refuse = grpc.unary_unary_rpc_method_handler(refuse)

    async def intercept_service(self, continuation, details):
        if not details.method.startswith(_OPEN):
            given = dict(details.invocation_metadata)
            try:
                self.access.check_key(given.get("authorization"))
            except Refusal as refusal:
                self.metrics.refusals.labels(refusal.reason).inc()
                return self.refuse
        return await continuation(details)


def _read_inputs(protos, limits):
    """Returns the inputs of a request, as `Service.predict` takes them."""
    inputs = {}
    for name, proto in protos.items():
        shape = [dim.size for dim in proto.tensor_shape.dim]
        # Before memory is taken for what a shape says and nobody sent.
        size = math.prod(shape)
        if proto.dtype == tf.string.as_datatype_enum:
            if shape != [len(proto.string_val)]:
                raise invalid(
                    f"{shorten(name)} must be a vector of strings, as many as "
                    "its shape says."
                )
            inputs[name] = [*proto.string_val]
            continue
        if not shape or min(shape) < 0 or size > limits.body_bytes:
            raise invalid(
                f"{shorten(name)} must have images in rows, and at most "
                f"{limits.body_bytes} numbers. Received: shape "
                f"{shorten(shape)}"
            )
        try:
            inputs[name] = tf.make_ndarray(proto)
        except (TypeError, ValueError):
            raise invalid(f"{shorten(name)} must be a whole tensor.") from None
    return inputs
