"""Names what image files show, by an exported model.

python -m tools.classify --model=runs/alexnet/export/1 cat.jpg dog.png
"""

import pathlib

import tensorflow as tf
from absl import app, flags

from tools import program

_MODEL = flags.DEFINE_string(
    "model", None, "A SavedModel: a version, such as runs/alexnet/export/1."
)
_CROPS = flags.DEFINE_integer(
    "crops", 1, "1 for the centre; 10 for four corners, centre and mirrors."
)


def main(argv):
    """Prints the best classes of each image."""
    if len(argv) < 2:
        raise app.UsageError("Name one image file or more.")
    if _CROPS.value not in (1, 10):
        raise app.UsageError(f"crops must be 1 or 10. Got: {_CROPS.value}")
    files = [pathlib.Path(name) for name in argv[1:]]
    contents = [file.read_bytes() for file in files]
    signature = _load(_MODEL.value).signatures[
        "serving_default" if _CROPS.value == 1 else "ten_crop"
    ]
    for file, image_bytes in zip(files, contents, strict=True):
        try:
            found = signature(image_bytes=tf.constant([image_bytes]))
        except tf.errors.InvalidArgumentError:
            raise ValueError(
                f"{file} must be a JPEG or PNG image, whole and not empty. "
                f"Received: {len(image_bytes)} bytes that are none"
            ) from None
        print(file)
        for name, probability in zip(
            found["class_names"][0].numpy(),
            found["probabilities"][0].numpy(),
            strict=True,
        ):
            print(f"  {probability:6.2%}  {name.decode()}")


def _load(path):
    """Loads a SavedModel, or says what stands there instead."""
    if not (pathlib.Path(path) / "saved_model.pb").exists():
        raise FileNotFoundError(
            f"{path} holds no saved_model.pb. Name a version of an exported "
            "model; make one with: python -m tools.export --help"
        )
    return tf.saved_model.load(path)


main.takes_arguments = True

if __name__ == "__main__":
    flags.mark_flag_as_required("model")
    program.run(main)
