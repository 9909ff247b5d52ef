"""Arrays into a model and back; what is missing or misshapen is an error.

A layer's parts on several devices are one array here, `conv2/kernel`, so that
weights move between one device and many, and between us and others.
"""

import keras
import numpy as np


def shapes(model: keras.Model) -> dict[str, tuple[int, ...]]:
    """Returns the shape of every array of a model, by its name.

    Args:
        model: What `model.build` returned.
    """
    merged = {}
    for name, parts in _parts(model).items():
        *front, last = zip(*(part.shape for part in parts), strict=True)
        merged[name] = (*(sizes[0] for sizes in front), sum(last))
    return merged


def to_arrays(model: keras.Model) -> dict[str, np.ndarray]:
    """Returns a model's weights.

    Returns:
        A dict of float32 arrays: `conv1/kernel` (11, 11, 3, 96), `conv1/bias`,
        `conv2/kernel` (5, 5, 48, 256), ... `fc8/bias`. Grouped kernels stand
        as in `keras.layers.Conv2D(groups=2)`; the first half of the outputs
        is the first tower's.
    """
    return gather_towers(model, lambda variable: variable)


def first_kernel(model):
    """Returns the kernel of a model's first layer, as `to_arrays` has it."""
    parts = next(iter(_parts(model).values()))
    return np.concatenate([part.numpy() for part in parts], axis=-1)


def gather_towers(model, value_of):
    """Returns arrays of something that each variable has, such as itself.

    Args:
        model: What `model.build` returned.
        value_of: Maps a variable of the model to a variable of its shape.
    """
    return {
        name: np.concatenate(
            [np.asarray(value_of(part).numpy()) for part in parts], axis=-1
        )
        for name, parts in _parts(model).items()
    }


def from_arrays(model: keras.Model, arrays: dict[str, np.ndarray]) -> None:
    """Sets a model's weights.

    Args:
        model: What `model.build` returned.
        arrays: What `to_arrays` returns, from the same network on any devices.

    Raises:
        ValueError: An array is missing, has no place or another shape.
    """
    scatter_towers(model, arrays, lambda variable: variable)


def scatter_towers(model, arrays, value_of):
    """Sets something that each variable has; the reverse of `gather_towers`."""
    expected = shapes(model)
    missing = sorted(set(expected) - set(arrays))
    extra = sorted(set(arrays) - set(expected))
    if missing or extra:
        raise ValueError(
            "The arrays must be those of the model. "
            f"Missing: {missing or 'none'}; not in the model: "
            f"{extra or 'none'}. Is it the same network?"
        )
    for name, shape in expected.items():
        if arrays[name].shape != shape:
            raise ValueError(
                f"{name} has shape {arrays[name].shape} in the file and "
                f"{shape} in the model. Is it the same network, with the same "
                "number of classes and the same crop size?"
            )
    for name, parts in _parts(model).items():
        start = 0
        for part in parts:
            stop = start + part.shape[-1]
            value_of(part).assign(arrays[name][..., start:stop])
            start = stop


def _parts(model):
    """Returns the variables behind each array, in the order of the towers."""
    parts = {}
    for layer in model.layers:
        if layer.weights:
            parts[f"{layer.name}/kernel"] = layer.kernels
            parts[f"{layer.name}/bias"] = layer.biases
        if hasattr(layer, "side_kernels"):
            parts[f"{layer.name}/side_kernel"] = layer.side_kernels
    return parts
