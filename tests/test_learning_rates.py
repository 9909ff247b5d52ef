"""Rates of layers, phases and a hand: arithmetic of the sheet's numbers."""

import importlib

import keras
import numpy as np
import pytest
import tensorflow as tf

import alexnet_tf
from alexnet_tf import networks
from alexnet_tf.config import Config
from alexnet_tf.experiment import steps
from alexnet_tf.training import PaperSGD, learning_rates, schedule

# original-source 4.1, run 145: epoch, rate of the kernels, rate of conv1.
ORIGINAL = (
    (0, 0.01, 0.01),
    (24.9, 0.01, 0.01),
    (25, 0.001, 0.001),
    (51, 0.0001, 0.0001),
    (66.9, 0.0001, 0.0001),
    (67, 0.0001, 1e-5),
    (72, 0.0001, 0),
    (79, 0.00001, 0),
    (90.9, 0.00001, 0),
)


@pytest.mark.parametrize(("epoch", "kernels", "conv1"), ORIGINAL)
def test_the_authors_own_run(epoch, kernels, conv1):
    config = importlib.import_module("configs.original_2012").get_config()
    config.validate()
    intervals = steps.make_intervals(config, 128_000)
    assert intervals.total_steps == 91_000

    all_rates = steps.make_rates(
        config, intervals, steps.make_schedule(config, intervals)
    )
    groups = all_rates.groups(round(intervals.epochs.steps(epoch)))

    assert groups["kernels"] == pytest.approx(kernels)
    # The notes set "epsw ... on conv1", its bias goes on until it is frozen.
    whole = groups.get("conv1", groups["kernels"])
    assert groups.get("conv1/kernel", whole) == pytest.approx(conv1)
    # "still 0.02 at the end of 145".
    assert groups["biases"] == 0.02


def test_recipe_170_lowers_biases_in_two_steps():
    config = Config()
    config.optimizer.schedule = "geometric"
    config.optimizer.bias_schedule = "geometric"
    config.training.total_epochs = 95.0
    intervals = steps.make_intervals(config, 128_000)
    all_rates = steps.make_rates(
        config, intervals, steps.make_schedule(config, intervals)
    )

    found = [all_rates.groups(round(95_000 * p)) for p in (0, 0.3, 0.6, 0.99)]

    # original-source 4.2.
    assert [g["kernels"] for g in found] == pytest.approx(
        [0.01, 0.0015874, 0.00025198, 0.00004], rel=1e-4
    )
    assert [g["biases"] for g in found] == pytest.approx(
        [0.02, 0.02, 0.002, 0.002]
    )


def test_each_variable_has_the_rate_of_its_group():
    network = networks.DEMO
    for devices in (None, ("CPU:0", "CPU:1")):
        model = alexnet_tf.build(network, 10, devices=devices, initialize=False)
        found = learning_rates.per_variable(
            model, {"kernels": 1.0, "biases": 2.0, "conv1": 0.0, "fc7": 5.0}
        )
        for variable, rate in zip(
            model.trainable_variables, found, strict=True
        ):
            layer, name = variable.path.split("/")[-2:]
            expected = {"conv1": 0.0, "fc7": 5.0}.get(
                layer, 2.0 if name.startswith("bias") else 1.0
            )
            assert rate == expected


def test_biases_have_their_rate_and_frozen_layers_stay():
    kernel, bias, frozen = (
        keras.Variable([1.0, 2.0], name=name)
        for name in ("kernel", "bias", "kernel")
    )
    variables = [kernel, bias, frozen]
    optimizer = PaperSGD(bias_decay=False)
    optimizer.build(variables)
    gradients = [tf.constant([0.5, -1.0])] * 3

    optimizer.set_rates(0.1, [0.1, 0.2, 0.1])
    optimizer.apply(gradients, variables)
    before = frozen.numpy(), optimizer.velocity(frozen).numpy()
    optimizer.set_rates(0.01, [0.01, 0.2, 0.0])
    optimizer.apply(gradients, variables)

    g = np.array([0.5, -1.0])
    expected = {}
    for name, decay, rates in (
        ("w", 0.0005, (0.1, 0.01)),
        ("b", 0, (0.2, 0.2)),
    ):
        w, v = np.array([1.0, 2.0]), 0.0
        for rate in rates:
            v = 0.9 * v - rate * (decay * w + g)
            w = w + v
        expected[name] = w
    np.testing.assert_allclose(kernel.numpy(), expected["w"], rtol=1e-6)
    np.testing.assert_allclose(bias.numpy(), expected["b"], rtol=1e-6)
    np.testing.assert_array_equal(frozen.numpy(), before[0])
    np.testing.assert_array_equal(optimizer.velocity(frozen).numpy(), before[1])


def test_a_hand_acts_from_its_step_on():
    manual = learning_rates.ManualFactor()
    manual.set(20, 0.01)
    manual.set(10, 0.1)

    assert [manual.factor(s) for s in (0, 9, 10, 19, 20, 99)] == [
        *(1, 1, 0.1, 0.1, 0.01, 0.01)
    ]


def test_a_hand_moves_kernels_and_biases_alike():
    manual = learning_rates.ManualFactor()
    manual.set(10, 0.1)
    own = learning_rates.Rates(
        schedule.Boundaries(0.01, []),
        schedule.Boundaries(0.02, []),
        manual=manual,
    )
    shared = learning_rates.Rates(schedule.Boundaries(0.01, []), manual=manual)

    assert own.groups(9) == pytest.approx({"kernels": 0.01, "biases": 0.02})
    assert own.groups(10) == pytest.approx({"kernels": 0.001, "biases": 0.002})
    assert shared.groups(10) == pytest.approx(
        {"kernels": 0.001, "biases": 0.001}
    )


@pytest.mark.parametrize(
    "text", ["conv1", "conv1=fast@3", "conv1=-1@3", "conv1=0.1@", "=1@2"]
)
def test_refuses_phases_that_say_nothing(text):
    with pytest.raises(ValueError, match="LAYER=RATE@EPOCH"):
        learning_rates.parse_phases(text)


def test_refuses_phases_of_layers_that_are_not_there():
    config = Config()
    config.optimizer.phases = "conv9=0@3"

    with pytest.raises(ValueError, match="must name layers.*conv9"):
        config.validate()


def test_a_layers_factor_goes_on_whatever_the_schedule_says():
    config = Config()
    config.optimizer.schedule = "boundaries"
    config.optimizer.bias_schedule = "constant"
    config.optimizer.layer_rates = "fc8=10"
    config.optimizer.phases = "conv1=0@1"
    model = alexnet_tf.build(networks.DEMO, 10, initialize=False)
    intervals = steps.make_intervals(config, 1280)
    all_rates = steps.make_rates(
        config, intervals, steps.make_schedule(config, intervals)
    )

    found = learning_rates.per_variable(
        model, all_rates.groups(250), all_rates.factors
    )

    # After 25 epochs of ten steps kernels have 0.001; biases keep 0.02.
    by_path = {
        "/".join(v.path.split("/")[-2:]): rate
        for v, rate in zip(model.trainable_variables, found, strict=True)
    }
    assert by_path["conv2/kernel"] == pytest.approx(0.001)
    assert by_path["conv2/bias"] == pytest.approx(0.02)
    assert by_path["fc8/kernel"] == pytest.approx(0.01)
    assert by_path["fc8/bias"] == pytest.approx(0.2)
    assert by_path["conv1/kernel"] == by_path["conv1/bias"] == 0


def test_a_phase_of_the_kernel_leaves_the_bias_alone():
    phases = [
        learning_rates.Phase(2, "conv1/kernel", 1e-5),
        learning_rates.Phase(4, "conv1", 0.0),
    ]
    rates = learning_rates.Rates(schedule.Constant(0.01), None, phases)
    model = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(2, name="conv1")]
    )

    found = [
        learning_rates.per_variable(
            model, rates.groups(step), {"conv1/bias": 2.0}
        )
        for step in (1, 2, 4)
    ]

    assert found == [[0.01, 0.02], [1e-5, 0.02], [0.0, 0.0]]


def test_parts_of_layers_are_read():
    assert learning_rates.parse_phases("conv1/kernel=1e-5@67") == [
        ("conv1/kernel", 1e-5, 67.0)
    ]
    assert learning_rates.parse_layers("x", "fc8/bias=10") == {"fc8/bias": 10}
    with pytest.raises(ValueError, match="must be LAYER=NUMBER"):
        learning_rates.parse_layers("x", "fc8/gamma=10")
