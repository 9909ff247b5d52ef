"""Names what image files show, by an exported model or a server.

    python -m tools.classify --model=runs/alexnet/export/1 cat.jpg dog.png
    python -m tools.classify --server=http://localhost:8501 cat.jpg
    python -m tools.classify --server=grpc://localhost:8500 cat.jpg

The server is TF Serving, by REST or gRPC, or `python -m tools.serve`.
"""

if __name__ == "__main__" and not __package__:
    import by_path  # noqa: F401, makes it `python -m tools.NAME`

import pathlib

import tensorflow as tf
from absl import app

from alexnet_tf import export
from alexnet_tf.cli import program
from alexnet_tf.serving import client

flags = program.Flags()

_MODEL = flags.DEFINE_string(
    "model", None, "A SavedModel: a version, such as runs/alexnet/export/1."
)
_SERVER = flags.DEFINE_string(
    "server", None, "Instead: http://HOST:PORT or grpc://HOST:PORT."
)
_NAME = flags.DEFINE_string("name", "alexnet", "Of the model on the server.")
_CROPS = flags.DEFINE_integer(
    "crops", 1, "1 for the centre; 10 for four corners, centre and mirrors."
)


def main(argv):
    """Prints the best classes of each image."""
    if len(argv) < 2:
        raise app.UsageError("Name one image file or more.")
    if _CROPS.value not in (1, 10):
        raise app.UsageError(f"crops must be 1 or 10. Got: {_CROPS.value}")
    if bool(_MODEL.value) == bool(_SERVER.value):
        raise app.UsageError("Give either --model or --server.")
    files = [pathlib.Path(name) for name in argv[1:]]
    contents = [file.read_bytes() for file in files]
    signature = "serving_default" if _CROPS.value == 1 else "ten_crop"
    if _MODEL.value:
        ask = _load(_MODEL.value)
    else:
        ask = client.connect(_SERVER.value, _NAME.value)
    refused = []
    for file, image_bytes in zip(files, contents, strict=True):
        try:
            names, probabilities = ask(image_bytes, signature)
        except ValueError as error:
            # The others are answered all the same.
            refused.append(f"{file}: {error}")
            continue
        print(file)
        for name, probability in zip(names, probabilities, strict=True):
            print(f"  {probability:6.2%}  {name}")
    if refused:
        raise ValueError("; ".join(refused))


def _load(path):
    """Returns a function that asks a SavedModel, as a client asks a server."""
    model = export.load(path)

    def ask(image_bytes, signature):
        call = model.signatures[signature]
        try:
            found = call(image_bytes=tf.constant([image_bytes]))
        except tf.errors.InvalidArgumentError as error:
            raise ValueError(
                "It must be a JPEG or PNG image, whole and not empty. "
                f"Received: {len(image_bytes)} bytes; "
                f"{client.clean_tf_error(error.message)}"
            ) from None
        names = found["class_names"][0].numpy()
        return [n.decode() for n in names], found["probabilities"][0].numpy()

    return ask


main.takes_arguments = True

if __name__ == "__main__":
    program.run(main, flags)
