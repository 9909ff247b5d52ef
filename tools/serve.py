"""Serves an exported model as TF Serving does, by REST and gRPC.

    python -m tools.serve --model=runs/alexnet/export
    python -m tools.serve --model=runs/alexnet/export --host=0.0.0.0 \
        --api_key_file=keys.txt --tls_certificate=cert.pem --tls_key=key.pem

The same addresses, messages and errors as TF Serving's (docs/serving.md has
the table), so tools.classify --server takes either. Besides: a page to show
photographs at /page, health at /health/live and /health/ready, figures for
Prometheus at /metrics. New versions in the folder take over by themselves.
SIGTERM or Ctrl-C ends it when what is in flight has been answered.
"""

if __name__ == "__main__" and not __package__:
    import by_path  # noqa: F401, makes it `python -m tools.NAME`


from alexnet_tf.cli import program
from alexnet_tf.serving import access, server
from alexnet_tf.serving.limits import Limits

flags = program.Flags()

_MODEL = flags.DEFINE_string(
    "model",
    None,
    "A version, or a folder of versions: runs/alexnet/export.",
    required=True,
)
_HOST = flags.DEFINE_string(
    "host", "127.0.0.1", "Address to bind; 0.0.0.0 lets other machines ask."
)
_PORT = flags.DEFINE_integer(
    "port", 8501, "Of HTTP, as TF Serving's; 0 finds a free one.", 0, 65535
)
_GRPC_PORT = flags.DEFINE_integer(
    "grpc_port", 8500, "Of gRPC, as TF Serving's; 0 is no gRPC.", 0, 65535
)
_NAME = flags.DEFINE_string("name", "alexnet", "Of the model in addresses.")
_VERSIONS = flags.DEFINE_integer(
    "versions", 1, "How many versions are served at once, the newest.", 1
)
_KEYS = flags.DEFINE_string(
    "api_key_file", None, "Keys, one a line, one of which a client must send."
)
_CERTIFICATE = flags.DEFINE_string(
    "tls_certificate", None, "Certificate in PEM, for https and grpcs."
)
_KEY = flags.DEFINE_string("tls_key", None, "The certificate's key in PEM.")
_HOSTS = flags.DEFINE_list(
    "allowed_hosts",
    [],
    "Names under which a proxy of this machine passes requests on, such as "
    "alexnet.example.org.",
)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size", 32, "Images that go through the network together.", 1
)
_MAX_WAITING = flags.DEFINE_integer(
    "max_waiting",
    Limits.waiting,
    "Images that may wait; more are refused, with status 429.",
    1,
)
_TIMEOUT = flags.DEFINE_float(
    "timeout_seconds",
    Limits.timeout_seconds,
    "Until when a request is answered, or refused with status 504.",
    0.1,
)
_GRACE = flags.DEFINE_float(
    "grace_seconds", 20, "What is in flight may take at the end.", 0
)


def main(argv):
    """Serves until it is told to end."""
    if bool(_CERTIFICATE.value) != bool(_KEY.value):
        raise ValueError(
            "tls_certificate and tls_key must be given together. Received: "
            f"{_CERTIFICATE.value} and {_KEY.value}"
        )
    scheme = "https" if _KEY.value else "http"

    def announce(port, grpc_port, stop):
        host = _HOST.value
        host = "localhost" if access.is_loopback(host) else host
        print(f"{scheme}://{host}:{port}/page", flush=True)
        if grpc_port:
            print(f"grpc://{host}:{grpc_port}", flush=True)

    server.serve(
        server.Settings(
            directory=_MODEL.value,
            name=_NAME.value,
            host=_HOST.value,
            port=_PORT.value,
            grpc_port=_GRPC_PORT.value or None,
            batch_size=_BATCH_SIZE.value,
            versions=_VERSIONS.value,
            grace_seconds=_GRACE.value,
            keys=tuple(access.read_keys(_KEYS.value)) if _KEYS.value else (),
            names=tuple(_HOSTS.value),
            tls=(_CERTIFICATE.value, _KEY.value) if _KEY.value else None,
            limits=Limits(
                waiting=_MAX_WAITING.value, timeout_seconds=_TIMEOUT.value
            ),
        ),
        announce,
    )


if __name__ == "__main__":
    program.run(main, flags)
