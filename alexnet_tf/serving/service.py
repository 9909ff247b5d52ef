"""Images in, answers out, for whichever protocol asks."""

import asyncio
import contextlib

import numpy as np

from alexnet_tf.serving.batching import Batcher
from alexnet_tf.serving.model import PREPROCESS, check_finite
from alexnet_tf.serving.refusal import Refusal, invalid

_KINDS = {"image_bytes": "strings, the files", "images": "uint8 pixels"}


class Service:
    """Decides what is answered, and has it answered in batches.

    Args:
        versions: Called with a number or `None`, returns a `Model`.
        decoders: See `Decoders`.
        limits: A `Limits`.
        metrics: A `Metrics`.
        batch_size: Images that go through the network together at most.
    """

    def __init__(self, versions, decoders, limits, metrics, batch_size=32):
        self.versions, self.decoders = versions, decoders
        self.limits, self.metrics = limits, metrics
        self._batcher = Batcher(
            self._answer, batch_size, cost=lambda kind: kind[0].cost(kind[1])
        )
        self._waiting = 0
        self._bodies_bytes = 0

    async def predict(self, number, signature, inputs, upright=False):
        """Returns a version's answer to a request.

        Args:
            number: Of the version, or `None` for the newest.
            signature: Its name.
            inputs: A dict of the one input: "image_bytes" to a list of files,
                or "images" to uint8 `(n, size, size, 3)`.
            upright: Whether to turn photographs as their EXIF says.

        Returns:
            The version's number, and a dict of arrays of n rows.

        Raises:
            Refusal: It is not answered; the message says why.
        """
        model = self.versions(number)
        images = self._check(model, signature, inputs)
        with self._admit(len(images)):
            request = object()
            tasks = [
                asyncio.ensure_future(
                    self._one(model, signature, place, image, request, upright)
                )
                for place, image in enumerate(images)
            ]
            try:
                rows = await asyncio.gather(*tasks)
            finally:
                for task in tasks:
                    task.cancel()
        outputs = {key: np.stack([r[key] for r in rows]) for key in rows[0]}
        check_finite(outputs)
        return model.number, outputs

    @contextlib.contextmanager
    def hold_body(self, more_bytes):
        """A scope in which so many more bytes of bodies are held.

        Raises:
            Refusal: They would be too many together.
        """
        if self._bodies_bytes + more_bytes > self.limits.bodies_bytes:
            raise Refusal(
                "RESOURCE_EXHAUSTED",
                "bodies",
                "All requests together must have at most "
                f"{self.limits.bodies_bytes} bytes. Ask again.",
                retry_seconds=1,
            )
        self._bodies_bytes += more_bytes
        try:
            yield
        finally:
            self._bodies_bytes -= more_bytes

    @contextlib.asynccontextmanager
    async def deadline(self, seconds=None):
        """A scope that ends in time.

        Args:
            seconds: From now; the server's own limit if that is less.

        Raises:
            Refusal: It has not.
        """
        most = self.limits.timeout_seconds
        most = most if seconds is None else min(seconds, most)
        try:
            async with asyncio.timeout(most):
                yield
        except TimeoutError:
            raise Refusal(
                "DEADLINE_EXCEEDED",
                "deadline",
                f"An answer must take at most {most:.3g} s. It was not there.",
            ) from None

    def _check(self, model, signature, inputs):
        """Returns the images of a request that may be answered."""
        wanted = model.input_name(signature)
        if [*inputs] != [wanted]:
            raise invalid(
                f"{signature} must have the one input {wanted}. "
                f"Received: {', '.join(map(str, inputs))[:60] or 'none'}"
            )
        images = inputs[wanted]
        if isinstance(images, np.ndarray) != (wanted == "images"):
            raise invalid(f"{wanted} must be {_KINDS[wanted]}.")
        most = min(self.limits.images, self.limits.waiting)
        if not 1 <= len(images) <= most:
            raise invalid(
                f"A request must have one image or more and at most {most} "
                f"images. Received: {len(images)}"
            )
        values = len(images) * model.values(signature)
        if values > self.limits.values:
            raise invalid(
                f"An answer must have at most {self.limits.values} numbers. "
                f"Received: {len(images)} images, {values} numbers"
            )
        if wanted == "images":
            shape = (model.image_size, model.image_size, 3)
            if images.dtype != np.uint8 or images.shape[1:] != shape:
                raise invalid(
                    f"images must be uint8 (n, {', '.join(map(str, shape))}). "
                    f"Received: {images.dtype} {images.shape}"
                )
        return images

    @contextlib.contextmanager
    def _admit(self, count):
        """A scope in which so many images more are decoded or wait."""
        if self._waiting + count > self.limits.waiting:
            raise Refusal(
                "RESOURCE_EXHAUSTED",
                "queue",
                f"At most {self.limits.waiting} images must wait at once. "
                f"Received: {count} when {self._waiting} waited. Ask again.",
                retry_seconds=1,
            )
        self._waiting += count
        self.metrics.waiting.set(self._waiting)
        try:
            yield
        finally:
            self._waiting -= count
            self.metrics.waiting.set(self._waiting)

    async def _one(self, model, signature, place, image, request, upright):
        """Returns the answer to one image, a dict of arrays."""
        kind = (model, signature)
        if not isinstance(image, np.ndarray):
            with self._batcher.coming(kind):
                image = await self.decoders(
                    model.directory, image, place, upright
                )
        if signature == PREPROCESS:
            margin = (model.image_size - model.crop_size) // 2
            inner = slice(margin, margin + model.crop_size)
            return {"images": image, "crops": image[inner, inner]}
        with self.metrics.stage("queue and network"):
            return await self._batcher(kind, image, request)

    def _answer(self, kind, squares):
        """Answers a batch, in the thread of the network."""
        model, signature = kind
        self.metrics.batches.observe(len(squares))
        with self.metrics.stage("network"):
            return model.answer(signature, squares)
