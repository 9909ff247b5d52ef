"""Other people's weights as a workdir, once they are proven."""

import pathlib

import keras
import numpy as np

from alexnet_tf import config as config_lib
from alexnet_tf import ilsvrc2012, model, networks
from alexnet_tf.experiment import workdir as workdirs
from alexnet_tf.training import checkpoint
from alexnet_tf.weights import assign, pretrained, proof
from input_pipeline import dataset_info, files, statistics, transforms

REPORT = "import.json"


def build(found, path):
    """Returns the network of weights, with them in it.

    Args:
        found: A `Pretrained`.
        path: Where they come from, for the error.

    Raises:
        ValueError: They are another network's, or no numbers.
    """
    network = model.build(
        found.network,
        found.num_classes,
        image_size=found.crop_size,
        initialize=False,
    )
    pretrained.check_arrays(path, found.arrays, assign.shapes(network))
    assign.from_arrays(network, found.arrays)
    return network


def prove(network, found, expected, images):
    """Returns how far each layer is from an independent pass.

    Args:
        network: What `build` returned.
        found: The `Pretrained` that it was built of.
        expected: What `weights.proof.run` returned for `images`.
        images: uint8 `(n, 256, 256, 3)`, RGB.

    Returns:
        The largest difference of each layer, relative to its largest value.

    Raises:
        ValueError: One is `proof.LIMIT` or more.
    """
    crops = transforms.evaluation_crops(
        images, found.mean_image, found.crop_size, 1, found.mean
    )
    outputs = {name: network.get_layer(name).output for name in expected}
    ours = keras.Model(network.input, outputs)(crops, training=False)
    differences = proof.differences(
        {name: value.numpy() for name, value in ours.items()}, expected
    )
    worst = max(differences, key=differences.get)
    if not differences[worst] < proof.LIMIT:
        first = next(n for n, d in differences.items() if d >= proof.LIMIT)
        raise ValueError(
            f"Every layer must be within {proof.LIMIT:g} of an independent "
            f"pass over the file. Found: {first} is {differences[first]:.1e} "
            "away. Is the mean the file's own, and the network the right one?"
        )
    return differences


def write_workdir(workdir, network, found, differences):
    """Writes a workdir that evaluates, exports and fine-tunes.

    Args:
        workdir: Its path; no workdir may be there yet.
        network: What `build` returned.
        found: Its `Pretrained`.
        differences: What `prove` returned.

    Raises:
        ValueError: There is something already.
    """
    workdir = pathlib.Path(workdir)
    if workdir.exists() and any(workdir.iterdir()):
        raise ValueError(
            f"{workdir} must be empty, or not there. Choose another --workdir."
        )
    if workdir.exists():
        workdir.rmdir()
    with files.unfinished(workdir) as unfinished:
        unfinished.mkdir(parents=True)
        workdirs.write_config(unfinished, _config(found))
        _info(found).save(unfinished)
        statistics_of(found).save(unfinished)
        arrays = assign.to_arrays(network)
        checkpoint.write(
            unfinished / "checkpoints",
            checkpoint.Snapshot(
                0,
                arrays,
                {name: np.zeros_like(array) for name, array in arrays.items()},
                {
                    "step": 0,
                    "best": None,
                    "rate": None,
                    "schedule": {},
                    "evaluation_due": False,
                },
            ),
        )
        files.write_json(
            unfinished / REPORT, {**found.facts, "differences": differences}
        )
    return workdir


def _config(found):
    """Returns a config that builds the network again, and fine-tunes it."""
    name, changes = _name_of(found.network)
    config = config_lib.Config(network=name, changes=changes)
    config.data.crop_size = found.crop_size
    config.data.mean = found.mean
    return config


def _name_of(network):
    """Returns the named network that one is like, and its widths."""
    for name, other in vars(networks).items():
        if not isinstance(other, networks.Network):
            continue
        arrays = {
            f"{layer.name}/bias": range(_width(layer))
            for layer in network.layers
            if _width(layer)
        }
        try:
            same = pretrained.fit(other, arrays) == network
        except KeyError:
            continue
        if same:
            changes = [
                f"{layer.name}.{_field(layer)}={_width(layer)}"
                for layer, theirs in zip(
                    network.layers, other.layers, strict=True
                )
                if layer != theirs
            ]
            return name, ", ".join(changes)
    raise ValueError("The network must be one of `networks`, but for widths.")


def _field(layer):
    """Returns the name of the field that is a layer's width."""
    return "filters" if hasattr(layer, "filters") else "units"


def _width(layer):
    """Returns the outputs of a layer, or `None`."""
    return getattr(layer, _field(layer), None)


def _info(found):
    """Returns the classes and sizes, as a data set without records."""
    return dataset_info.DatasetInfo(
        name="ilsvrc2012",
        image_size=found.image_size,
        num_classes=found.num_classes,
        synsets=list(found.synsets),
        class_names=list(found.class_names),
        splits={},
        source={"imported": found.facts},
        resize=found.resize,
        resample=found.resample,
    )


def statistics_of(found):
    """Returns the file's own mean, and ILSVRC-2012's colours."""
    covariance, eigenvalues, eigenvectors = ilsvrc2012.colour_statistics()
    return statistics.Statistics(
        count=0,
        mean_image=found.mean_image,
        mean_rgb=found.mean_image.mean(axis=(0, 1)),
        covariance=covariance,
        eigenvalues=eigenvalues,
        eigenvectors=eigenvectors,
    )
