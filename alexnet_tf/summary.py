"""A network as a table: what every layer makes, costs and where it runs."""

import dataclasses
import math

import tensorflow as tf

from alexnet_tf import model as models
from alexnet_tf.layers import LocallyConnected2D, SideConv2D
from alexnet_tf.training import strategy
from input_pipeline import datasets

_PAPERS_CLASSES = 1000


@dataclasses.dataclass(frozen=True)
class Row:
    """One layer of one tower.

    Attributes:
        layer: Name of the layer.
        tower: Number of the tower, from 0.
        map: Shape of its output for one image.
        parameters: Weights and biases.
        multiply_adds: For one image, forward; 0 where there are no weights.
        device: Where it is computed.
    """

    layer: str
    tower: int
    map: tuple[int, ...]
    parameters: int
    multiply_adds: int
    device: str


def rows(model):
    """Returns the rows of every layer after the images.

    Args:
        model: What `model.build` returned.
    """
    found = []
    for layer in model.layers[1:]:
        outputs = layer.output
        outputs = outputs if isinstance(outputs, list) else [outputs]
        for tower, output in enumerate(outputs):
            shape = tuple(output.shape[1:])
            fan_in, parameters = _weights(layer, len(outputs))
            found.append(
                Row(
                    layer.name,
                    tower,
                    shape,
                    parameters,
                    fan_in * math.prod(shape),
                    _device(layer, tower),
                )
            )
    return found


def describe(model):
    """Returns the table as text, with its sums in the last line.

    Args:
        model: What `model.build` returned.
    """
    head = ("layer", "tower", "map", "parameters", "multiply-adds", "device")
    table = rows(model)
    lines = [
        (
            row.layer,
            str(row.tower),
            " x ".join(str(n) for n in row.map),
            f"{row.parameters:,}" if row.parameters else "",
            f"{row.multiply_adds:,}" if row.multiply_adds else "",
            row.device,
        )
        for row in table
    ]
    parameters = sum(row.parameters for row in table)
    multiply_adds = sum(row.multiply_adds for row in table)
    lines.append(("sum", "", "", f"{parameters:,}", f"{multiply_adds:,}", ""))
    widths = [
        max(map(len, column)) for column in zip(head, *lines, strict=True)
    ]
    texts = []
    for line in [head, *lines]:
        cells = [
            cell.rjust(width) if column in (1, 3, 4) else cell.ljust(width)
            for column, (cell, width) in enumerate(
                zip(line, widths, strict=True)
            )
        ]
        texts.append("  ".join(cells).rstrip())
    return "\n".join(texts)


def dry_run(config):
    """Returns the network of a config as text, layer by layer.

    Reads nothing but the number of classes, where there is a data set.

    Args:
        config: A `config.Config`.

    Raises:
        ValueError: The config could not train.
    """
    config.validate()
    num_classes, origin = _PAPERS_CLASSES, "the paper's number"
    definition = config.definition()
    if definition:
        num_classes, origin = definition.num_classes, "the file's number"
    if config.data.directory:
        info = datasets.open_source(config.data).info
        num_classes, origin = info.num_classes, info.name
    network = models.build(
        config.make_network(),
        num_classes,
        image_size=config.data.crop_size,
        # Of the first replica; the others are like it.
        devices=_first_replica(config),
        initialize=False,
    )
    changed = [config.network_name]
    if config.without:
        changed.append(f"without {config.without}")
    if config.changes:
        changed.append(f"with {config.changes}")
    return (
        f"{' '.join(changed)}: crops of {config.data.crop_size} pixels, "
        f"{num_classes} classes ({origin})\n\n{describe(network)}"
    )


def _weights(layer, towers):
    """Returns the inputs of a neuron, and a tower's parameters."""
    if not layer.weights:
        return 0, 0
    kernel = layer.kernels[0].shape
    is_local = isinstance(layer, LocallyConnected2D)
    fan_in = kernel[-2] if is_local else math.prod(kernel[:-1])
    if isinstance(layer, SideConv2D):
        fan_in += math.prod(layer.side_kernels[0].shape[:-1])
    return fan_in, layer.count_params() // towers


def _device(layer, tower):
    """Returns the device of a tower, or where TensorFlow puts everything."""
    if layer.devices:
        return layer.devices[tower]
    here = [d.name for d in tf.config.list_logical_devices()]
    gpus = [name for name in here if "GPU" in name]
    return (gpus or here)[0].removeprefix("/device:")


def _first_replica(config):
    """Returns the devices of the first replica's towers, or `None`."""
    devices = strategy.existing_devices(config.tower_devices())
    towers = config.make_network().towers
    return strategy.split_rows(devices, towers)[0] if devices else None
