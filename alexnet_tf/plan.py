"""Epochs become steps here, once: when a run looks, saves, slows and ends."""

import math

from alexnet_tf.training import loop, rates, schedule
from input_pipeline import held_out


def make_intervals(config, num_images):
    """Returns when things happen, and what epochs are in steps.

    Args:
        config: A `config.Config`.
        num_images: Images of the training split.

    Returns:
        A `loop.Intervals`, and a `held_out.Epochs`.
    """
    training = config.training
    epochs = held_out.Epochs(num_images, config.data)
    total = training.total_steps or math.ceil(
        epochs.steps(training.total_epochs)
    )
    every = training.eval_every_epochs * epochs.steps(1)
    intervals = loop.Intervals(
        total_steps=total,
        eval_every_steps=max(1, round(every)),
        checkpoint_every_steps=training.checkpoint_every_steps,
        log_every_steps=training.log_every_steps,
        images_every_steps=training.images_every_steps,
        profile_steps=tuple(training.profile_steps),
        join_step=epochs.join_step,
    )
    return intervals, epochs


def make_rates(config, intervals, epochs, hand=None):
    """Returns the rate of every layer and step, as a config says.

    Args:
        config: A `config.Config`.
        intervals: A `loop.Intervals`.
        epochs: A `held_out.Epochs`.
        hand: A `rates.Hand`, or `None`.
    """
    rule = config.optimizer
    biases = None
    if rule.bias_schedule == "constant":
        biases = schedule.Constant(rule.bias_learning_rate)
    elif rule.bias_schedule == "geometric":
        biases = schedule.Geometric(
            rule.bias_learning_rate,
            intervals.total_steps,
            rule.bias_factor,
            rule.bias_levels,
        )
    return rates.Rates(
        make_schedule(config, intervals, epochs),
        biases,
        [
            rates.Phase(round(epochs.steps(epoch)), layer, rate)
            for layer, rate, epoch in rates.parse_phases(rule.phases)
        ],
        hand,
        rates.parse_layers("optimizer.layer_rates", rule.layer_rates),
    )


def make_schedule(config, intervals, epochs):
    """Returns the schedule that a config names, in steps.

    Args:
        config: A `config.Config`.
        intervals: A `loop.Intervals`.
        epochs: A `held_out.Epochs`.
    """
    rule = config.optimizer
    if rule.schedule == "constant":
        return schedule.Constant(rule.learning_rate)
    if rule.schedule == "boundaries":
        return schedule.Boundaries(
            rule.learning_rate,
            [round(epochs.steps(e)) for e in rule.boundaries_epochs],
            rule.divisor,
        )
    if rule.schedule == "geometric":
        return schedule.Geometric(
            rule.learning_rate,
            intervals.total_steps,
            rule.factor,
            rule.levels,
        )
    patience = rule.patience_epochs / config.training.eval_every_epochs
    return schedule.Plateau(
        rule.learning_rate, max(1, round(patience)), rule.divisor
    )
