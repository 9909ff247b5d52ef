"""`AlexNet`, called as the networks of `keras.applications` are."""

import dataclasses
import os
from collections.abc import Sequence
from typing import Any

import keras

from alexnet_tf import model as models
from alexnet_tf import networks
from alexnet_tf.experiment import pretrained
from alexnet_tf.networks.network import Network
from alexnet_tf.weights import assign


def AlexNet(  # noqa: N802, named like the networks of keras.applications
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = None,
    *,
    network: Network | None = None,
    devices: Sequence[str] | None = None,
    num_classes: int | None = None,
) -> keras.Model:
    """Returns the network of the paper: a `keras.Model`.

    float32 RGB images of 0 to 255 less the mean (`preprocess_input`), to
    logits. A loss over logits needs `from_logits=True`; one that expects
    probabilities needs `classifier_activation="softmax"`.

    Args:
        include_top: Whether fc6 and what follows belong to it; else it ends
            with the last pool.
        weights: `None` for first weights, or a path: a preset, a workdir, or
            a file .pth, .caffemodel, .npy, .safetensors or .keras.
        input_shape: `(size, size, 3)`; the network's own by default.
        pooling: Without the top: `None`, "avg" or "max" over each map.
        classes: Outputs; those of `weights` where left at 1000.
        classifier_activation: "softmax", or `None` for logits.
        network: A network of `networks`; `None` is PAPER, or what `weights`
            holds.
        devices: One for each tower, such as ("GPU:0", "GPU:1"), or `None`.
        num_classes: Another name of `classes`.
    """
    classes = _check(include_top, pooling, classes, num_classes)
    found = None if weights is None else pretrained.read(weights, network)
    if found is not None:
        network = found.network
        if include_top and classes not in (1000, found.num_classes):
            raise ValueError(
                f"{weights} has {found.num_classes} classes. Received: "
                f"classes={classes}. Pass include_top=False and add a head, "
                "or train with --config.init_from."
            )
        classes = found.num_classes
    network = network or networks.PAPER
    model = models.build(
        network if include_top else _without_top(network),
        classes,
        image_size=_image_size(input_shape, found),
        devices=devices,
        initialize=found is None,
    )
    if found is not None:
        names = assign.shapes(model)
        assign.from_arrays(model, {name: found.arrays[name] for name in names})
    return _finish(model, include_top, pooling, classifier_activation)


def _check(include_top, pooling, classes, num_classes):
    """Returns the number of classes, once the arguments make sense."""
    if not isinstance(include_top, bool):
        raise TypeError(
            "include_top, the first argument, must be True or False. "
            f"Received: {include_top!r}. For other classes write "
            f"AlexNet(classes={include_top!r})."
        )
    if pooling not in (None, "avg", "max"):
        raise ValueError(
            f"pooling must be None, avg or max. Received: {pooling!r}"
        )
    if num_classes is not None and classes not in (1000, num_classes):
        raise TypeError(
            "classes and num_classes are one number. Received: "
            f"classes={classes}, num_classes={num_classes}"
        )
    return classes if num_classes is None else num_classes


def _image_size(input_shape, found):
    """Returns rows and columns of the images, or `None`."""
    if input_shape is None:
        return found.crop_size if found is not None else None
    height, *others = input_shape
    if others != [height, 3]:
        raise ValueError(
            "input_shape must be (size, size, 3). "
            f"Received: {tuple(input_shape)}"
        )
    return height


def _without_top(network):
    """Returns a network's layers below its first dense one."""
    kinds = [isinstance(x, networks.Dense) for x in network.layers]
    trunk = list(network.layers[: kinds.index(True)])
    while isinstance(trunk[-1], networks.Dropout):
        trunk.pop()
    return dataclasses.replace(network, layers=tuple(trunk))


def _finish(model, include_top, pooling, activation):
    """Adds what comes behind the logits, or behind the last map."""
    if include_top and activation not in (None, "linear"):
        after = keras.layers.Activation(activation, name="predictions")
    elif not include_top and pooling == "avg":
        after = keras.layers.GlobalAveragePooling2D(name="avg_pool")
    elif not include_top and pooling == "max":
        after = keras.layers.GlobalMaxPooling2D(name="max_pool")
    else:
        return model
    return keras.Model(model.input, after(model.output), name=model.name)
