"""torchvision's AlexNet, from its state dict into our layout, and back.

PyTorch's kernels are (outputs, inputs, rows, columns); fc6 reads the last map
in channel, row, column order. Its images are RGB of 0 to 1, less a mean, over
a deviation: division and deviation go into conv1's kernel, so that the network
takes what ours take, pixels of 0 to 255 less the mean. What conv1 pads is zero
either way.
"""

import pathlib

import numpy as np

from alexnet_tf import networks
from alexnet_tf.weights import pretrained

# Of every model of torchvision.
MEAN = np.array([0.485, 0.456, 0.406])
DEVIATION = np.array([0.229, 0.224, 0.225])
LAYERS = {
    "conv1": "features.0",
    "conv2": "features.3",
    "conv3": "features.6",
    "conv4": "features.8",
    "conv5": "features.10",
    "fc6": "classifier.1",
    "fc7": "classifier.4",
    "fc8": "classifier.6",
}


def load(path):
    """Reads a `.pth` or a `.safetensors` file of torchvision's AlexNet.

    Returns:
        A `Pretrained`.

    Raises:
        ValueError: The file is damaged, another network's, or would run code.
    """
    from alexnet_tf.weights import pickles, safetensor_files

    if pathlib.Path(path).suffix == ".safetensors":
        state, _ = safetensor_files.read(path)
    else:
        state = pickles.read_torch(path)
    try:
        arrays = from_state(state)
    except (IndexError, ValueError) as error:
        raise ValueError(
            f"{path} must hold torchvision's alexnet. Found: {error}"
        ) from None
    names, synsets = pretrained.classes_of(len(arrays["fc8/bias"]))
    mean_image = np.broadcast_to(255 * MEAN, (256, 256, 3)).copy()
    return pretrained.Pretrained(
        network=pretrained.fit(networks.TORCHVISION, arrays),
        arrays=arrays,
        class_names=names,
        synsets=synsets,
        mean_image=mean_image,
        crop_size=224,
        facts=pretrained.facts_of(path),
    )


def from_state(state):
    """Returns our arrays of a state dict.

    Raises:
        ValueError: A layer is missing.
    """
    arrays = {}
    for ours, theirs in LAYERS.items():
        for suffix in ("weight", "bias"):
            if f"{theirs}.{suffix}" not in state:
                raise ValueError(
                    f"no {theirs}.{suffix}, but {', '.join(sorted(state)[:8])}"
                )
        kernel = state[f"{theirs}.weight"].astype(np.float64)
        if kernel.ndim == 4:
            kernel = kernel.transpose(2, 3, 1, 0)
        elif ours == "fc6":
            channels = len(state[f"{LAYERS['conv5']}.bias"])
            maps = kernel.reshape(-1, channels, *pretrained.LAST_MAP)
            kernel = maps.transpose(2, 3, 1, 0).reshape(-1, len(kernel))
        else:
            kernel = kernel.T
        arrays[f"{ours}/kernel"] = kernel
        arrays[f"{ours}/bias"] = state[f"{theirs}.bias"]
    arrays["conv1/kernel"] /= (255 * DEVIATION)[:, np.newaxis]
    return {k: np.ascontiguousarray(v, np.float32) for k, v in arrays.items()}
