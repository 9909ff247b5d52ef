"""A server of its own size that speaks TF Serving's protocols.

uvicorn keeps the connections of HTTP and Starlette finds the routes; grpcio
has TF Serving's own messages; prometheus-client writes the figures. Images
are decoded in processes that can be stopped, and go through the network in
batches.
"""

import asyncio
import dataclasses
import logging as python_logging
import pathlib
import resource
import signal
import socket
import ssl
import threading

import uvicorn
from absl import logging

from alexnet_tf.serving import access, connections, grpc_service, rest
from alexnet_tf.serving.decoding import Decoders
from alexnet_tf.serving.limits import Limits
from alexnet_tf.serving.metrics import Metrics
from alexnet_tf.serving.model import Model
from alexnet_tf.serving.service import Service
from alexnet_tf.serving.versions import Versions

# Files and connections that a process may have open, where it may choose.
_OPEN_FILES = 4096


@dataclasses.dataclass(frozen=True)
class Settings:
    """How a model is served.

    Args:
        directory: A version of an exported model, or a folder of versions.
        name: Of the model, in addresses.
        host: The address that is bound; others than this machine reach
            "0.0.0.0".
        port: Of HTTP; 0 finds one.
        grpc_port: Of gRPC; 0 finds one, `None` is none.
        batch_size: Images that go through the network together at most.
        versions: How many are served at once, the newest.
        poll_seconds: How often the folder is looked at for new ones.
        grace_seconds: How long what is in flight may take at the end.
        keys: Texts, one of which a client must know; none lets all in.
        names: Under which the server may be asked besides its address.
        tls: Paths of the certificate and of its key, or `None`.
        limits: A `Limits`.
    """

    directory: str
    name: str = "alexnet"
    host: str = "127.0.0.1"
    port: int = 8501
    grpc_port: int | None = 8500
    batch_size: int = 32
    versions: int = 1
    poll_seconds: float = 5.0
    grace_seconds: float = 20.0
    keys: tuple = ()
    names: tuple = ()
    tls: tuple | None = None
    limits: Limits = dataclasses.field(default_factory=Limits)


def serve(settings, announce):
    """Serves until SIGTERM or SIGINT, then answers what is in flight.

    Args:
        settings: A `Settings`.
        announce: Called as `announce(port, grpc_port, stop)` when requests
            are answered; `stop()`, from any thread, ends it as SIGTERM does.

    Raises:
        FileNotFoundError: There is no exported model.
        OSError: A port is taken.
        ValueError: No version can be served, or a setting is wrong.
    """
    if not access.is_loopback(settings.host) and not settings.keys:
        logging.warning(
            "Everybody who reaches %s may ask. Give --api_key_file.",
            settings.host,
        )
    asyncio.run(_serve(settings, announce))


async def _serve(settings, announce):
    """Serves on the running loop."""
    metrics = Metrics()
    allowed = access.Access(settings.keys, settings.host, settings.names)
    # Ports and certificates first: what is wrong with them is known before
    # the model is loaded.
    with _bind(settings.host, settings.port) as listener:
        credentials = _read_tls(settings.tls)
        rpc, rpc_port = _bind_rpc(settings, allowed, metrics, credentials)
        _raise_open_files()
        decoders = Decoders(settings.limits, metrics)
        try:
            try:
                versions = await _load_versions(settings, decoders)
            except BaseException:
                if rpc is not None:
                    # Left as it is, it would hold on to its loop.
                    await rpc.start()
                    await rpc.stop(None)
                raise
            service = Service(
                versions,
                decoders,
                settings.limits,
                metrics,
                settings.batch_size,
            )
            http = uvicorn.Server(
                _http_config(settings, metrics, service, versions, allowed)
            )
            if rpc is not None:
                grpc_service.add_services(
                    rpc,
                    settings.name,
                    service,
                    versions,
                    lambda: not http.should_exit,
                )
                await rpc.start()

            def stop():
                http.should_exit = True

            announce(listener.getsockname()[1], rpc_port, stop)
            watching = asyncio.create_task(
                versions.watch(settings.poll_seconds)
            )
            await _run(http, listener, rpc, settings.grace_seconds)
            watching.cancel()
        finally:
            decoders.close()


async def _run(http, listener, rpc, grace_seconds):
    """Serves until a signal; both protocols then end in the same time."""
    if threading.current_thread() is threading.main_thread():
        # uvicorn has handlers of its own meanwhile, and raises the signal
        # once more at the end, when it has been obeyed.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: None)

    async def end_rpc():
        while not http.should_exit:
            await asyncio.sleep(0.1)
        if rpc is not None:
            await rpc.stop(grace_seconds)

    ending = asyncio.create_task(end_rpc())
    await http.serve([listener])
    await ending
    logging.info("All requests have been answered.")


async def _load_versions(settings, decoders):
    """Returns the versions of the folder, of which one is served or more."""

    def load(directory, number):
        model = Model(directory, number)
        model.check_answers(settings.batch_size)
        return model

    def use(models):
        decoders.use(list(dict.fromkeys(m.directory for m in models)))

    versions = Versions(settings.directory, load, use, settings.versions)
    await versions.refresh()
    if not any(state == "AVAILABLE" for _, state, _ in versions.states()):
        raise ValueError(
            f"{settings.directory} must have a version that can be served. "
            f"Found: {versions.why_none()}"
        )
    return versions


def _http_config(settings, metrics, service, versions, allowed):
    """Returns uvicorn's settings."""
    limits = settings.limits
    certificate, key = settings.tls or (None, None)
    # It has words for each connection that breaks off.
    python_logging.getLogger("uvicorn.error").setLevel("CRITICAL")
    return uvicorn.Config(
        rest.make_app(settings.name, service, versions, allowed),
        http=connections.make_protocol(limits, metrics),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=limits.connections,
        timeout_keep_alive=round(limits.header_seconds),
        timeout_graceful_shutdown=round(settings.grace_seconds),
        h11_max_incomplete_event_size=limits.header_bytes,
        ssl_certfile=certificate,
        ssl_keyfile=key,
    )


def _bind(host, port):
    """Returns a socket that listens.

    Raises:
        ValueError: The port is taken, or there is no such address.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=512)
    except OSError as error:
        raise ValueError(_port_words(host, port, error.strerror)) from None


def _bind_rpc(settings, allowed, metrics, credentials):
    """Returns the server of gRPC, bound, and its port; or two `None`."""
    if settings.grpc_port is None:
        return None, None
    host, port = settings.host, settings.grpc_port
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        return grpc_service.make_server(
            settings.limits, allowed, metrics, credentials, address
        )
    except RuntimeError:
        words = _port_words(host, port, "Address already in use")
        raise ValueError(words) from None


def _port_words(host, port, found):
    """Returns the words for a port that cannot be had."""
    return (
        f"Port {port} of {host} must be free. Found: {found}. Choose another "
        "with --port or --grpc_port, or stop what has it."
    )


def _read_tls(paths):
    """Returns key and certificate, bytes, or `None`.

    Raises:
        OSError: They cannot be read.
        ValueError: They do not fit each other.
    """
    if paths is None:
        return None
    certificate, key = paths
    try:
        ssl.create_default_context().load_cert_chain(certificate, key)
    except ssl.SSLError as error:
        raise ValueError(
            f"{certificate} and {key} must be a certificate and its key, in "
            f"PEM. Found: {error}"
        ) from None
    return pathlib.Path(key).read_bytes(), pathlib.Path(
        certificate
    ).read_bytes()


def _raise_open_files():
    """Lets the process have as many connections as its limits say."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard < 0 else min(_OPEN_FILES, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
