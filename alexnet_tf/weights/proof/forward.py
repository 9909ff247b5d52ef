"""Caffe's and torchvision's networks in NumPy, float64, channels first."""

import pathlib

import numpy as np

from alexnet_tf.weights.proof import files

# Of bvlc_alexnet's and CaffeNet's deploy.prototxt: stride, padding, groups.
_CAFFE = {
    "conv1": (4, 0, 1),
    "conv2": (1, 2, 2),
    "conv3": (1, 1, 1),
    "conv4": (1, 1, 2),
    "conv5": (1, 1, 2),
}
# Of torchvision/models/alexnet.py: module, stride, padding.
_TORCH = {
    "conv1": ("features.0", 4, 2),
    "conv2": ("features.3", 1, 2),
    "conv3": ("features.6", 1, 1),
    "conv4": ("features.8", 1, 1),
    "conv5": ("features.10", 1, 1),
    "fc6": ("classifier.1",),
    "fc7": ("classifier.4",),
    "fc8": ("classifier.6",),
}


def run(path, kind, images, mean=None, pools_first=False):
    """Returns every layer's output for a file's network.

    Args:
        path: The file.
        kind: "caffe", "npy", "torchvision" or "safetensors".
        images: uint8 `(n, 256, 256, 3)`, RGB.
        mean: Of Caffe's: a path, or three numbers with commas, BGR.
        pools_first: Of "npy": whether it is CaffeNet, which pools before it
            normalizes. A caffemodel says so itself.

    Returns:
        float64 arrays by layer, rectified: `(n, channels, rows, columns)`.
    """
    if kind == "caffe":
        kinds, blobs = files.read_caffemodel(path)
        norm, pool = (
            min(kinds.index(k) for k in names if k in kinds)
            for names in (("lrn", "15"), ("pooling", "pool", "17"))
        )
        return _caffe(blobs, _caffe_crops(images, mean), pool < norm)
    if kind == "npy":
        blobs = {
            name: [_npy_kernel(name, parts), parts[1]]
            for name, parts in files.read_npy(path).items()
        }
        return _caffe(blobs, _caffe_crops(images, mean), pools_first, True)
    read = {
        "torchvision": files.read_torch,
        "safetensors": files.read_safetensors,
    }[kind]
    return _torch(read(path), images)


def _npy_kernel(name, parts):
    """Returns a caffe-tensorflow kernel in Caffe's order of axes."""
    kernel = parts[0]
    return kernel.transpose(3, 2, 0, 1) if kernel.ndim == 4 else kernel.T


def _caffe_crops(images, mean):
    """Returns what Caffe feeds: BGR less the mean, 227 pixels, channels first.

    Caffe subtracts the mean image at the crop's own place.
    """
    x = images[..., ::-1].transpose(0, 3, 1, 2).astype(np.float64)
    try:
        m = np.array([float(word) for word in mean.split(",")])[:, None, None]
    except ValueError:
        path = pathlib.Path(mean)
        is_npy = path.suffix == ".npy"
        m = np.load(path) if is_npy else files.read_binaryproto(path)
        m = m.astype(np.float64).reshape(3, *(m.shape[1:] or (1, 1)))
    return (x - m)[:, :, 14:241, 14:241]


def _caffe(blobs, x, pools_first, reads_rows_first=False):
    """Runs bvlc_alexnet or CaffeNet."""
    out = {}
    for number in range(1, 6):
        name = f"conv{number}"
        kernel, bias = blobs[name]
        x = out[name] = _relu(_convolve(x, kernel, bias, *_CAFFE[name]))
        steps = {1: ["norm", "pool"], 2: ["norm", "pool"], 5: ["pool"]}
        steps = steps.get(number, [])
        for step in reversed(steps) if pools_first else steps:
            x = _lrn(x) if step == "norm" else _pool(x)
            out[f"{step}{number}"] = x
    if reads_rows_first:
        x = x.transpose(0, 2, 3, 1)
    x = x.reshape(len(x), -1)
    for name in ("fc6", "fc7", "fc8"):
        kernel, bias = blobs[name]
        x = _multiply(x, kernel.reshape(kernel.shape[-2:]), bias.reshape(-1))
        x = out[name] = x if name == "fc8" else _relu(x)
    return out


def _torch(state, images):
    """Runs torchvision's alexnet: crops of 224, 0 to 1, normalized."""
    x = images[:, 16:240, 16:240].astype(np.float64) / 255
    x = (x - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)
    x = x.transpose(0, 3, 1, 2)
    out = {}
    for name, (module, *geometry) in _TORCH.items():
        kernel, bias = (
            state[f"{module}.{part}"] for part in ("weight", "bias")
        )
        if geometry:
            x = out[name] = _relu(_convolve(x, kernel, bias, *geometry, 1))
            if name in ("conv1", "conv2", "conv5"):
                x = out[f"pool{name[-1]}"] = _pool(x)
        else:
            x = _multiply(x.reshape(len(x), -1), kernel, bias)
            x = out[name] = x if name == "fc8" else _relu(x)
    return out


def _relu(x):
    return np.maximum(x, 0)


def _convolve(x, kernel, bias, stride, padding, groups):
    """Convolves `(n, channels, rows, columns)` group by group."""
    sides = (padding, padding)
    x = np.pad(x, [(0, 0), (0, 0), sides, sides])
    outputs = []
    for maps, part in zip(
        np.split(x, groups, axis=1), np.split(kernel, groups), strict=True
    ):
        windows = np.lib.stride_tricks.sliding_window_view(
            maps, part.shape[2:], axis=(2, 3)
        )[:, :, ::stride, ::stride]
        outputs.append(
            np.einsum(
                "ncyxij,ocij->noyx", windows, part.astype(float), optimize=True
            )
        )
    return np.concatenate(outputs, 1) + bias.reshape(1, -1, 1, 1)


def _lrn(x, size=5, alpha=1e-4, beta=0.75):
    """Caffe's: k = 1, and alpha over n; across all channels."""
    squares = np.pad(x**2, [(0, 0), (size // 2, size // 2), (0, 0), (0, 0)])
    energy = sum(squares[:, i : i + x.shape[1]] for i in range(size))
    return x / (1 + alpha / size * energy) ** beta


def _pool(x):
    """Largest of 3 x 3, two apart."""
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(2, 3))
    return windows[:, :, ::2, ::2].max(axis=(4, 5))


def _multiply(x, kernel, bias):
    """A dense layer, a part of its kernel at a time, for memory's sake."""
    parts = [
        x @ kernel[i : i + 512].astype(np.float64).T
        for i in range(0, len(kernel), 512)
    ]
    return np.concatenate(parts, axis=1) + bias
