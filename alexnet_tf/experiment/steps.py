"""Epochs become steps here, once: when a run looks, saves, slows and ends."""

import math

from alexnet_tf.training import learning_rates, loop, schedule


def make_intervals(config, num_images):
    """Returns when things happen, and the steps of an epoch.

    Args:
        config: A `config.Config`.
        num_images: Images of the training split.

    Returns:
        A `loop.Intervals`, and a float.
    """
    training = config.training
    steps_per_epoch = num_images / config.data.batch_size
    total = training.total_steps or math.ceil(
        training.total_epochs * steps_per_epoch
    )
    every = training.eval_every_epochs * steps_per_epoch
    intervals = loop.Intervals(
        total_steps=total,
        eval_every_steps=max(1, round(every)),
        checkpoint_every_steps=training.checkpoint_every_steps,
        log_every_steps=training.log_every_steps,
        images_every_steps=training.images_every_steps,
        profile_steps=tuple(training.profile_steps),
    )
    return intervals, steps_per_epoch


def make_rates(config, intervals, steps_per_epoch, hand=None):
    """Returns the rate of every layer and step, as a config says.

    Args:
        config: A `config.Config`.
        intervals: A `loop.Intervals`.
        steps_per_epoch: A float.
        hand: A `rates.ManualFactor`, or `None`.
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
    return learning_rates.Rates(
        make_schedule(config, intervals, steps_per_epoch),
        biases,
        [
            learning_rates.Phase(round(epoch * steps_per_epoch), layer, rate)
            for layer, rate, epoch in learning_rates.parse_phases(rule.phases)
        ],
        hand,
    )


def make_schedule(config, intervals, steps_per_epoch):
    """Returns the schedule that a config names, in steps.

    Args:
        config: A `config.Config`.
        intervals: A `loop.Intervals`.
        steps_per_epoch: A float.
    """
    rule = config.optimizer
    if rule.schedule == "constant":
        return schedule.Constant(rule.learning_rate)
    if rule.schedule == "boundaries":
        return schedule.Boundaries(
            rule.learning_rate,
            [round(e * steps_per_epoch) for e in rule.boundaries_epochs],
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
