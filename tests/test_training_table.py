"""Every placement with every rule, precision and schedule, against NumPy.

The network is small enough to be written down with its gradients below: a
convolution that both towers read, one of each tower's own channels, a layer
that reads both, the classes. Every placement meets every rule and every
precision, every rule meets every precision, and each of these every schedule.
"""

import itertools
import math

import numpy as np
import pytest
import tensorflow as tf

import alexnet_tf
from alexnet_tf import networks, weights
from alexnet_tf.config import Config
from alexnet_tf.experiment import parts, steps
from alexnet_tf.training import learning_rates, make_train_step
from alexnet_tf.training import strategy as strategies

NETWORK = networks.Network(
    image_size=4,
    towers=2,
    layers=(
        networks.Conv("conv1", 4, 2, 2, 0, stddev=0.5),
        networks.Conv("conv2", 4, 1, 1, 0, stddev=0.5),
        networks.Dense("fc6", 6, stddev=0.5),
        networks.Dense("fc8", stddev=0.5),
    ),
)
CLASSES, BATCH, STEPS = 3, 8, 5
RATE, MOMENTUM, DECAY, CLIP = 0.02, 0.9, 0.1, 0.2

PLACEMENTS = {
    "one device": {},
    "two towers": {"devices": "CPU:0,CPU:1"},
    "two replicas": {"strategy": "mirrored"},
    "two replicas of two towers": {
        "strategy": "mirrored",
        "devices": "CPU:0,CPU:1,CPU:1,CPU:0",
    },
}
RULES = {
    "paper": {},
    "original": {
        "bias_decay": False,
        "bias_schedule": "constant",
        "bias_learning_rate": 2 * RATE,
        "layer_rates": "conv2=0.5",
        "layer_decays": "fc6=0.2",
        "phases": "conv1=0@2",
    },
    "clipped": {"global_clipnorm": CLIP},
    "in two parts": {"gradient_accumulation_steps": 2},
}
# Share of the updates that rounding may take, by the precision.
PRECISIONS = {"float32": 1e-5, "mixed_bfloat16": 0.1, "mixed_float16": 0.05}
# Rates by step and by what the fields say, of their definitions.
SCHEDULES = {
    "plateau": lambda s: RATE,
    "boundaries": lambda s: RATE if s < 2 else RATE / 10,
    "constant": lambda s: RATE,
    "linear": lambda s: RATE * (1 - s / STEPS) + RATE / 16 * s / STEPS,
    "exponential": lambda s: RATE / 16 ** (s / STEPS),
    "geometric": lambda s: RATE if s < 3 else RATE / 16,
    # Late in an interval, up to nine tenths of the run: the mean of both.
    "geometric_jumps": lambda s: [*[RATE] * 3, RATE / 16, RATE / 4][s],
    "cosine": lambda s: RATE * (1 + math.cos(math.pi * s / STEPS)) / 2,
    "warm-up": lambda s: RATE * min((s + 1) / 4, 1),
}

# The product of placements and rules, with the precisions in turns: as rows
# and columns are less than three apart, each of both meets all three.
CELLS = [
    (placement, rule, list(PRECISIONS)[(row + column) % 3])
    for row, placement in enumerate(PLACEMENTS)
    for column, rule in enumerate(RULES)
]


def test_the_table_leaves_no_pair_out():
    for first, second in ((0, 1), (0, 2), (1, 2)):
        names = (PLACEMENTS, RULES, PRECISIONS)
        pairs = {(cell[first], cell[second]) for cell in CELLS}
        assert pairs == set(itertools.product(names[first], names[second]))


# A cell takes seconds to trace: a diagonal, and the whole table with the slow.
@pytest.mark.parametrize(
    ("placement", "rule", "precision"),
    [
        pytest.param(*cell, marks=() if not n % 5 else pytest.mark.slow)
        for n, cell in enumerate(CELLS)
    ],
)
def test_a_training_is_that_of_the_equations(
    placement, rule, precision, monkeypatch
):
    monkeypatch.setattr(networks, "TABLE", NETWORK, raising=False)
    config = _make_config(placement, rule, precision)
    config.validate()
    images, labels = _make_batch()
    run = _Run(config, (tf.constant(images), tf.constant(labels)))

    for name, rate in SCHEDULES.items():
        run.begin(name)
        expected = _Reference(run.arrays(), run.velocities(), rule)
        # Constant, but that it is warmed up with the rest.
        expected.bias_rate = rate if name == "warm-up" else lambda s: RATE
        start = expected.arrays
        for step in range(STEPS):
            loss = run.update(step)
            expected_loss = expected.update(step, rate(step), images, labels)
            assert loss == pytest.approx(expected_loss, rel=0.02), name
        _assert_same(run.arrays(), expected.arrays, start, precision, name)


def _assert_same(found, expected, start, precision, name):
    """Holds weights to the reference's, by how far these have moved."""
    share = PRECISIONS[precision]
    if precision == "float32":
        moved = max(abs(expected[k] - start[k]).max() for k in start)
        for key, array in found.items():
            np.testing.assert_allclose(
                array,
                expected[key],
                1e-6,
                share * moved,
                err_msg=f"{name} {key}",
            )
        return
    # All together: at a rectifier's kink rounding decides for one neuron.
    error, moved = (
        math.sqrt(sum(((a[k] - b[k]) ** 2).sum() for k in start))
        for a, b in ((found, expected), (expected, start))
    )
    assert error < share * moved, name


def _make_config(placement, rule, precision):
    config = Config(network="TABLE", precision=precision)
    for name, value in PLACEMENTS[placement].items():
        setattr(config, name, value)
    config.data.crop_size, config.data.batch_size = 4, BATCH
    # So that an epoch is a step.
    config.training.total_steps = STEPS
    config.optimizer.learning_rate = RATE
    config.optimizer.momentum = MOMENTUM
    config.optimizer.weight_decay = DECAY
    config.optimizer.boundaries_epochs = (2.0,)
    config.optimizer.factor, config.optimizer.levels = 16.0, 2
    for name, value in RULES[rule].items():
        setattr(config.optimizer, name, value)
    return config


def _make_batch():
    rng = np.random.default_rng(0)
    images = rng.normal(0, 1, (BATCH, 4, 4, 3)).astype(np.float32)
    return images, rng.integers(0, CLASSES, BATCH).astype(np.int32)


class _Run:
    """What `experiment.train` makes of a config, without a data set."""

    def __init__(self, config, batch):
        self.config = config
        placement = strategies.make_placement(
            config.strategy, config.tower_devices(), 2
        )
        self.strategy = placement.strategy
        with self.strategy.scope():
            self.model = alexnet_tf.build(
                NETWORK,
                CLASSES,
                devices=placement.tower_devices,
                precision=config.precision,
            )
            self.rule, scaled = parts.make_optimizer(config, self.model)
        self.step = make_train_step(
            self.model,
            scaled or self.rule,
            self.strategy,
            BATCH,
            config.optimizer.gradient_accumulation_steps,
        )

        assert placement.num_replicas == (config.strategy == "mirrored") + 1
        self.batch = batch
        if placement.num_replicas > 1:
            dataset = tf.data.Dataset.from_tensors(batch)
            halves = strategies.split_batches(dataset, self.strategy)
            self.batch = next(iter(halves))

    def begin(self, name):
        """Takes another schedule; the weights and velocities go on."""
        warms_up = name == "warm-up"
        self.config.optimizer.schedule = "constant" if warms_up else name
        self.config.optimizer.warmup_epochs = 4.0 if warms_up else 0.0
        intervals = steps.make_intervals(self.config, BATCH)
        schedule = steps.make_schedule(self.config, intervals)
        self.rates = steps.make_rates(self.config, intervals, schedule)

    def update(self, step):
        groups = self.rates.groups(step)
        self.rule.set_rates(
            self.rates.base(step),
            learning_rates.per_variable(self.model, groups, self.rates.factors),
        )
        return float(self.step(self.batch)["loss"])

    def arrays(self):
        return weights.to_arrays(self.model)

    def velocities(self):
        return weights.assign.gather_towers(self.model, self.rule.velocity)


class _Reference:
    """The same by hand, in float64."""

    def __init__(self, arrays, velocities, rule):
        self.arrays = {k: a.astype(float) for k, a in arrays.items()}
        self.velocities = {k: a.astype(float) for k, a in velocities.items()}
        self.rule = rule

    def update(self, step, rate, images, labels):
        loss, gradients = _gradients(self.arrays, images.astype(float), labels)
        if self.rule == "clipped":
            norm = math.sqrt(sum((g**2).sum() for g in gradients.values()))
            factor = min(CLIP / norm, 1)
            gradients = {k: g * factor for k, g in gradients.items()}
        moved, velocities = {}, {}
        for key, array in self.arrays.items():
            own, decay = self._settings(key, step, rate)
            velocities[key], moved[key] = self.velocities[key], array
            if own:
                velocities[key] = MOMENTUM * self.velocities[key] - own * (
                    decay * array + gradients[key]
                )
                moved[key] = array + velocities[key]
        self.arrays, self.velocities = moved, velocities
        return loss

    def _settings(self, key, step, rate):
        """Returns the rate and the decay of a variable."""
        if self.rule != "original":
            return rate, DECAY
        layer, part = key.split("/")
        if layer == "conv1" and step >= 2:
            return 0.0, 0.0
        decay = 0.2 if layer == "fc6" else DECAY
        factor = 0.5 if layer == "conv2" else 1.0
        if part == "bias":
            # The warm-up is of the biases' schedule too.
            return factor * 2 * self.bias_rate(step), 0.0
        return factor * rate, decay


def _gradients(w, images, labels):
    """Returns the loss and its gradients, by the chain rule."""
    n = len(images)
    # Windows of 2 x 2 that do not overlap, as rows of twelve numbers.
    windows = images.reshape(n, 2, 2, 2, 2, 3).transpose(0, 1, 3, 2, 4, 5)
    windows = windows.reshape(n * 4, 12)
    first = windows @ w["conv1/kernel"].reshape(12, 4) + w["conv1/bias"]
    a = np.maximum(first, 0)
    # Each tower's two channels see its own two.
    own = w["conv2/kernel"].reshape(2, 4)
    kernel = np.zeros((4, 4))
    kernel[:2, :2], kernel[2:, 2:] = own[:, :2], own[:, 2:]
    second = a @ kernel + w["conv2/bias"]
    b = np.maximum(second, 0)
    flat = b.reshape(n, 16)
    third = flat @ w["fc6/kernel"] + w["fc6/bias"]
    c = np.maximum(third, 0)
    logits = c @ w["fc8/kernel"] + w["fc8/bias"]
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities = shifted / shifted.sum(axis=1, keepdims=True)
    rows = np.arange(n)
    loss = -np.log(probabilities[rows, labels]).mean()

    d_logits = probabilities
    d_logits[rows, labels] -= 1
    d_logits = d_logits / n
    d_third = d_logits @ w["fc8/kernel"].T * (third > 0)
    d_second = (d_third @ w["fc6/kernel"].T).reshape(-1, 4) * (second > 0)
    d_first = d_second @ kernel.T * (first > 0)
    d_kernel = a.T @ d_second
    return loss, {
        "fc8/kernel": c.T @ d_logits,
        "fc8/bias": d_logits.sum(axis=0),
        "fc6/kernel": flat.T @ d_third,
        "fc6/bias": d_third.sum(axis=0),
        "conv2/kernel": np.hstack([d_kernel[:2, :2], d_kernel[2:, 2:]]).reshape(
            w["conv2/kernel"].shape
        ),
        "conv2/bias": d_second.sum(axis=0),
        "conv1/kernel": (windows.T @ d_first).reshape(w["conv1/kernel"].shape),
        "conv1/bias": d_first.sum(axis=0),
    }
