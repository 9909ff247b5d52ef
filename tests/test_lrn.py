"""Local response normalization against the sum of §3.3."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from references import equation_3_3

from alexnet_tf.layers import LocalResponseNormalization, lrn

IMPLEMENTATIONS = ("native", "compiled")


def _activations(channels, seed=0):
    return np.random.default_rng(seed).normal(0, 10, (2, 3, 3, channels))


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
@pytest.mark.parametrize("channels", [1, 4, 96])
@pytest.mark.parametrize("alpha", [1e-4, 1.0])
def test_matches_the_equation(implementation, channels, alpha):
    a = _activations(channels)

    layer = LocalResponseNormalization(
        alpha=alpha, implementation=implementation
    )
    b = layer(a.astype(np.float32))

    expected = equation_3_3(a, n=5, k=2.0, alpha=alpha, beta=0.75)
    np.testing.assert_allclose(b, expected, rtol=1e-5)


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_matches_the_equation_for_other_constants(implementation):
    a = _activations(7)

    layer = LocalResponseNormalization(
        depth_radius=1,
        bias=1.0,
        alpha=0.01,
        beta=0.5,
        implementation=implementation,
    )

    expected = equation_3_3(a, n=3, k=1.0, alpha=0.01, beta=0.5)
    np.testing.assert_allclose(layer(a.astype(np.float32)), expected, rtol=1e-5)


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_gradient_matches_finite_differences(implementation):
    a = _activations(6) / 10
    upstream = np.random.default_rng(1).normal(size=a.shape)
    layer = LocalResponseNormalization(alpha=0.1, implementation=implementation)

    with tf.GradientTape() as tape:
        x = tf.constant(a, tf.float32)
        tape.watch(x)
        y = layer(x)
    gradient = tape.gradient(y, x, tf.constant(upstream, tf.float32)).numpy()

    def objective(a):
        b = equation_3_3(a, n=5, k=2.0, alpha=0.1, beta=0.75)
        return np.sum(b * upstream)

    expected = np.empty_like(a)
    for place in np.ndindex(a.shape):
        step = np.zeros_like(a)
        step[place] = 1e-5
        expected[place] = (objective(a + step) - objective(a - step)) / 2e-5
    np.testing.assert_allclose(gradient, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("groups", [1, 2])
def test_compiled_matches_native_inside_a_function(groups):
    a = tf.constant(_activations(48), tf.float32)
    constants = (2, 2.0, 1e-4, 0.75)

    @tf.function
    def gradient(normalize):
        with tf.GradientTape() as tape:
            tape.watch(a)
            total = tf.reduce_sum(tf.square(normalize(a, groups, *constants)))
        return tape.gradient(total, a)

    np.testing.assert_allclose(
        gradient(lrn._compiled), gradient(lrn._native), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_half_precision_is_computed_in_float32(dtype, implementation):
    # 300 squared is more than float16 holds.
    a = tf.fill((1, 2, 2, 8), tf.cast(300.0, dtype))

    layer = LocalResponseNormalization(
        implementation=implementation, dtype=dtype
    )
    b = layer(a)

    assert b.dtype == dtype
    expected = equation_3_3(
        np.full((1, 2, 2, 8), 300.0), n=5, k=2.0, alpha=1e-4, beta=0.75
    )
    np.testing.assert_allclose(tf.cast(b, tf.float32), expected, rtol=1e-2)


def test_each_tower_is_normalized_by_itself():
    a = _activations(8).astype(np.float32)
    layer = LocalResponseNormalization(alpha=1.0)

    first, second = layer([tf.constant(a[..., :4]), tf.constant(a[..., 4:])])

    whole = layer(a).numpy()
    np.testing.assert_allclose(first, layer(a[..., :4]))
    np.testing.assert_allclose(second[..., 2:], whole[..., 6:], rtol=1e-6)
    assert not np.allclose(second[..., 0], whole[..., 4])


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
@pytest.mark.parametrize("groups", [2, 3])
def test_nothing_leaks_from_one_group_to_the_next(implementation, groups):
    a = _activations(12)
    layer = LocalResponseNormalization(
        alpha=0.01, implementation=implementation, groups=groups
    )

    expected = np.concatenate(
        [
            equation_3_3(part, n=5, k=2.0, alpha=0.01, beta=0.75)
            for part in np.split(a, groups, axis=-1)
        ],
        axis=-1,
    )

    np.testing.assert_allclose(layer(a.astype(np.float32)), expected, rtol=1e-5)


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_groups_take_images_of_any_size(implementation):
    inputs = keras.Input((None, None, 8))
    layer = LocalResponseNormalization(groups=2, implementation=implementation)
    model = keras.Model(inputs, layer(inputs))

    for size in (3, 5):
        a = np.ones((1, size, size, 8), np.float32)
        assert model(a).shape == a.shape


def test_config_makes_the_same_layer():
    layer = LocalResponseNormalization(
        1, 3.0, 0.5, 0.6, implementation="native", groups=2, devices=("CPU:0",)
    )

    again = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(layer)
    )

    assert again.get_config() == layer.get_config()
    assert again.devices is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"depth_radius": -1}, "depth_radius must be 0 or more"),
        ({"implementation": "fast"}, "auto, native or compiled"),
        ({"groups": 0}, "groups must be 1 or more"),
    ],
)
def test_refuses_impossible_arguments(arguments, words):
    with pytest.raises(ValueError, match=words):
        LocalResponseNormalization(**arguments)


def test_refuses_channels_that_do_not_divide():
    with pytest.raises(ValueError, match="7 channels, groups=2"):
        LocalResponseNormalization(groups=2)(_activations(7))


@pytest.mark.parametrize(
    ("constants", "expected"),
    [
        ((2, 2.0, 1e-4, 0.75), "LRN"),
        ((7, 2.0, 1e-4, 0.75), "LRN"),
        ((8, 2.0, 1e-4, 0.75), "PartitionedCall"),
        ((0, 2.0, 1e-4, 0.75), "PartitionedCall"),
        ((2, 0.0, 1e-4, 0.75), "PartitionedCall"),
        ((2, 2.0, 1e-4, 0.0), "PartitionedCall"),
    ],
)
def test_a_gpus_kernel_is_used_within_its_limits_alone(
    constants, expected, monkeypatch
):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [kind])
    layer = LocalResponseNormalization(*constants)

    graph = (
        tf.function(layer)
        .get_concrete_function(tf.TensorSpec((1, 2, 2, 8)))
        .graph
    )

    operations = {operation.type for operation in graph.get_operations()}
    assert expected in {name.removeprefix("Stateful") for name in operations}


def test_half_precision_is_cast_within_the_compiled_functions():
    """A cast outside of them would write every map to memory once more."""
    layer = LocalResponseNormalization(
        implementation="compiled", dtype="mixed_bfloat16"
    )

    @tf.function
    def gradient(a):
        return tf.gradients(layer(a), a)

    graph = gradient.get_concrete_function(
        tf.TensorSpec((1, 3, 3, 8), tf.bfloat16)
    ).graph

    assert "Cast" not in {
        operation.type for operation in graph.get_operations()
    }
