"""Runs one part of a tf.data service: a dispatcher, or one of its workers.

    python -m tools.data_service --role=dispatcher --port=5050
    python -m tools.data_service --role=worker --dispatcher=localhost:5050

Workers, on this machine or others that see the records by the same path,
decode for a training that is started with
`--config.data.service=grpc://HOST:5050`. The dispatcher first.
"""

if __name__ == "__main__" and not __package__:
    import by_path  # noqa: F401, makes it `python -m tools.NAME`

import socket
import threading
import time

import tensorflow as tf

from alexnet_tf.cli import program

flags = program.Flags()

# For how long a worker waits for a dispatcher that starts with it.
_SECONDS_TO_WAIT = 10

_ROLE = flags.DEFINE_enum(
    "role",
    None,
    ["dispatcher", "worker"],
    "dispatcher or worker.",
    required=True,
)
_PORT = flags.DEFINE_integer(
    "port", 0, "Port to listen at, such as 5050; 0 takes a free one."
)
_DISPATCHER = flags.DEFINE_string(
    "dispatcher", None, "Of a worker: its dispatcher, such as localhost:5050."
)
_HOST = flags.DEFINE_string(
    "host", "localhost", "Of a worker: its name as the training sees it."
)


def main(argv):
    """Serves until it is interrupted."""
    port = _free_port(_PORT.value)
    try:
        server = _start(port)
    except (tf.errors.OpError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(
            f"The service must start at port {port}. Received: {reason}"
        ) from None
    print(f"{_ROLE.value} at port {port}", flush=True)
    # Not `server.join()`, which hears no ctrl-C.
    threading.Event().wait()
    del server


def _start(port):
    """Returns the server, which runs as long as it is kept."""
    service = tf.data.experimental.service
    if _ROLE.value == "dispatcher":
        return service.DispatchServer(service.DispatcherConfig(port=port))
    if not _DISPATCHER.value:
        raise ValueError(
            "A worker needs --dispatcher=HOST:PORT. Received: nothing. Start "
            "one with: python -m tools.data_service --role=dispatcher "
            "--port=5050"
        )
    _wait_for(_DISPATCHER.value)
    return service.WorkerServer(
        service.WorkerConfig(
            dispatcher_address=_DISPATCHER.value,
            worker_address=f"{_HOST.value}:{port}",
            port=port,
        )
    )


def _wait_for(dispatcher):
    """Waits a while for a dispatcher, without which a worker would for ever."""
    host, _, port = dispatcher.rpartition(":")
    if not host or not port.isdigit():
        raise ValueError(
            f"--dispatcher must be HOST:PORT. Received: {dispatcher}"
        )
    deadline = time.monotonic() + _SECONDS_TO_WAIT
    while True:
        try:
            socket.create_connection((host, int(port)), timeout=5).close()
            return
        except OSError as error:
            if time.monotonic() > deadline:
                raise ValueError(
                    f"A dispatcher must listen at {dispatcher}. Received: "
                    f"{error.strerror or error}. Start one with: python -m "
                    "tools.data_service --role=dispatcher --port=5050"
                ) from None
        time.sleep(0.2)


def _free_port(port):
    """Returns a port that nobody listens at: the one given, or any for 0."""
    with socket.socket() as probe:
        # A port that was closed a moment ago is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError as error:
            raise ValueError(
                f"--port must be free. Received: {port}, {error.strerror}. "
                "Choose another, or 0 for any."
            ) from None
        return probe.getsockname()[1]


if __name__ == "__main__":
    program.run(main, flags)
