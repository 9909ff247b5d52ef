"""What other people's weights come with: the network, the mean, the classes."""

import dataclasses
import hashlib
import pathlib

import numpy as np

from alexnet_tf import ilsvrc2012, networks

# Rows and columns of the map that fc6 reads, in all of these networks.
LAST_MAP = (6, 6)

# A file's own digest, as its publisher gives it: (kind, beginning): facts.
# SHA-1: models/*/readme.md of BVLC/caffe. SHA-256: torchvision writes its
# first eight digits into the file's name.
_PUBLISHED = {
    ("sha1", "9116a64c0fbe4459d18f4bb6b56d647b63920377"): {
        "name": "bvlc_alexnet.caffemodel",
        "network": "CAFFE",
        "licence": "released for unrestricted use",
        "published_errors": [0.429, 0.198],
    },
    ("sha1", "4c8d77deb20ea792f84eb5e6d0a11ca0a8660a46"): {
        "name": "bvlc_reference_caffenet.caffemodel",
        "network": "CAFFENET",
        "licence": "released for unrestricted use",
        "published_errors": [0.426, 0.196],
    },
    ("sha256", "4df8aa71"): {
        "name": "alexnet-owt-4df8aa71.pth",
        "network": "TORCHVISION",
        "licence": "BSD-3-Clause",
        "published_errors": [0.43478, 0.20934],
    },
    ("sha256", "7be5be79"): {
        "name": "alexnet-owt-7be5be79.pth",
        "network": "TORCHVISION",
        "licence": "BSD-3-Clause",
        "published_errors": [0.43478, 0.20934],
    },
}


@dataclasses.dataclass(frozen=True)
class Pretrained:
    """Weights, with all that one must know to use them.

    Attributes:
        network: A `networks.Network`.
        arrays: Weights by name, as `weights.to_arrays` returns them.
        class_names: Words by label.
        synsets: WordNet ids, or folder names, by label.
        mean_image: `(image_size, image_size, 3)`, RGB of 0 to 255; `None`
            where the file does not have it.
        crop_size: Rows and columns of the network's images.
        image_size: Rows and columns that photographs are brought to.
        resize: "shorter side": that one is brought to `image_size` and the
            centre cut out (§2); "squash": both sides are, as Caffe does.
        resample: The filter that does it; see `DatasetInfo`.
        mean: How the mean image is subtracted; see `DataConfig`.
        facts: Where it comes from: "file", "sha256", and more where known.
    """

    network: networks.Network
    arrays: dict
    class_names: list
    synsets: list
    mean_image: np.ndarray | None
    crop_size: int
    image_size: int = 256
    resize: str = "shorter side"
    resample: str = "triangle"
    mean: str = "paper"
    facts: dict = dataclasses.field(default_factory=dict)

    @property
    def num_classes(self):
        """Outputs of the last layer."""
        return len(self.class_names)


def fit(network, arrays):
    """Returns a network as wide as the arrays of a file are.

    People have published narrower and wider ones; what is not a width, such
    as the size of a kernel, is checked when the arrays go into the model.
    """
    for layer in network.layers:
        for width in ("filters", "units"):
            if getattr(layer, width, None) is not None:
                bias = arrays[f"{layer.name}/bias"]
                network = network.replace(layer.name, **{width: len(bias)})
    return network


def classes_of(count):
    """Returns class names and synsets of a file that has none of its own.

    Args:
        count: Outputs of its last layer; a thousand are ILSVRC-2012's.
    """
    if count == ilsvrc2012.NUM_CLASSES:
        return ilsvrc2012.class_names(), ilsvrc2012.synsets()
    names = [f"class {label}" for label in range(count)]
    return names, [name.replace(" ", "_") for name in names]


def facts_of(path):
    """Returns a file's name and digests, and who published it, if on record."""
    digests = {"sha1": hashlib.sha1(), "sha256": hashlib.sha256()}
    with pathlib.Path(path).open("rb") as file:
        while block := file.read(1 << 20):
            for digest in digests.values():
                digest.update(block)
    found = {kind: digest.hexdigest() for kind, digest in digests.items()}
    facts = {"file": pathlib.Path(path).name, "sha256": found["sha256"]}
    for (kind, start), known in _PUBLISHED.items():
        if found[kind].startswith(start):
            facts["published"] = known
    return facts


def check_arrays(path, arrays, shapes):
    """Refuses weights that are not a network's, or are no numbers.

    Args:
        path: For the error.
        arrays: By name, as `weights.to_arrays` returns them.
        shapes: What they must be, by the same names.

    Raises:
        ValueError: One is missing, of another shape or not finite.
    """
    for name, shape in shapes.items():
        found = arrays[name].shape if name in arrays else "nothing"
        if found != shape:
            raise ValueError(
                f"{path} must hold {name} of shape {shape}. Found: {found}. "
                "Is it another network's?"
            )
        if not np.isfinite(arrays[name]).all():
            raise ValueError(
                f"{path} must hold numbers. Found: {name} with infinite "
                "values or none (NaN). Download it again."
            )
