"""Features for TensorBoard's projector, with a small picture at each point."""

import pathlib

import numpy as np

from alexnet_tf.analysis import figures
from input_pipeline import files

# The projector's limit is a sprite of 8192 pixels a side.
_SIDE = 48
_LARGEST_SHEET = 8192


def write(directory, features, images, labels, class_names):
    """Writes what `tensorboard --logdir=DIRECTORY` shows as a cloud of images.

    Args:
        directory: A folder, made if it is not there.
        features: `(n, features)`.
        images: Sequence of n uint8 `(height, width, 3)`.
        labels: `(n,)`, from 0.
        class_names: By label.

    Raises:
        ValueError: There are more images than a sprite holds.
    """
    from PIL import Image

    columns = int(np.ceil(np.sqrt(len(images))))
    if columns * _SIDE > _LARGEST_SHEET:
        raise ValueError(
            f"The projector shows at most {(_LARGEST_SHEET // _SIDE) ** 2} "
            f"images. Received: {len(images)}"
        )
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    tiles = np.stack(
        [
            np.asarray(Image.fromarray(image).resize((_SIDE, _SIDE)))
            for image in images
        ]
    )
    # The projector cuts the sheet into tiles by itself: no gaps.
    figures.save_png(directory / "sprite.png", figures.tile(tiles, columns, 0))
    rows = ("\t".join(f"{x:.5g}" for x in row) for row in features)
    names = (figures.short(class_names[label]) for label in labels)
    contents = {
        "features.tsv": "\n".join(rows) + "\n",
        "classes.tsv": "\n".join(names) + "\n",
        "projector_config.pbtxt": _CONFIG.format(side=_SIDE),
    }
    for name, text in contents.items():
        files.write_atomically(directory / name, text.encode())


_CONFIG = """embeddings {{
  tensor_name: "fc7"
  tensor_path: "features.tsv"
  metadata_path: "classes.tsv"
  sprite {{
    image_path: "sprite.png"
    single_image_dim: {side}
    single_image_dim: {side}
  }}
}}
"""
