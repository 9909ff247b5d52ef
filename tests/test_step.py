"""One update, on one device, on two towers and on two replicas."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from networks_apart import BATCH_SIZE, NETWORK, assert_same, train_steps

import alexnet_tf
from alexnet_tf import weights
from alexnet_tf.training import PaperSGD, make_train_step, strategy


@pytest.fixture(scope="module")
def two_replicas():
    return tf.distribute.MirroredStrategy(
        ["CPU:0", "CPU:1"],
        cross_device_ops=tf.distribute.ReductionToOneDevice(),
    )


def test_two_replicas_match_one(two_replicas):
    one = train_steps(tf.distribute.get_strategy())
    two = train_steps(two_replicas)

    assert_same(one, two)


def test_two_towers_match_one_device():
    strategy = tf.distribute.get_strategy()

    one = train_steps(strategy)
    two = train_steps(strategy, devices=("CPU:0", "CPU:1"))

    assert_same(one, two)


def test_loss_falls():
    _, metrics = train_steps(tf.distribute.get_strategy(), steps=30)

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


def test_an_overflow_of_any_replica_skips_the_step(two_replicas):
    """Keras asks the first replica alone, before gradients are summed."""
    with two_replicas.scope():
        model = alexnet_tf.build(NETWORK, 6)
        inner = PaperSGD()
        inner.build(model.trainable_variables)
        optimizer = keras.optimizers.LossScaleOptimizer(
            inner, initial_scale=8.0
        )
        optimizer.build(model.trainable_variables)
    before = weights.to_arrays(model)
    images = np.ones((BATCH_SIZE, 40, 40, 3), np.float32)
    # The second replica's half.
    images[-1] = np.inf
    labels = np.zeros(BATCH_SIZE, np.int32)
    dataset = tf.data.Dataset.from_tensors((images, labels)).unbatch()
    (batch,) = two_replicas.experimental_distribute_dataset(
        dataset.batch(BATCH_SIZE)
    )

    make_train_step(model, optimizer, two_replicas, BATCH_SIZE)(batch)

    for name, array in weights.to_arrays(model).items():
        np.testing.assert_array_equal(array, before[name], err_msg=name)
    assert float(optimizer.dynamic_scale.numpy()) == 4.0
    assert int(inner.iterations.numpy()) == 0


def test_gradient_norms_are_those_of_each_layers_kernels():
    model = alexnet_tf.build(NETWORK, 6)
    optimizer = PaperSGD()
    optimizer.build(model.trainable_variables)
    rng = np.random.default_rng(0)
    images = rng.normal(0, 50, (BATCH_SIZE, 40, 40, 3)).astype(np.float32)
    labels = np.arange(BATCH_SIZE) % 6
    with tf.GradientTape() as tape:
        losses = keras.losses.sparse_categorical_crossentropy(
            labels, model(images), from_logits=True
        )
        loss = tf.reduce_mean(losses)
    kernels = {
        layer.name: [kernel.value for kernel in layer.kernels]
        for layer in model.layers
        if layer.weights
    }
    gradients = tape.gradient(loss, kernels)
    expected = {
        name: np.sqrt(sum(np.sum(np.square(g)) for g in of_layer))
        for name, of_layer in gradients.items()
    }

    step = make_train_step(
        model, optimizer, tf.distribute.get_strategy(), BATCH_SIZE
    )
    metrics = step((images, labels), True)

    found = {
        name.partition("/")[2]: float(value)
        for name, value in metrics.items()
        if name.startswith("gradient_norm/")
    }
    assert found == pytest.approx(expected, rel=1e-4)
    # They cost time and are measured where they are asked for.
    silent = step((images, labels))
    assert not [name for name in silent if "norm" in name]


def test_several_replicas_measure_no_norms(two_replicas):
    with two_replicas.scope():
        model = alexnet_tf.build(NETWORK, 6)
        optimizer = PaperSGD()
        optimizer.build(model.trainable_variables)
    step = make_train_step(model, optimizer, two_replicas, BATCH_SIZE)
    batch = tf.zeros((BATCH_SIZE, 40, 40, 3)), tf.zeros(BATCH_SIZE, tf.int32)
    (shares,) = two_replicas.experimental_distribute_dataset(
        tf.data.Dataset.from_tensors(batch).unbatch().batch(BATCH_SIZE)
    )

    # A share of the gradient has a norm of its own, which says little.
    assert sorted(step(shares, True)) == ["loss", "top1_error", "top5_error"]


def test_gradient_norms_are_those_without_a_scale():
    norms = []
    for scale in (1.0, 1024.0):
        model = alexnet_tf.build(NETWORK, 6)
        inner = PaperSGD()
        optimizer = keras.optimizers.LossScaleOptimizer(
            inner, initial_scale=scale
        )
        optimizer.build(model.trainable_variables)
        rng = np.random.default_rng(0)
        images = rng.normal(0, 50, (BATCH_SIZE, 40, 40, 3)).astype(np.float32)
        labels = np.zeros(BATCH_SIZE, np.int32)
        step = make_train_step(
            model, optimizer, tf.distribute.get_strategy(), BATCH_SIZE
        )
        norms.append(float(step((images, labels), True)["gradient_norm/conv1"]))

    assert norms[0] == pytest.approx(norms[1], rel=1e-4)


def test_mirrored_towers_of_one_replica_have_a_device_each():
    placement = strategy.make_placement("mirrored", ["CPU:0", "CPU:1"], 2)

    with placement.strategy.scope():
        model = alexnet_tf.build(NETWORK, 6, devices=placement.tower_devices)

    assert placement.num_replicas == 1
    devices = [
        tf.convert_to_tensor(part.value).device[-5:]
        for part in model.get_layer("conv2").kernels
    ]
    assert devices == ["CPU:0", "CPU:1"]
