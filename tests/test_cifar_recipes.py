"""The authors' CIFAR-10 recipes, held to what is on record of them."""

import importlib

import numpy as np
import pytest

import alexnet_tf
from alexnet_tf import networks
from alexnet_tf.experiment import steps
from alexnet_tf.training import PaperSGD, learning_rates

# original-source 5.2 and 5.4: network, crop, epochs on four batches, epochs of
# the two drops, all epochs, parameters, and the decay of each layer.
RECIPES = {
    "cifar10_13pct": (
        *("CIFAR_13", 24, 100, (140, 150), 160, 1_116_490),
        {"conv1": 0, "conv2": 0, "local3": 0.004, "local4": 0.004},
        {"fc10": 0.004},
    ),
    "cifar10_11pct": (
        *("CIFAR_11", 24, 350, (500, 510), 520, 2_112_970),
        {"conv1": 0, "conv2": 0, "local3": 0.004, "local4": 0.004},
        {"fc10": 0.01},
    ),
    "cifar10_18pct": (
        *("CIFAR_18", 32, 0, (120, 130), 140, 89_578),
        {"conv1": 0.004, "conv2": 0.004, "conv3": 0.004},
        {"fc10": 1.0},
    ),
}
# original-source 5.2: initW of every layer.
DEVIATIONS = {
    "conv1": 1e-4,
    "conv2": 0.01,
    "conv3": 0.01,
    "local3": 0.04,
    "local4": 0.04,
    "fc10": 0.01,
}


def load(name):
    return importlib.import_module(f"configs.{name}").get_config()


@pytest.mark.parametrize("name", RECIPES)
def test_settings_are_those_on_record(name):
    network, crop, join, drops, epochs, *_ = RECIPES[name]
    config = load(name)

    assert config.network == network
    assert config.data.crop_size == crop
    assert config.data.batch_size == 128
    assert config.data.mean == "original"
    assert config.data.lighting == "none"
    # 24 of 32 pixels move and are mirrored; whole images are not.
    assert config.data.random_crops == config.data.mirror == (crop == 24)
    assert config.data.held_out_join_epochs == join
    assert config.data.held_out_fraction == (0.2 if join else 0)
    assert config.optimizer.boundaries_epochs == drops
    assert config.optimizer.momentum == 0.9
    assert config.training.total_epochs == epochs


@pytest.mark.parametrize("name", RECIPES)
def test_rates_fall_for_kernels_only(name):
    config = load(name)
    drops = config.optimizer.boundaries_epochs
    intervals = steps.make_intervals(config, 50_000)
    epochs = intervals.epochs
    all_rates = steps.make_rates(
        config, intervals, steps.make_schedule(config, intervals)
    )

    def at(epoch):
        groups = all_rates.groups(round(epochs.steps(epoch)))
        return groups["kernels"], groups["biases"]

    assert at(0) == at(drops[0] - 1) == (0.001, 0.002)
    assert at(drops[0]) == at(drops[1] - 1) == (pytest.approx(1e-4), 0.002)
    assert at(drops[1]) == (pytest.approx(1e-5), 0.002)
    # An epoch is 312.5 steps on four fifths of the images, else 390.625.
    join = config.data.held_out_join_epochs
    expected = join * 312.5 + (config.training.total_epochs - join) * 390.625
    assert intervals.total_steps == np.ceil(expected)


@pytest.mark.parametrize("name", RECIPES)
def test_parameters_first_weights_and_decays(name):
    *_, parameters, decays, last = RECIPES[name]
    config = load(name)
    rule = config.optimizer
    model = alexnet_tf.build(
        config.make_network(), 10, image_size=config.data.crop_size
    )
    optimizer = PaperSGD(
        rule.learning_rate,
        rule.momentum,
        rule.weight_decay,
        rule.bias_decay,
        learning_rates.parse_layers(
            "optimizer.layer_decays", rule.layer_decays
        ),
    )
    optimizer.build(model.trainable_variables)

    assert model.count_params() == parameters
    for layer in (layer for layer in model.layers if layer.weights):
        kernel, bias = layer.trainable_variables
        assert optimizer._decay_of(kernel) == {**decays, **last}[layer.name]
        assert optimizer._decay_of(bias) == 0
        np.testing.assert_array_equal(bias, 0)
        # Four standard errors of a deviation that was estimated from so many.
        error = 4 / np.sqrt(2 * np.size(kernel))
        np.testing.assert_allclose(
            np.std(kernel), DEVIATIONS[layer.name], rtol=error
        )


def test_the_ablation_adds_norms_and_nothing_else():
    with_norms = networks.CIFAR_13_LRN

    assert with_norms.without("norm1", "norm2") == networks.CIFAR_13
    # original-source 5.2: behind the first pool, in front of the second; 9
    # maps, 0.001 / 9, 0.75, 1.
    names = [layer.name for layer in with_norms.layers]
    assert names[:6] == ["conv1", "pool1", "norm1", "conv2", "norm2", "pool2"]
    for norm in (with_norms.layers[2], with_norms.layers[4]):
        assert (norm.depth_radius, norm.bias, norm.beta) == (4, 1.0, 0.75)
        assert norm.alpha == pytest.approx(0.001 / 9)
