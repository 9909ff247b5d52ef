"""The paper's rows and the authors' log as configs: a page each, two steps."""

import functools
import importlib
import re

import numpy as np
import pytest
import tensorflow as tf
from lineage import CROP_SIZE, narrow

import alexnet_tf
from alexnet_tf.experiment import steps
from alexnet_tf.training import PaperSGD, learning_rates

PAGES = (
    *("ilsvrc2012", "original_2012", "original_2012_automatic", "ilsvrc2010"),
    *("half_width", "no_lrn", "non_overlapping", "no_cross_talk"),
    *("no_lighting", "no_crops", "no_dropout", "removed_layer"),
    *("original_120", "original_131", "original_135", "original_137"),
    *("original_141", "fall2009", "pretrain_fall2009", "pretrain_fall2011"),
    *("finetune_fall2011", "finetune_fall2009", "five_cnns", "seven_cnns"),
)
# Images to train on: ILSVRC's development kits, §6, the paper's §2 and
# image-net.org's count of Fall 2011.
IMAGES = {
    "ilsvrc2012": 1_281_167,
    "ilsvrc2010": 1_261_406,
    "fall2009": 8_900_000,
    "fall2011": 14_200_000,
}
# BUILD.md says where these come from.
KB_AN_IMAGE, ONE_GPU, TWO_GPUS = 29, 4000, 7200
RUNS = {"five_cnns": 5}


def load(name):
    return importlib.import_module(f"configs.{name}")


@pytest.mark.parametrize("name", PAGES)
def test_page_says_what_was_found_and_what_it_takes(name):
    module = load(name)
    page = module.__doc__

    for head in ("Paper", "Log", "Measured", "Reckoned", "Run"):
        assert re.search(rf"^{head}: ", page, re.M), head
    assert "not yet run" in page or re.search(r"Measured: +\d", page)
    if "what its parts take" in page:
        return
    config = module.get_config()
    images = IMAGES[re.findall(r"data.directory=data/(\w+)", page)[-1]]
    seen = images * (1 - config.data.held_out_fraction)
    seen *= config.training.total_epochs * RUNS.get(name, 1)
    hours = [seen / rate / 3600 for rate in (ONE_GPU, TWO_GPUS)]
    said = re.search(
        r"(\d+) GB of records; ([\d.]+) h on one GPU, ([\d.]+) h on two", page
    )
    assert int(said[1]) == round(images * KB_AN_IMAGE / 1e6)
    assert [float(said[2]), float(said[3])] == pytest.approx(hours, abs=0.06)


@functools.cache
def narrow_model(network):
    """Returns a model and an optimizer built on it."""
    model = alexnet_tf.build(network, 5, image_size=CROP_SIZE)
    optimizer = PaperSGD(bias_decay=False)
    optimizer.build(model.trainable_variables)
    return model, optimizer


@pytest.fixture(scope="module", autouse=True)
def eager():
    """Two steps are done before they would be compiled."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)
    narrow_model.cache_clear()


@pytest.mark.parametrize("name", PAGES)
def test_two_steps_move_what_is_not_frozen(name):
    config = load(name).get_config()
    config.data.batch_size = 2
    config.training.total_steps = 100
    config.validate()
    model, optimizer = narrow_model(narrow(config.make_network()))
    intervals = steps.make_intervals(config, num_images=100)
    schedule = steps.make_schedule(config, intervals)
    rates = steps.make_rates(config, intervals, schedule)
    rng = np.random.default_rng(0)
    images = rng.normal(0, 50, (2, CROP_SIZE, CROP_SIZE, 3)).astype("float32")
    before = [v.numpy() for v in model.trainable_variables]

    for step in range(2):
        groups = rates.groups(step)
        single = learning_rates.per_variable(model, groups, rates.factors)
        optimizer.set_rates(rates.base(step), single)
        with tf.GradientTape() as tape:
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
                [0, 1], model(images, training=True)
            )
            loss = tf.reduce_mean(losses)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(
            zip(gradients, model.trainable_variables, strict=True)
        )
        assert np.isfinite(loss)

    for variable, old in zip(model.trainable_variables, before, strict=True):
        if "kernel" in variable.name:
            assert np.abs(variable.numpy() - old).max() > 0, variable.path


def rate_of(name, epoch, part):
    """Returns the rate of a kernel or bias of a run with steps of an epoch."""
    config = load(name).get_config()
    config.data.batch_size = 1
    intervals = steps.make_intervals(config, num_images=100)
    schedule = steps.make_schedule(config, intervals)
    groups = steps.make_rates(config, intervals, schedule).groups(
        round(100 * epoch)
    )
    layer, kind = part.split("/")
    usual = groups["biases" if kind == "bias" else "kernels"]
    return groups.get(part, groups.get(layer, usual))


@pytest.mark.parametrize(
    ("name", "part", "rates"),
    [
        # original-source 6.4, the chain; epochs and the rates from there on.
        ("pretrain_fall2009", "conv1/kernel", {0: 1e-3, 6: 1e-3}),
        ("pretrain_fall2009", "fc8/kernel", {0: 1e-2, 2.1: 1e-2, 2.2: 1e-3}),
        ("pretrain_fall2009", "conv6/kernel", {0: 1e-2, 2.2: 1e-3}),
        ("pretrain_fall2009", "fc6/bias", {0: 0.02, 6: 0.02}),
        ("pretrain_fall2011", "conv6/kernel", {0: 1e-3, 8: 1e-3}),
        ("pretrain_fall2011", "fc7_linear/kernel", {5.9: 1e-2, 6: 1e-3}),
        (
            "finetune_fall2011",
            "conv1/kernel",
            {0: 1e-4, 4.9: 1e-4, 5: 1e-5, 7: 0, 50: 0},
        ),
        ("finetune_fall2011", "conv1/bias", {0: 0.02, 6: 0.02, 7: 0}),
        (
            "finetune_fall2011",
            "fc8/kernel",
            {0: 1e-3, 0.3: 1e-2, 9: 1e-3, 22: 1e-4, 42: 1e-5},
        ),
        ("finetune_fall2011", "fc7/kernel", {0: 1e-3, 22: 1e-4, 42: 1e-5}),
        ("finetune_fall2009", "conv1/kernel", {0: 1e-4, 3: 1e-5, 4: 0}),
        ("finetune_fall2009", "fc8/kernel", {0: 1e-3, 22: 1e-4}),
        # original-source 4.1.
        ("ilsvrc2010", "fc8/kernel", {22: 1e-2, 23: 1e-3, 51: 1e-4, 78: 1e-5}),
        ("ilsvrc2010", "conv1/kernel", {67: 1e-4, 68: 1e-5, 72: 0}),
        ("no_lrn", "conv2/kernel", {21: 1e-2, 22: 1e-3, 44: 1e-4, 86: 1e-5}),
        ("non_overlapping", "conv1/bias", {78: 0.02, 79: 0}),
        ("half_width", "conv1/kernel", {19: 1e-2, 20: 1e-3, 66: 1e-5, 72: 0}),
        # original-source 4.2: 0.01 over 250 ** (1 / 3) and so on.
        (
            "original_2012_automatic",
            "fc8/kernel",
            {0: 0.01, 24: 0.0015874, 48: 0.00025198, 72: 0.00004},
        ),
        ("original_2012_automatic", "fc8/bias", {47: 0.02, 48: 0.002}),
    ],
)
def test_rates_are_those_of_the_log(name, part, rates):
    found = {epoch: rate_of(name, epoch, part) for epoch in rates}

    assert found == pytest.approx(rates, rel=1e-4)
