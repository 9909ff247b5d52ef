"""Weights as a torch state dict: the reverse of `weights.torchvision`."""

import numpy as np

from alexnet_tf import networks
from alexnet_tf.weights import pretrained, torchvision

# What `export.torch_module` can build.
_KINDS = (
    networks.Conv,
    networks.Norm,
    networks.MaxPool,
    networks.AveragePool,
    networks.Dense,
    networks.Dropout,
)


def check(network):
    """Refuses a network that has no like in torch.

    Raises:
        ValueError: A layer is of a kind of its own.
    """
    for layer in network.layers:
        if not isinstance(layer, _KINDS) or type(layer) not in _KINDS:
            raise ValueError(
                f"{layer.name} must have a like in torch. Received: a "
                f"{type(layer).__name__}. Export as preset or onnx instead."
            )
        if getattr(layer, "padding", None) == "same":
            raise ValueError(
                f"{layer.name} must pad nothing, as torch's pools cannot pad "
                "one side. Export as preset or onnx instead."
            )


def is_torchvisions(found):
    """Returns whether it is torchvision's network, with torchvision's mean."""
    fitted = (
        pretrained.fit(networks.TORCHVISION, found.arrays)
        if {name.split("/")[0] for name in found.arrays}
        == set(torchvision.LAYERS)
        else None
    )
    return found.network == fitted and np.allclose(
        found.mean_image, 255 * torchvision.MEAN, atol=1e-6
    )


def to_state(found, last_map):
    """Returns a state dict of NumPy arrays.

    Args:
        found: A `Pretrained`.
        last_map: Rows, columns and channels of the map that the first dense
            layer reads.

    Returns:
        A dict: torchvision's names and input where it is torchvision's
        network; else `conv1.weight` and so on, for pixels of 0 to 255 less
        the mean.
    """
    theirs = is_torchvisions(found)
    names = torchvision.LAYERS if theirs else {}
    state, is_first = {}, True
    for layer in found.network.layers:
        if not isinstance(layer, networks.Conv | networks.Dense):
            continue
        kernel = found.arrays[f"{layer.name}/kernel"]
        if kernel.ndim == 4:
            if theirs and layer.name == "conv1":
                scale = 255 * torchvision.DEVIATION
                kernel = kernel * scale[:, np.newaxis].astype(np.float32)
            kernel = kernel.transpose(3, 2, 0, 1)
        else:
            if is_first:
                maps = kernel.reshape(*last_map, -1)
                kernel = maps.transpose(2, 0, 1, 3).reshape(len(kernel), -1)
            is_first = False
            kernel = kernel.T
        key = names.get(layer.name, layer.name)
        state[f"{key}.weight"] = np.ascontiguousarray(kernel)
        state[f"{key}.bias"] = found.arrays[f"{layer.name}/bias"]
    return state
