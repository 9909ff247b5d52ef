"""A preset: a folder with all that a network needs to be used elsewhere.

config.json         the network, layer by layer, and its numbers
preprocessor.json   what is done to an image before it
labels.json         class names and synsets, by label
model.safetensors   weights as `weights.to_arrays` has them, and the mean
README.md           the model card
"""

import json
import pathlib

import numpy as np

from alexnet_tf.weights import describe, pretrained, safetensor_files
from input_pipeline import files

CONFIG = "config.json"
PREPROCESSOR = "preprocessor.json"
LABELS = "labels.json"
WEIGHTS = "model.safetensors"
CARD = "README.md"
FORMAT = "alexnet_tf preset 1"
_MEAN = "mean_image"


def write(folder, found, card):
    """Writes a preset in one piece or not at all.

    Args:
        folder: Its path; nothing may be there.
        found: A `Pretrained`.
        card: Text of the model card.

    Raises:
        ValueError: There is something already.
    """
    folder = pathlib.Path(folder)
    if folder.exists():
        raise ValueError(f"{folder} must not exist. Choose another folder.")
    mean = np.asarray(found.mean_image, np.float32)
    with files.unfinished(folder) as unfinished:
        unfinished.mkdir()
        write_facts(unfinished, found, card)
        safetensor_files.write(
            unfinished / WEIGHTS,
            {**found.arrays, _MEAN: mean},
            {"format": FORMAT},
        )
    return folder


def write_facts(folder, found, card):
    """Writes all but the weights into a folder that nobody sees yet."""
    for name, fields in _json_files(found).items():
        text = json.dumps(fields, indent=1, ensure_ascii=False) + "\n"
        (folder / name).write_text(text, encoding="utf-8")
    (folder / CARD).write_text(card, encoding="utf-8")


def _json_files(found):
    """Returns the contents of each JSON file."""
    return {
        CONFIG: {
            "format": FORMAT,
            "network": describe.to_dict(found.network),
            "num_classes": found.num_classes,
            "crop_size": found.crop_size,
            "facts": found.facts,
        },
        PREPROCESSOR: {
            "channels": "RGB, 0 to 255",
            "image_size": found.image_size,
            "resize": found.resize,
            "resample": found.resample,
            "crop_size": found.crop_size,
            "mean": found.mean,
            "mean_image": f"{WEIGHTS}: {_MEAN}",
        },
        LABELS: {"class_names": found.class_names, "synsets": found.synsets},
    }


def is_preset(path):
    """Returns whether a folder says of itself that it is a preset."""
    try:
        text = (pathlib.Path(path) / CONFIG).read_text(encoding="utf-8")
        return str(json.loads(text).get("format", "")).startswith(FORMAT[:-2])
    except (AttributeError, OSError, ValueError):
        return False


def read(folder):
    """Reads a preset.

    Returns:
        A `Pretrained`.

    Raises:
        ValueError: A part of it is missing, damaged or fits no other.
    """
    folder = pathlib.Path(folder)
    config, how, labels = (
        _read_json(folder / name) for name in (CONFIG, PREPROCESSOR, LABELS)
    )
    arrays, _ = safetensor_files.read(folder / WEIGHTS)
    try:
        if config["format"] != FORMAT:
            raise ValueError(f"{config['format']!r}, another format")
        found = pretrained.Pretrained(
            network=describe.from_dict(config["network"]),
            mean_image=arrays.pop(_MEAN).astype(np.float64),
            arrays=arrays,
            class_names=list(labels["class_names"]),
            synsets=list(labels["synsets"]),
            crop_size=how["crop_size"],
            image_size=how["image_size"],
            resize=how["resize"],
            resample=how["resample"],
            mean=how["mean"],
            facts=config["facts"],
        )
        counts = {len(found.class_names), len(found.synsets)}
        counts.add(config["num_classes"])
        if len(counts) != 1:
            raise ValueError(
                f"{len(found.class_names)} class names, {len(found.synsets)} "
                f"synsets and num_classes={config['num_classes']}"
            )
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{folder} must be a whole preset. Found: "
            f"{type(error).__name__}: {error}"
        ) from None
    return found


def _read_json(path):
    """Reads one of the JSON files."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(found, dict):
            raise ValueError(f"a {type(found).__name__}")
        return found
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{path} must be whole. Found: {type(error).__name__}: {error}"
        ) from None
