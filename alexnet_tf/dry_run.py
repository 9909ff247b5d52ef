"""What a config would train, without training it."""

from alexnet_tf import model, table
from alexnet_tf.training import strategy
from input_pipeline import sources

_PAPERS_CLASSES = 1000


def describe(config):
    """Returns the network of a config as text, layer by layer.

    Reads nothing but the number of classes, where there is a data set.

    Args:
        config: A `config.Config`.

    Raises:
        ValueError: The config could not train.
    """
    config.validate()
    num_classes, origin = _PAPERS_CLASSES, "the paper's number"
    if config.data.directory:
        info = sources.open_source(config.data).info
        num_classes, origin = info.num_classes, info.name
    network = model.build(
        config.make_network(),
        num_classes,
        image_size=config.data.crop_size,
        devices=strategy.existing_devices(config.tower_devices()),
        draw=False,
    )
    changed = [config.network]
    if config.without:
        changed.append(f"without {config.without}")
    if config.changes:
        changed.append(f"with {config.changes}")
    return (
        f"{' '.join(changed)}: crops of {config.data.crop_size} pixels, "
        f"{num_classes} classes ({origin})\n\n{table.describe(network)}"
    )
