"""A small network of two towers and some updates of it, on any devices."""

import contextlib

import keras
import numpy as np
import pytest
import tensorflow as tf

import alexnet_tf
from alexnet_tf import networks, weights
from alexnet_tf.model import set_step_counter
from alexnet_tf.training import PaperSGD, make_train_step

NETWORK = networks.Network(
    image_size=40,
    towers=2,
    layers=(
        networks.Conv("conv1", 8, 11, 4, (0, 3), stddev=0.01),
        networks.Norm("norm1"),
        networks.MaxPool("pool1"),
        networks.Conv(
            "conv2", 8, 3, padding=1, reads="all towers", stddev="he"
        ),
        networks.Dense("fc6", 16, stddev="he"),
        networks.Dense("fc8", stddev="he"),
    ),
)
BATCH_SIZE = 8


def train_steps(strategy, devices=None, steps=3, precision="float32"):
    """Returns the weights after some updates, and the metrics of each."""
    rng = np.random.default_rng(0)
    images = rng.normal(0, 50, (steps * BATCH_SIZE, 40, 40, 3))
    labels = rng.integers(0, 6, steps * BATCH_SIZE)
    dataset = tf.data.Dataset.from_tensor_slices(
        (images.astype(np.float32), labels.astype(np.int32))
    ).batch(BATCH_SIZE)
    if strategy.num_replicas_in_sync > 1:
        dataset = strategy.experimental_distribute_dataset(dataset)
    # The default strategy is entered already.
    is_default = not tf.distribute.has_strategy()
    scope = strategy.scope() if is_default else contextlib.nullcontext()
    with scope:
        model = alexnet_tf.build(
            NETWORK, 6, devices=devices, precision=precision
        )
        optimizer = PaperSGD()
        optimizer.build(model.trainable_variables)
        applied = optimizer
        if precision == "mixed_float16":
            applied = keras.optimizers.LossScaleOptimizer(
                optimizer, initial_scale=64.0
            )
            applied.build(model.trainable_variables)
    set_step_counter(model, optimizer.iterations)
    train_step = make_train_step(model, applied, strategy, BATCH_SIZE)
    metrics = [
        {name: float(value) for name, value in train_step(batch).items()}
        for batch in dataset
    ]
    return weights.to_arrays(model), metrics


def assert_same(one, other):
    """Holds weights and metrics of two runs to each other."""
    for name, array in one[0].items():
        np.testing.assert_allclose(
            other[0][name], array, rtol=1e-5, atol=1e-6, err_msg=name
        )
    for a, b in zip(one[1], other[1], strict=True):
        assert b == pytest.approx(a, rel=1e-5)
