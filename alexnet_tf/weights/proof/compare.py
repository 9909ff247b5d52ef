"""How far two runs of a network are from each other, layer by layer."""

import numpy as np

# Largest difference of a layer, relative to its largest value: a hundred
# times float32's rounding, and far below what any confusion would make.
LIMIT = 1e-5


def sample_images(count=2, size=256):
    """Returns images with structure at every scale: uint8 `(n, size, size, 3)`.

    No axis, channel or half of them is like another.
    """
    rng = np.random.default_rng(17)
    images = np.zeros((count, size, size, 3))
    for cells in (2, 8, 32, 128):
        noise = rng.normal(0, 40, (count, cells, cells, 3))
        images += noise.repeat(size // cells, 1).repeat(size // cells, 2)
    return np.clip(images + (140, 110, 80), 0, 255).astype(np.uint8)


def differences(ours, theirs):
    """Returns the largest relative difference of each layer.

    Args:
        ours: A layer's output by its name: `(n, rows, columns, channels)` or
            `(n, units)`.
        theirs: The same, `(n, channels, rows, columns)` or `(n, units)`.

    Raises:
        ValueError: A layer is missing or of another shape.
    """
    found = {}
    for name, expected in theirs.items():
        if expected.ndim == 4:
            expected = expected.transpose(0, 2, 3, 1)
        if name not in ours or ours[name].shape != expected.shape:
            there = ours[name].shape if name in ours else "nothing"
            raise ValueError(
                f"{name} must give {expected.shape}. Found: {there}"
            )
        scale = abs(expected).max() or 1.0
        found[name] = float(abs(ours[name] - expected).max() / scale)
    return found
