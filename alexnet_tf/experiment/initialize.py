"""The weights that a run begins with, where they come from elsewhere."""

import dataclasses

import cv2
from absl import logging

from alexnet_tf import networks
from alexnet_tf.experiment import pretrained
from alexnet_tf.weights import assign


def load(config):
    """Returns what `config.init_from` names, or `None` where it is empty."""
    if not config.init_from:
        return None
    return pretrained.read(config.init_from, checkpoint=config.init_checkpoint)


def set_weights(model, found, skip=(), source="init_from"):
    """Copies layers of equal shape into a model.

    Args:
        model: What `model.build` returned.
        found: A `Pretrained`.
        skip: Names of layers that keep their first weights.
        source: What to call it in logs and errors.

    Returns:
        Names of the layers that were copied, and of those that are new.

    Raises:
        ValueError: A layer has another shape, and is neither skipped nor the
            head of other classes; or nothing was copied.
    """
    own = assign.to_arrays(model)
    head = _head(found.network)
    copied, new = [], []
    for layer in [x.name for x in model.layers if x.weights]:
        names = [name for name in own if name.split("/")[0] == layer]
        theirs = {name: found.arrays.get(name) for name in names}
        shapes = {k: getattr(v, "shape", None) for k, v in theirs.items()}
        if layer in skip or None in shapes.values():
            new.append(layer)
        elif all(shapes[name] == own[name].shape for name in names):
            own.update(theirs)
            copied.append(layer)
        elif layer == head and _only_outputs_differ(names, shapes, own):
            new.append(layer)
        else:
            raise _other_shape(layer, names, shapes, own, source)
    if not copied:
        raise ValueError(
            f"{source} must share a layer with the network. Found: "
            f"{', '.join(sorted({n.split('/')[0] for n in found.arrays}))}"
        )
    assign.from_arrays(model, own)
    logging.info("From %s: %s.", source, ", ".join(copied))
    if new:
        logging.info("With first weights: %s.", ", ".join(new))
    return copied, new


def with_mean_of(statistics, found):
    """Returns statistics with the mean image that weights were trained with.

    Args:
        statistics: A `Statistics` of the data to train on.
        found: A `Pretrained`. Where its images are of another size, its mean
            image is brought to that of the data.
    """
    if found.mean_image is None or statistics.mean_image is None:
        return statistics
    mean = found.mean_image
    rows, columns = statistics.mean_image.shape[:2]
    if mean.shape[:2] != (rows, columns):
        mean = cv2.resize(mean, (columns, rows), interpolation=cv2.INTER_AREA)
    return dataclasses.replace(
        statistics, mean_image=mean, mean_rgb=mean.mean(axis=(0, 1))
    )


def _head(network):
    """Returns the name of a network's last dense layer."""
    dense = [x for x in network.layers if isinstance(x, networks.Dense)]
    return dense[-1].name if dense else None


def _only_outputs_differ(names, shapes, own):
    """Returns whether a layer reads the same, and has other classes."""
    return all(shapes[n][:-1] == own[n].shape[:-1] for n in names)


def _other_shape(layer, names, shapes, own, source):
    """Returns the error for a layer that does not fit."""
    name = next(n for n in names if shapes[n] != own[n].shape)
    return ValueError(
        f"{name} has shape {shapes[name]} in {source} and {own[name].shape} "
        f"in the model. Pass --config.init_skip={layer} to keep the model's "
        "own."
    )
