"""TF Serving's REST protocol, health, figures and the page, by Starlette."""

import asyncio
import contextlib
import re

from absl import logging
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from alexnet_tf.serving import page, protocol
from alexnet_tf.serving.refusal import Refusal, missing, shorten

_JSON = "application/json"
# What everybody may see: none of it tells of the model.
_OPEN = re.compile(r"/|/health/\w+|/page(\.js|\.css)?|/examples/\d+\.jpg")
_SHIELDS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
]


def make_app(name, service, versions, access):
    """Returns the ASGI application of a server.

    Args:
        name: Of the model, in addresses.
        service: A `Service`.
        versions: A `Versions`.
        access: An `Access`.
    """
    routes = [
        *_Rest(name, service, versions).routes(),
        *page.Page(name, service, versions, _body, _while_connected).routes(),
    ]
    refusals = {Refusal: _refuse, HTTPException: _refuse_route}
    app = Starlette(routes=routes, exception_handlers=refusals)
    return _Gate(app, access, service)


class _Rest:
    """Answers TF Serving's requests, and those for health and figures."""

    def __init__(self, name, service, versions):
        self.name, self.service, self.versions = name, service, versions

    def routes(self):
        model = "/v1/models/{name}"
        version = model + "/versions/{number:int}"
        return [
            *(
                Route(path + ending, answer, methods=methods)
                for path in (model, version)
                for ending, answer, methods in (
                    (":predict", self.predict, ["POST"]),
                    ("", self.status, ["GET"]),
                    ("/metadata", self.metadata, ["GET"]),
                )
            ),
            Route("/health/live", self.live),
            Route("/health/ready", self.ready),
            Route("/metrics", self.figures),
        ]

    def _number(self, request):
        """Returns the version that a request names, or `None`."""
        if request.path_params["name"] != self.name:
            asked = shorten(request.path_params["name"])
            raise missing(f"The model is {self.name}. Received: {asked}")
        return request.path_params.get("number")

    async def predict(self, request):
        number = self._number(request)
        async with _body(request, self.service) as body:
            signature, inputs, in_rows = protocol.parse_predict(
                body, self.service.limits, self.versions(number).input_name
            )
            del body
            found = await _while_connected(
                request, self.service.predict(number, signature, inputs)
            )
        text = protocol.format_predict(found[1], in_rows)
        return Response(text, media_type=_JSON)

    async def status(self, request):
        states = self.versions.states(self._number(request))
        return Response(protocol.format_states(states), media_type=_JSON)

    async def metadata(self, request):
        model = self.versions(self._number(request))
        text = protocol.format_metadata(self.name, model)
        return Response(text, media_type=_JSON)

    async def live(self, request):
        return JSONResponse({"live": True})

    async def ready(self, request):
        # At the end nobody is let in any more, who could be told otherwise.
        return JSONResponse({"ready": bool(self.versions.states())})

    async def figures(self, request):
        text = self.service.metrics.text(self.versions.states())
        return Response(text, media_type="text/plain; version=0.0.4")


class _Gate:
    """What every request goes through: who asks, for how long, the count."""

    def __init__(self, app, access, service):
        self.app, self.access, self.service = app, access, service

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return
        metrics = self.service.metrics
        code = 499

        async def count(message):
            nonlocal code
            if message["type"] == "http.response.start":
                code = message["status"]
                message["headers"] = [*message["headers"], *_SHIELDS]
            await send(message)

        try:
            with metrics.stage("all"):
                async with self.service.deadline():
                    self._check(scope)
                    scope["metrics"] = metrics
                    await self.app(scope, receive, count)
        except Refusal as refusal:
            if code == 499:
                await _answer(refusal, metrics)(scope, receive, count)
        except (asyncio.CancelledError, ClientDisconnect):
            # Nobody is there any more.
            metrics.refusals.labels("client left").inc()
        except Exception as error:
            logging.error("A request has failed.", exc_info=error)
            if code == 499:
                fault = Refusal(
                    "INTERNAL",
                    "fault",
                    "The server has failed. Its log has the reason.",
                )
                await _answer(fault, metrics)(scope, receive, count)
        finally:
            metrics.requests.labels("rest", code).inc()

    def _check(self, scope):
        """Refuses who may not ask."""
        headers = {k: v.decode("latin-1") for k, v in scope["headers"]}
        self.access.check_site(headers.get(b"host"), headers.get(b"origin"))
        if scope["method"] == "GET" and _OPEN.fullmatch(scope["path"]):
            return
        self.access.check_key(headers.get(b"authorization"))


@contextlib.asynccontextmanager
async def _body(request, service):
    """A scope with the bytes of a request.

    Raises:
        Refusal: They are too many, alone or together with others'.
    """
    most = service.limits.body_bytes
    too_large = Refusal(
        "INVALID_ARGUMENT",
        "body",
        f"A request must have at most {most} bytes.",
        status=413,
    )
    if int(request.headers.get("content-length", 0)) > most:
        raise too_large
    with contextlib.ExitStack() as held, service.metrics.stage("receive"):
        chunks, size = [], 0
        async for chunk in request.stream():
            size += len(chunk)
            if size > most:
                raise too_large
            held.enter_context(service.hold_body(len(chunk)))
            chunks.append(chunk)
        body = b"".join(chunks)
        chunks.clear()
        keep = held.pop_all()
    with keep:
        yield body


async def _while_connected(request, work):
    """Returns what some work gives, or ends it when the client leaves.

    Raises:
        asyncio.CancelledError: The client has left.
    """
    work = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(request.receive())
    try:
        await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            return work.result()
        raise asyncio.CancelledError
    finally:
        work.cancel()
        gone.cancel()


def _answer(refusal, metrics):
    """Returns the response of a refusal, and counts it."""
    metrics.refusals.labels(refusal.reason).inc()
    headers = {}
    if refusal.retry_seconds:
        headers["retry-after"] = str(refusal.retry_seconds)
    if refusal.status == 401:
        headers["www-authenticate"] = "Bearer"
    return JSONResponse({"error": str(refusal)}, refusal.status, headers)


async def _refuse(request, refusal):
    return _answer(refusal, request.scope["metrics"])


async def _refuse_route(request, error):
    """Answers what has no route, without repeating it."""
    request.scope["metrics"].refusals.labels("route").inc()
    words = f"Malformed request: {request.method} {shorten(request.url.path)}"
    return JSONResponse({"error": words}, error.status_code, error.headers)
