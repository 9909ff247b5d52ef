"""The update of §5, by hand and against NumPy."""

import contextlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from alexnet_tf.training import PaperSGD


def test_three_updates_by_hand():
    weight = keras.Variable([1.0])
    optimizer = PaperSGD(learning_rate=0.1, momentum=0.9, weight_decay=0.5)
    optimizer.build([weight])

    # v = 0.9 v - 0.1 (0.5 w + g), w = w + v, with g = 1, 0 and -2:
    # v1 = -0.1 * 1.5                          = -0.15,     w1 = 0.85
    # v2 = -0.135 - 0.1 * 0.425                = -0.1775,   w2 = 0.6725
    # v3 = -0.15975 - 0.1 * (0.33625 - 2)      =  0.006625, w3 = 0.679125
    for gradient, expected in ((1.0, 0.85), (0.0, 0.6725), (-2.0, 0.679125)):
        optimizer.apply([tf.constant([gradient])], [weight])
        np.testing.assert_allclose(weight.numpy(), [expected], rtol=1e-6)


def test_hundred_updates_match_numpy_while_the_rate_falls():
    rng = np.random.default_rng(0)
    w = rng.normal(size=(3, 4))
    v = np.zeros_like(w)
    weight = keras.Variable(w.astype(np.float32))
    optimizer = PaperSGD()
    optimizer.build([weight])

    for step in range(100):
        rate = 0.01 if step < 50 else 0.001
        gradient = rng.normal(size=w.shape)
        optimizer.learning_rate.assign(rate)
        optimizer.apply([tf.constant(gradient, tf.float32)], [weight])
        v = 0.9 * v - 0.0005 * rate * w - rate * gradient
        w = w + v

    np.testing.assert_allclose(weight.numpy(), w, rtol=1e-5, atol=1e-6)
    velocity = optimizer.velocity(weight).numpy()
    np.testing.assert_allclose(velocity, v, rtol=1e-4, atol=1e-6)


def test_velocity_is_on_the_variables_device():
    with tf.device("CPU:1"):
        weight = keras.Variable([1.0])
    optimizer = PaperSGD()
    optimizer.build([weight])

    optimizer.apply([tf.constant([1.0])], [weight])

    assert optimizer.velocity(weight).value.device.endswith("CPU:1")


def test_config_makes_the_same_optimizer():
    optimizer = PaperSGD(0.02, 0.8, 0.001)

    again = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))

    assert (again.momentum, again.decay) == (0.8, 0.001)
    assert float(again.learning_rate.numpy()) == pytest.approx(0.02)


def test_trains_under_fit():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(PaperSGD(0.1), "mse")
    x = np.random.default_rng(0).normal(size=(64, 2))
    y = x @ [[1.0], [-2.0]]

    history = model.fit(x, y, epochs=20, verbose=0).history["loss"]

    assert history[-1] < history[0] / 10


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"momentum": 1.0}, "momentum must be at least 0 and below 1"),
        ({"weight_decay": -1.0}, "weight_decay must be 0 or more"),
    ],
)
def test_refuses_impossible_numbers(arguments, words):
    with pytest.raises(ValueError, match=words):
        PaperSGD(**arguments)


def test_a_frozen_variable_keeps_its_values_whatever_its_gradient():
    frozen, live = keras.Variable([1.0, 2.0]), keras.Variable([3.0])
    optimizer = PaperSGD(0.1)
    optimizer.build([frozen, live])
    optimizer.set_rates(0.1, [0.0, 0.1])

    optimizer.apply(
        [tf.constant([np.nan, np.inf]), tf.constant([1.0])], [frozen, live]
    )

    np.testing.assert_array_equal(frozen, [1.0, 2.0])
    np.testing.assert_array_equal(optimizer.velocity(frozen), [0.0, 0.0])
    # v = -0.1 (0.0005 x 3 + 1).
    np.testing.assert_allclose(live, [3 - 0.10015])


def make_layers(names):
    layers = [keras.layers.Dense(1, name=name) for name in names]
    for layer in layers:
        layer.build((None, 1))
        layer.kernel.assign([[1.0]])
        layer.bias.assign([1.0])
    return layers


@pytest.mark.parametrize("replicated", [False, True])
def test_layers_have_decays_of_their_own(replicated):
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    scope = strategy.scope() if replicated else contextlib.nullcontext()
    with scope:
        layers = make_layers(["conv1", "local3", "fc10"])
        variables = [v for layer in layers for v in layer.trainable_variables]
        optimizer = PaperSGD(
            0.1, 0.9, 0.004, False, {"conv1": 0.0, "fc10": 1.0}
        )
        optimizer.build(variables)

    def update():
        optimizer.apply([tf.zeros_like(v) for v in variables], variables)

    tf.function(lambda: strategy.run(update))() if replicated else update()

    # w = 1 - 0.1 x decay x 1; biases do not decay, of whatever layer.
    for layer, expected in zip(layers, (1.0, 0.9996, 0.9), strict=True):
        np.testing.assert_allclose(layer.kernel, [[expected]], rtol=1e-6)
        np.testing.assert_array_equal(layer.bias, [1.0])


def test_decays_of_layers_come_back():
    optimizer = PaperSGD(layer_decays={"fc10": 0.01})

    again = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))

    assert again.layer_decays == {"fc10": 0.01}


def test_refuses_decays_of_layers_that_are_not_there():
    (layer,) = make_layers(["fc8"])
    optimizer = PaperSGD(layer_decays={"fc9": 0.1})

    with pytest.raises(ValueError, match="layers with weights. Received: fc9"):
        optimizer.build(layer.trainable_variables)
    with pytest.raises(ValueError, match="0 or more, of every layer"):
        PaperSGD(layer_decays={"fc8": -0.1})


def test_a_global_norm_is_clipped_by_hand():
    first, second = keras.Variable([0.0, 0.0]), keras.Variable([0.0])
    optimizer = PaperSGD(1.0, 0.0, 0.0, global_clipnorm=1.0)
    optimizer.build([first, second])

    # sqrt(1 + 4 + 4) = 3: a third of each. Then sqrt(0.01 + 0.04) < 1.
    optimizer.apply(
        [tf.constant([1.0, 2.0]), tf.constant([2.0])], [first, second]
    )
    np.testing.assert_allclose(first, [-1 / 3, -2 / 3], rtol=1e-6)
    np.testing.assert_allclose(second, [-2 / 3], rtol=1e-6)
    optimizer.apply(
        [tf.constant([0.1, 0.0]), tf.constant([0.2])], [first, second]
    )
    np.testing.assert_allclose(second, [-2 / 3 - 0.2], rtol=1e-6)


def test_a_frozen_variable_has_no_part_in_the_norm():
    frozen, live = keras.Variable([1.0]), keras.Variable([0.0])
    optimizer = PaperSGD(1.0, 0.0, 0.0, global_clipnorm=1.0)
    optimizer.build([frozen, live])
    optimizer.set_rates(1.0, [0.0, 1.0])

    optimizer.apply([tf.constant([np.nan]), tf.constant([2.0])], [frozen, live])

    np.testing.assert_array_equal(frozen, [1.0])
    np.testing.assert_array_equal(live, [-1.0])


def test_replicas_clip_the_norm_of_their_sum():
    """Keras clips each replica's share, another rule."""
    strategy = tf.distribute.MirroredStrategy(
        ["CPU:0", "CPU:1"],
        cross_device_ops=tf.distribute.ReductionToOneDevice(),
    )
    with strategy.scope():
        weight = keras.Variable([0.0, 0.0])
        optimizer = PaperSGD(1.0, 0.0, 0.0, global_clipnorm=1.0)
        optimizer.build([weight])

    @tf.function
    def update():
        def apply():
            context = tf.distribute.get_replica_context()
            # (3, 0) and (0, 4): the sum is as long as 5.
            share = tf.gather(
                [[3.0, 0.0], [0.0, 4.0]], context.replica_id_in_sync_group
            )
            optimizer.apply([share], [weight])

        strategy.run(apply)

    update()

    np.testing.assert_allclose(weight, [-0.6, -0.8], rtol=1e-6)
