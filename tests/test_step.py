"""One update, on one device, on two towers and on two replicas."""

import contextlib

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


@pytest.fixture(scope="module")
def two_replicas():
    return tf.distribute.MirroredStrategy(
        ["CPU:0", "CPU:1"],
        cross_device_ops=tf.distribute.ReductionToOneDevice(),
    )


def _train(strategy, devices=None, steps=3):
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
        model = alexnet_tf.build(NETWORK, 6, devices=devices)
        optimizer = PaperSGD()
        optimizer.build(model.trainable_variables)
    set_step_counter(model, optimizer.iterations)
    train_step = make_train_step(model, optimizer, strategy, BATCH_SIZE)
    metrics = [
        {name: float(value) for name, value in train_step(batch).items()}
        for batch in dataset
    ]
    return weights.to_arrays(model), metrics


def _assert_same(one, other):
    for name, array in one[0].items():
        np.testing.assert_allclose(
            other[0][name], array, rtol=1e-5, atol=1e-6, err_msg=name
        )
    for a, b in zip(one[1], other[1], strict=True):
        assert b == pytest.approx(a, rel=1e-5)


def test_two_replicas_match_one(two_replicas):
    one = _train(tf.distribute.get_strategy())
    two = _train(two_replicas)

    _assert_same(one, two)


def test_two_towers_match_one_device():
    strategy = tf.distribute.get_strategy()

    one = _train(strategy)
    two = _train(strategy, devices=("CPU:0", "CPU:1"))

    _assert_same(one, two)


def test_loss_falls():
    _, metrics = _train(tf.distribute.get_strategy(), steps=30)

    first, last = metrics[0]["loss"], metrics[-1]["loss"]
    # Random labels, each seen once: only the chance level can be learned.
    assert np.isfinite(last)
    assert last < first


def test_first_loss_and_errors_are_those_of_the_definition():
    rng = np.random.default_rng(0)
    images = rng.normal(0, 50, (BATCH_SIZE, 40, 40, 3)).astype(np.float32)
    labels = rng.integers(0, 6, BATCH_SIZE).astype(np.int32)
    model = alexnet_tf.build(NETWORK, 6)
    logits = model(images).numpy().astype(float)
    optimizer = PaperSGD()
    optimizer.build(model.trainable_variables)
    step = make_train_step(
        model, optimizer, tf.distribute.get_strategy(), BATCH_SIZE
    )

    metrics = step((tf.constant(images), tf.constant(labels)))

    chosen = logits[np.arange(BATCH_SIZE), labels]
    losses = np.log(np.exp(logits).sum(axis=1)) - chosen
    rank = (logits > chosen[:, np.newaxis]).sum(axis=1)
    assert float(metrics["loss"]) == pytest.approx(losses.mean(), rel=1e-4)
    assert float(metrics["top1_error"]) == (rank >= 1).mean()
    assert float(metrics["top5_error"]) == (rank >= 5).mean()


def test_refuses_an_optimizer_from_outside_of_the_strategy(two_replicas):
    with two_replicas.scope():
        model = alexnet_tf.build(NETWORK, 6)
    optimizer = PaperSGD()
    optimizer.build(model.trainable_variables)

    with pytest.raises(ValueError, match="within strategy.scope"):
        make_train_step(model, optimizer, two_replicas, BATCH_SIZE)
