"""A workdir as a preset, or as a torch state dict, with its model card."""

import json
import pathlib
import shutil

import numpy as np

from alexnet_tf import model
from alexnet_tf.export import versions
from alexnet_tf.weights import preset, torch_file, torch_state

_CARD = """---
library_name: alexnet_tf
tags: [image-classification, alexnet]
---
# {title}

The convolutional network of Krizhevsky, Sutskever and Hinton (2012), in
TensorFlow and Keras.

    import alexnet_tf
    model = alexnet_tf.AlexNet(weights="this folder")

## Data

{data}

## What an image goes through

RGB, 0 to 255; {resize}; centre of {crop_size} x {crop_size} pixels; less the
mean image. All of it in `preprocessor.json`; the mean in `model.safetensors`.

## Errors

{errors}

## Training

{training}

## Use

For research, teaching and comparison, and as a beginning for one's own
classes. Not for decisions about people, nor where a wrong answer does harm:
it knows {num_classes} classes and gives one of them whatever it is shown, has
the biases of its images, and is fooled by changes that nobody sees.

## Licence

{licence}
"""


def write_preset(found, facts, directory):
    """Writes a new version: a preset with its model card.

    Args:
        found: A `weights.pretrained.Pretrained`.
        facts: What `read_facts` returned.
        directory: Folder of the versions.

    Returns:
        The path of the version.
    """
    with versions.new_version(directory) as version:
        preset.write(version.unfinished, found, card(found, facts))
    return version.final


def read_facts(workdir):
    """Returns what a workdir knows of its own run, for its model card.

    Returns:
        A dict: "config", "revision" and "versions" of config.json; "source"
        of dataset.json; "evaluations", the results of `tools.evaluate`;
        "imported", where its weights come from elsewhere.
    """
    workdir = pathlib.Path(workdir)
    record = json.loads((workdir / "config.json").read_text("utf-8"))
    info = json.loads((workdir / "dataset.json").read_text("utf-8"))
    paths = sorted((workdir / "predictions").glob("*.json"))
    imported = workdir / "import.json"
    return {
        **record,
        "name": workdir.name,
        "data": info["name"],
        "source": info["source"],
        "splits": info["splits"],
        "evaluations": [json.loads(p.read_text("utf-8")) for p in paths],
        "imported": json.loads(imported.read_text("utf-8"))
        if imported.exists()
        else None,
    }


def card(found, facts):
    """Returns the model card as Markdown, of the run's own facts."""
    squash = found.resize == "squash"
    side = found.image_size
    return _CARD.format(
        title=f"AlexNet: {facts['name']}",
        data=_data(found, facts),
        resize=f"squashed to {side} x {side}"
        if squash
        else f"shorter side to {side}, centre cut",
        crop_size=found.crop_size,
        errors=_errors(facts, found.facts.get("step")),
        training=_training(facts),
        num_classes=found.num_classes,
        licence=_licence(facts),
    )


def _data(found, facts):
    """Returns what it was trained on."""
    counts = ", ".join(
        f"{split['num_images']:,} images to {name}"
        for name, split in facts["splits"].items()
    )
    return f"`{facts['data']}`, {found.num_classes} classes" + (
        f": {counts}." if counts else "."
    )


def _errors(facts, step):
    """Returns a table of the evaluations of the exported step."""
    rows = [
        f"| {e['split']} | {e['num_images']:,} | {_how(e)} | "
        f"{e['top1_error']:.2%} ({e['top1_interval'][0]:.2%} to "
        f"{e['top1_interval'][1]:.2%}) | {e['top5_error']:.2%} "
        f"({e['top5_interval'][0]:.2%} to {e['top5_interval'][1]:.2%}) |"
        for e in facts["evaluations"]
        if e["step"] == step
    ]
    if not rows:
        return (
            "Not evaluated before it was exported; see "
            "`python -m tools.evaluate --help`."
        )
    head = "| split | images | crops | top-1 error (95%) | top-5 error (95%) |"
    return "\n".join([head, "|---|---|---|---|---|", *rows])


def _how(evaluation):
    """Returns the crops, and the rule for ties where it is not the usual."""
    ties = evaluation.get("protocol", {}).get("ties", "class order")
    words = "" if ties == "class order" else f", ties: {ties}"
    return f"{evaluation['crops']}{words}"


def _training(facts):
    """Returns how it was trained, or where its weights come from."""
    if facts["imported"]:
        published = facts["imported"].get("published", {})
        return (
            f"Imported from `{facts['imported']['file']}`, SHA-256 "
            f"{facts['imported']['sha256']}"
            + (f": {published['name']}, as published." if published else ".")
        )
    config = facts["config"]
    total = config["training"]["total_steps"]
    length = (
        f"{total} steps"
        if total
        else (f"{config['training']['total_epochs']:g} epochs")
    )
    return (
        f"Network {config['network']}, {length} of batches of "
        f"{config['data']['batch_size']}, rate "
        f"{config['optimizer']['learning_rate']:g}, seed "
        f"{config['training']['seed']}, revision {facts['revision']}."
        + (f" Began with {config['init_from']}." if config["init_from"] else "")
    )


def _licence(facts):
    """Returns what is known of the licences of weights and data."""
    published = (facts["imported"] or {}).get("published", {})
    weights = published.get("licence", "whoever trained them says")
    text = f"Weights: {weights}."
    if "ilsvrc" in facts["data"] or "imagenet" in facts["data"]:
        text += (
            " Images: ImageNet's terms of access allow non-commercial "
            "research and education only. Class names: WordNet 3.0, "
            "copyright 2006 by Princeton University."
        )
    else:
        text += " Images: see the licence of the data set."
    return text


def write_torch(found, facts, directory):
    """Writes a new version: a torch state dict and the module to load it.

    `model.pth` is a state dict of torchvision's own names, input included,
    where it is torchvision's network; else `alexnet.py` beside it has the
    module. `config.json`, `preprocessor.json`, `labels.json` and the model
    card are those of a preset.

    Args:
        found: A `weights.pretrained.Pretrained`.
        facts: What `read_facts` returned.
        directory: Folder of the versions.

    Returns:
        The path of the version.

    Raises:
        ValueError: torch has no such layer.
    """
    torch_state.check(found.network)
    network = model.build(
        found.network,
        found.num_classes,
        image_size=found.crop_size,
        initialize=False,
    )
    state = torch_state.to_state(found, model.last_map(network))
    with versions.new_version(directory) as version:
        version.unfinished.mkdir()
        preset.write_facts(version.unfinished, found, card(found, facts))
        np.save(version.unfinished / "mean_image.npy", found.mean_image)
        if not torch_state.is_torchvisions(found):
            module = pathlib.Path(__file__).with_name("torch_module.py")
            shutil.copy(module, version.unfinished / "alexnet.py")
        torch_file.write(version.unfinished / "model.pth", state)
    return version.final
