"""Runs one part of a tf.data service: a dispatcher, or one of its workers.

    python -m tools.data_service --role=dispatcher --port=5050
    python -m tools.data_service --role=worker --dispatcher=localhost:5050

Workers, on this machine or others that see the records by the same path,
decode for a training that is started with
`--config.data.service=grpc://HOST:5050`. The dispatcher first.
"""

import socket
import threading

import tensorflow as tf
from absl import flags

from alexnet_tf.cli import program

_ROLE = flags.DEFINE_enum(
    "role", None, ["dispatcher", "worker"], "dispatcher or worker."
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
    port = _PORT.value or _free_port()
    server = _start(port)
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
    return service.WorkerServer(
        service.WorkerConfig(
            dispatcher_address=_DISPATCHER.value,
            worker_address=f"{_HOST.value}:{port}",
            port=port,
        )
    )


def _free_port():
    """Returns a port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("", 0))
        return probe.getsockname()[1]


if __name__ == "__main__":
    flags.mark_flag_as_required("role")
    program.run(main)
