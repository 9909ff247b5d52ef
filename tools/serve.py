"""Serves an exported model by HTTP, without TF Serving.

    python -m tools.serve --model=runs/alexnet/export --port=8501

It answers as TF Serving's REST does (POST /v1/models/alexnet:predict, images
in rows as {"b64": ...}), so tools.classify --server takes either. Besides: a
page to drop photographs on at /page, health at /v2/health/live, Prometheus
figures at /metrics.
"""

from absl import flags

from alexnet_tf.cli import program
from alexnet_tf.serving import server

_MODEL = flags.DEFINE_string(
    "model", None, "A version, or a folder of versions: runs/alexnet/export."
)
_PORT = flags.DEFINE_integer(
    "port", 8501, "Of HTTP; TF Serving's own is 8501.", 1, 65535
)
_NAME = flags.DEFINE_string("name", "alexnet", "Of the model in addresses.")
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size", 32, "Images that go through the network together.", 1
)


def main(argv):
    """Serves until it is interrupted."""
    print(f"http://localhost:{_PORT.value}/page", flush=True)
    server.serve(_MODEL.value, _PORT.value, _NAME.value, _BATCH_SIZE.value)


if __name__ == "__main__":
    flags.mark_flag_as_required("model")
    program.run(main)
