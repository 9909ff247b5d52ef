"""LPIPS's weights: AlexNet's trunk and five linear heads, from files.

Zhang et al. 2018, version 0.1, net "alex". The trunk is torchvision's.
"""

import pathlib
import re

import numpy as np

# Kernels of the five convolutions, and weights of their heads.
_KERNELS = {
    "conv1": (11, 11, 3, 64),
    "conv2": (5, 5, 64, 192),
    "conv3": (3, 3, 192, 384),
    "conv4": (3, 3, 384, 256),
    "conv5": (3, 3, 256, 256),
}
SHAPES = {
    **{f"{name}/kernel": shape for name, shape in _KERNELS.items()},
    **{f"{name}/bias": shape[-1:] for name, shape in _KERNELS.items()},
    **{
        f"lpips{n}/kernel": shape[-1:]
        for n, shape in enumerate(_KERNELS.values(), 1)
    },
}
# torchvision's names; those of LPIPS's module, if that was saved as a whole.
_TRUNK = re.compile(r"(?:features|net\.slice\d)\.(\d+)\.(weight|bias)")
_NUMBERS = {0: "conv1", 3: "conv2", 6: "conv3", 8: "conv4", 10: "conv5"}
_HEAD = re.compile(r"lin(?:s\.)?(\d)\.model\.1\.weight")
_REMEDY = (
    "Name torchvision's alexnet-owt-7be5be79.pth and LPIPS's alex.pth, with a "
    "comma between them, or one npz file of both."
)


def load(paths):
    """Reads LPIPS's weights.

    Args:
        paths: A file, or several that together have trunk and heads:
            torchvision's `.pth` and LPIPS's `alex.pth`; or an npz file with
            the names of `SHAPES`.

    Returns:
        A dict of float32 arrays, the names and shapes of `SHAPES`.

    Raises:
        FileNotFoundError: One of them is not there.
        ValueError: One is damaged or would run code, or something is missing.
    """
    paths = [paths] if isinstance(paths, str | pathlib.Path) else list(paths)
    found = {}
    for path in map(pathlib.Path, paths):
        found.update(_read(path))
    words = ", ".join(map(str, paths)) or "no file"
    return check(found, words)


def check(arrays, words="The weights"):
    """Returns the arrays that are LPIPS's, as float32.

    Args:
        arrays: By name.
        words: What they come from, for the message.

    Raises:
        ValueError: One is missing, of another shape, or no such head.
    """
    missing = [name for name in SHAPES if name not in arrays]
    if missing:
        raise ValueError(
            f"{words} must hold a trunk and five heads. Missing: "
            f"{', '.join(missing[:3])}{' ...' * (len(missing) > 3)}. {_REMEDY}"
        )
    checked = {}
    for name, shape in SHAPES.items():
        array = np.asarray(arrays[name], np.float32)
        if array.shape != shape or not np.isfinite(array).all():
            raise ValueError(
                f"{name} must have the shape {shape}, and finite numbers. "
                f"Received: {array.shape} from {words}. {_REMEDY}"
            )
        if name.startswith("lpips") and array.min() < 0:
            raise ValueError(
                f"{name} must be 0 or more, as LPIPS trains it. Received: "
                f"{array.min():.3g} from {words}. {_REMEDY}"
            )
        checked[name] = array
    return checked


def _read(path):
    """Returns what a file has of the arrays, by our names."""
    from alexnet_tf.weights import pickles, safetensor_files

    if not path.exists():
        raise FileNotFoundError(f"There is no {path}. {_REMEDY}")
    if path.suffix == ".npz":
        try:
            with np.load(path, allow_pickle=False) as file:
                return {name: file[name] for name in file if name in SHAPES}
        except Exception as error:
            raise ValueError(
                f"{path} must be a whole npz file. Received: "
                f"{type(error).__name__}: {error}. {_REMEDY}"
            ) from None
    if path.suffix == ".safetensors":
        return _from_state(safetensor_files.read(path)[0])
    return _from_state(pickles.read_torch(path))


def _from_state(state):
    """Returns our arrays of a torch state dict."""
    arrays = {}
    for name, array in state.items():
        trunk, head = _TRUNK.fullmatch(name), _HEAD.fullmatch(name)
        if trunk and int(trunk[1]) in _NUMBERS:
            layer = _NUMBERS[int(trunk[1])]
            if trunk[2] == "bias":
                arrays[f"{layer}/bias"] = array
            elif array.ndim == 4:
                arrays[f"{layer}/kernel"] = array.transpose(2, 3, 1, 0)
        elif head:
            arrays[f"lpips{int(head[1]) + 1}/kernel"] = array.ravel()
    return arrays
