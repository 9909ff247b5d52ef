"""A small network with weights, for tests of exported files."""

import dataclasses
import types

import numpy as np
from data_sets import square
from runs import NETWORK

import alexnet_tf
from alexnet_tf import networks, weights
from alexnet_tf.weights.pretrained import Pretrained
from input_pipeline.statistics import Accumulator

NAMES = ["otter", "bird's nest", "café", *(f"class {i}" for i in range(3))]
SIZE = 48
OTHER_LAYERS = networks.Network(
    image_size=16,
    towers=1,
    layers=(
        networks.Conv("conv1", 8, 5, padding=2, stddev=0.01),
        networks.MaxPool("pool1", padding="same", activation="tanh"),
        networks.MapNorm("mapnorm1", size=3, alpha=1e-3),
        networks.AveragePool("pool2", padding="same"),
        networks.Norm("norm2", 4, 1.0, 1e-3),
        networks.Local("local3", 4, 3, padding=1, stddev=0.3),
        networks.Dense("fc10", stddev=0.3),
    ),
)


def rendered(split, count, size=SIZE):
    """Returns uint8 images `(count, size, size, 3)`."""
    return np.array(
        [square(split, label % 6, label, size) for label in range(count)]
    )


def make(network=NETWORK, size=SIZE, crop_size=None, **fields):
    """Returns a model with weights, and the `Pretrained` of the same.

    The weights make it sure of something else for each image.
    """
    crop_size = crop_size or network.image_size
    model = alexnet_tf.build(
        network, 6, image_size=crop_size, seed=1, native_ops_only=True
    )
    arrays = weights.to_arrays(model)
    rng = np.random.default_rng(0)
    for name, array in arrays.items():
        # Biases that differ, for the order of the channels to show.
        if name.endswith("bias"):
            arrays[name] = array + rng.uniform(0, 0.1, array.shape).astype("f4")
    weights.from_arrays(model, arrays)
    sums = Accumulator(size)
    images = rendered("train", 12, size)
    for image in images:
        sums.add(image)
    found = Pretrained(
        network=network,
        arrays=arrays,
        class_names=NAMES,
        synsets=[f"n{i:08}" for i in range(6)],
        mean_image=sums.finish().mean_image,
        crop_size=crop_size,
        image_size=size,
    )
    logits = model(crops_of(found, images), training=False).numpy()
    scale = 2 / logits.std(axis=0).mean()
    last = network.layers[-1].name
    arrays[f"{last}/kernel"] *= scale
    arrays[f"{last}/bias"] -= logits.mean(axis=0)
    arrays[f"{last}/bias"] *= scale
    weights.from_arrays(model, arrays)
    return model, dataclasses.replace(found, **fields)


def classifier(model, found):
    """Returns a `Classifier` of what `make` returned."""
    statistics = types.SimpleNamespace(mean_image=found.mean_image)
    return alexnet_tf.Classifier(
        model, statistics, found.class_names, mean=found.mean
    )


def softmax(logits):
    """Returns probabilities, by NumPy in float64."""
    powers = np.exp(np.asarray(logits, np.float64))
    return powers / powers.sum(axis=-1, keepdims=True)


def crops_of(found, images):
    """Returns what a network sees of images: mean and centre by hand."""
    inputs = images.astype(np.float32) - found.mean_image
    start = (found.image_size - found.crop_size) // 2
    window = slice(start, start + found.crop_size)
    return inputs[:, window, window].astype(np.float32)


def answer(model, found, images):
    """Returns what Keras says, with no code of the export's."""
    return softmax(model(crops_of(found, images), training=False))
