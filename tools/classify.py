"""Names what image files show, by an exported model or a server.

    python -m tools.classify --model=runs/alexnet/export/1 cat.jpg dog.png
    python -m tools.classify --model=runs/alexnet/export photographs \\
        --output=classes.csv
    python -m tools.classify --server=http://localhost:8501 cat.jpg
    python -m tools.classify --server=grpc://localhost:8500 cat.jpg

Of a folder every image file is taken, of the folders in it too. The server is
TF Serving, by REST or gRPC, or `python -m tools.serve`.
"""

if __name__ == "__main__" and not __package__:
    import by_path  # noqa: F401, makes it `python -m tools.NAME`

import tensorflow as tf
from absl import app

from alexnet_tf import export, predictions
from alexnet_tf.classifier import find_images
from alexnet_tf.cli import program, progress
from alexnet_tf.serving import client

flags = program.Flags()

_MODEL = flags.DEFINE_string(
    "model",
    None,
    "A SavedModel: a version or a folder of them: runs/alexnet/export.",
)
_SERVER = flags.DEFINE_string(
    "server", None, "Instead: http://HOST:PORT or grpc://HOST:PORT."
)
_NAME = flags.DEFINE_string("name", "alexnet", "Of the model on the server.")
_CROPS = flags.DEFINE_integer(
    "crops", 1, "1 for the centre; 10 for four corners, centre and mirrors."
)
_OUTPUT = flags.DEFINE_string(
    "output",
    None,
    "Table to write instead of printing, a row an image, best class first: "
    "--output=classes.csv.",
)


def main(argv):
    """Prints the best classes of each image."""
    if len(argv) < 2:
        raise app.UsageError("Name one image file or more.")
    if _CROPS.value not in (1, 10):
        raise app.UsageError(f"crops must be 1 or 10. Got: {_CROPS.value}")
    if bool(_MODEL.value) == bool(_SERVER.value):
        raise app.UsageError("Give either --model or --server.")
    images = find_images(argv[1:])
    if _MODEL.value:
        ask = _load(_MODEL.value)
    else:
        ask = client.connect(_SERVER.value, _NAME.value)
    if _OUTPUT.value:
        with progress.Progress("classify", len(images), "images") as bar:
            rows, refused = _classify(ask, images, lambda *_: bar.update(1))
        predictions.write_table(_OUTPUT.value, rows)
        print(_OUTPUT.value)
    else:
        _, refused = _classify(ask, images, _print_guesses)
    if refused:
        raise ValueError("; ".join(refused))


def _classify(ask, images, show):
    """Returns a row for each image, and what is wrong with the others."""
    signature = "serving_default" if _CROPS.value == 1 else "ten_crop"
    rows, refused = [], []
    for path in images:
        try:
            names, probabilities = ask(path.read_bytes(), signature)
        except ValueError as error:
            # The others are answered all the same.
            refused.append(f"{path}: {error}")
            continue
        guesses = list(zip(names, probabilities, strict=True))
        rows.append((path, guesses))
        show(path, guesses)
    return rows, refused


def _print_guesses(path, guesses):
    """Prints the best classes of an image."""
    print(path)
    for name, probability in guesses:
        print(f"  {probability:6.2%}  {name}")


def _load(path):
    """Returns a function that asks a SavedModel, as a client asks a server."""
    model = export.load(export.find_version(path))

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
