"""Files of weights that others have published, by their ending."""

import pathlib

from alexnet_tf import networks
from alexnet_tf.weights import (
    caffe,
    preset,
    pretrained,
    torchvision,
)

KINDS = ("auto", "caffe", "torchvision", "npy", "safetensors")
_BY_ENDING = {
    ".caffemodel": "caffe",
    ".npy": "npy",
    ".pth": "torchvision",
    ".pt": "torchvision",
    ".safetensors": "safetensors",
}


def kind_of(path, kind="auto"):
    """Returns the kind of a file: "auto" goes by its ending.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The ending says nothing.
    """
    path = pathlib.Path(path)
    if not path.exists():
        raise FileNotFoundError(f"There is no {path}.")
    if kind == "auto" and path.suffix not in _BY_ENDING:
        raise ValueError(
            f"{path} must end with one of {', '.join(_BY_ENDING)}. Say what "
            "it is with --from=caffe, torchvision, npy or safetensors."
        )
    return _BY_ENDING[path.suffix] if kind == "auto" else kind


def read(path, kind="auto", mean_bgr=None, network=None):
    """Reads a published file, or a preset.

    Args:
        path: A file, or the folder of a preset.
        kind: One of `KINDS`.
        mean_bgr: Of Caffe's files, which have none: what `caffe.read_mean`
            returned, or `None`.
        network: Of Caffe's files: `networks.CAFFE` or `networks.CAFFENET`;
            what the file says, if `None`.

    Returns:
        A `Pretrained`.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is damaged, another network's, or would run code.
    """
    if preset.is_preset(path):
        return preset.read(path)
    kind = kind_of(path, kind)
    if kind not in ("caffe", "npy"):
        return torchvision.load(path)
    if kind == "caffe":
        return caffe.load_caffemodel(path, mean_bgr, network)
    if network is None:
        known = pretrained.facts_of(path).get("published", {}).get("network")
        name = pathlib.Path(path).name.lower()
        if known is None and "caffenet" in name:
            known = "CAFFENET"
        elif known is None and "alexnet" in name:
            known = "CAFFE"
        if known is None:
            raise ValueError(
                f"{path} does not say whether its norms stand before or "
                "behind the pools. Pass --network=CAFFE or "
                "--network=CAFFENET."
            )
        network = networks.named(known)
    return caffe.load_npy(path, mean_bgr, network)
