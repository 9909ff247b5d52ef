"""A server from PyPI alone that speaks TF Serving's REST protocol.

KServe's server carries the protocol, health and metrics; here are decoding,
batching and the messages. It is for those without TF Serving, and for a page
on which a person drops a photograph.
"""

import asyncio
import base64
import binascii
import concurrent.futures
import json
import os
import pathlib
import sys

import numpy as np
import tensorflow as tf

from alexnet_tf import export
from alexnet_tf.export import saved_model
from alexnet_tf.serving import client
from alexnet_tf.serving.batching import Batcher
from input_pipeline import image_headers, transforms

# Images a request; each takes 200 kB as a square.
_MAX_IMAGES = 256
_MAX_BYTES = 2**28
_SIGNATURES = ("serving_default", "ten_crop", "features", "conv1")


class BatchedModel:
    """An exported model behind a batcher.

    Args:
        directory: A version, such as runs/alexnet/export/1.
        batch_size: Images that go through the network together at most.

    Raises:
        FileNotFoundError: It is no exported model.
    """

    def __init__(self, directory, batch_size=32):
        self.directory = export.find_version(directory)
        self.model = tf.saved_model.load(str(self.directory))
        signatures = self.model.signatures
        shape = signatures["tensor"].structured_input_signature[1]["images"]
        size = shape.shape[1]
        self._square = tf.function(
            lambda data: transforms.square_from_bytes(
                image_headers.check(data), size
            ),
            input_signature=[tf.TensorSpec([], tf.string)],
        )
        self._decoders = concurrent.futures.ThreadPoolExecutor(os.cpu_count())
        self._batcher = Batcher(self._answer, batch_size)
        # The first batch of a size takes seconds.
        grey = tf.fill((size, size, 3), tf.constant(128, tf.uint8))
        for count in {*range(1, min(batch_size, 8) + 1), batch_size}:
            self._answer("serving_default", [grey] * count)

    async def __call__(self, signature, images):
        """Returns what the model says of images.

        Args:
            signature: "serving_default", "ten_crop", "features" or "conv1".
            images: Sequence of the bytes of files.

        Returns:
            A list, one an image: a dict of lists; or, for a signature of a
            single output, its list alone.

        Raises:
            ValueError: One of them is no image; its position stands in the
                message.
        """
        if signature not in self.model.signatures:
            raise ValueError(
                f"The model has no signature {signature}. It has: "
                f"{', '.join(self.model.signatures)}"
            )
        loop = asyncio.get_running_loop()

        async def one(place, data):
            try:
                square = await loop.run_in_executor(
                    self._decoders, self._square, data
                )
            except tf.errors.OpError as error:
                raise ValueError(
                    f"Image {place} must be a whole JPEG or PNG of at most "
                    f"{image_headers.MAX_PIXELS} pixels. Received: "
                    f"{len(data)} bytes; {client.clean_tf_error(error.message)}"
                ) from None
            return await self._batcher(signature, square)

        tasks = [
            asyncio.ensure_future(one(*pair)) for pair in enumerate(images)
        ]
        try:
            return await asyncio.gather(*tasks)
        except BaseException:
            for task in tasks:
                task.cancel()
            raise

    def similar(self, label, count=5):
        """Returns the classes whose weights are most like those of a class.

        Args:
            label: From 0.
            count: How many.

        Returns:
            A list of dicts of "name" and "cosine", most alike first.

        Raises:
            ValueError: There is no such class, or the model does not tell.
        """
        path = self.directory / "assets.extra" / saved_model.LABELS_FILE_NAME
        kernels = [v for v in self.model.variables if v.name == "fc8/kernel:0"]
        if not (path.exists() and kernels):
            raise ValueError("This model does not tell its classes' weights.")
        names = path.read_text("utf-8").splitlines()
        if not 0 <= label < len(names):
            raise ValueError(
                f"The class must be from 0 to {len(names) - 1}. "
                f"Received: {label}"
            )
        columns = tf.math.l2_normalize(kernels[0], axis=0).numpy()
        cosines = columns[:, label] @ columns
        best = [i for i in np.argsort(-cosines) if i != label][:count]
        return [{"name": names[i], "cosine": float(cosines[i])} for i in best]

    def _answer(self, signature, squares):
        """BatchedModel a batch of squares; a list of dicts."""
        if signature == "serving_default":
            call = self.model.signatures["tensor"]
            found = call(images=tf.stack(squares))
        else:
            # Squares are of the records' size: as PNG they pass unchanged.
            pngs = tf.stack(
                [tf.io.encode_png(s, compression=1) for s in squares]
            )
            found = self.model.signatures[signature](image_bytes=pngs)
        arrays = {name: value.numpy() for name, value in found.items()}
        rows = [
            {name: _plain(array[place]) for name, array in arrays.items()}
            for place in range(len(squares))
        ]
        # TF Serving leaves the name of a single output out.
        return [*map(_only, rows)] if len(arrays) == 1 else rows


def parse_request(payload):
    """Returns the signature and the images of a request.

    Args:
        payload: TF Serving's row format: a dict with "instances", a list of
            `{"b64": ...}` or `{"image_bytes": {"b64": ...}}`, and perhaps
            "signature_name".

    Raises:
        ValueError: It is none; the message names what is wrong, and where.
    """
    if isinstance(payload, bytes):
        # As KServe leaves it where no content type says JSON.
        payload = _parse_json(payload)
    if not isinstance(payload, dict):
        raise ValueError("A request must be a JSON object.")
    signature = payload.get("signature_name", "serving_default")
    if signature not in _SIGNATURES:
        raise ValueError(
            f"signature_name must be one of {', '.join(_SIGNATURES)}. "
            f"Received: {signature!r}"
        )
    instances = payload.get("instances")
    if not isinstance(instances, list) or not instances:
        raise ValueError(
            '"instances" must be a list of one image or more, each '
            '{"b64": "..."}.'
        )
    if len(instances) > _MAX_IMAGES:
        raise ValueError(
            f"A request must have at most {_MAX_IMAGES} images. Received: "
            f"{len(instances)}. Send them in several."
        )
    images = []
    for place, instance in enumerate(instances):
        if isinstance(instance, dict) and "image_bytes" in instance:
            instance = instance["image_bytes"]
        try:
            images.append(base64.b64decode(instance["b64"], validate=True))
        except (TypeError, KeyError, binascii.Error, ValueError):
            raise ValueError(
                f'Image {place} must be {{"b64": "..."}} in base64.'
            ) from None
    return signature, images


def _parse_json(payload):
    """Returns what a body says, or `None` where it is no JSON."""
    try:
        return json.loads(payload)
    except ValueError:
        return None


def serve(directory, port=8501, name="alexnet", batch_size=32):
    """Serves until it is interrupted.

    Args:
        directory: A version of an exported model, or a folder of versions.
        port: Of HTTP.
        name: Of the model, in the address `/v1/models/NAME:predict`.
        batch_size: Images that go through the network together at most.

    Raises:
        FileNotFoundError: There is no exported model.
        ValueError: KServe is not installed.
    """
    answers = BatchedModel(directory, batch_size)
    # KServe reads the command line by itself while it is imported.
    arguments, sys.argv = sys.argv, sys.argv[:1]
    try:
        import kserve
        from fastapi.responses import HTMLResponse, JSONResponse
        from kserve.model_server import app
    except ImportError:
        raise ValueError(
            "kserve must be installed to serve. Install it with: "
            "pip install 'alexnet-tf[serving]'"
        ) from None
    finally:
        sys.argv = arguments

    class Model(kserve.Model):
        """Takes requests apart; KServe does the rest."""

        def load(self):
            self.ready = True
            return True

        async def predict(self, payload, headers=None, response_headers=None):
            try:
                found = await answers(*parse_request(payload))
            except ValueError as error:
                raise kserve.errors.InvalidInput(str(error)) from None
            return {"predictions": found}

    page = (pathlib.Path(__file__).parent / "page.html").read_text("utf-8")

    @app.get("/page")
    def show_page():
        return HTMLResponse(page.replace("MODEL_NAME", name))

    @app.get("/similar/{label}")
    def show_similar(label: int):
        try:
            return {"classes": answers.similar(label)}
        except ValueError as error:
            return JSONResponse({"error": str(error)}, 404)

    @app.middleware("http")
    async def refuse_large(request, call_next):
        if int(request.headers.get("content-length", 0)) > _MAX_BYTES:
            words = f"A request must have at most {_MAX_BYTES} bytes."
            return JSONResponse({"error": words}, 413)
        return await call_next(request)

    model = Model(name)
    model.load()
    kserve.ModelServer(
        http_port=port, enable_grpc=False, enable_latency_logging=False
    ).start([model])


def _only(row):
    """Returns the one value of a dict."""
    (value,) = row.values()
    return value


def _plain(value):
    """Returns an array as lists, with text for bytes."""
    value = value.tolist()
    if isinstance(value, list) and value and isinstance(value[0], bytes):
        return [text.decode() for text in value]
    return value
