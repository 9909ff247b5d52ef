"""Epochs become steps here, once: when a run reports, saves, slows and ends."""

import dataclasses
import math

from alexnet_tf.training import learning_rates, schedule


@dataclasses.dataclass(frozen=True)
class Intervals:
    """When things happen, in steps.

    Attributes:
        total_steps: Length of the run.
        eval_every_steps: Between two validation errors.
        checkpoint_every_steps: Between two checkpoints.
        log_every_steps: Between two lines of figures.
        images_every_steps: Between two sets of pictures.
        profile_steps: First and last step that the profiler records, or
            nothing.
        steps_per_epoch: A float.
    """

    total_steps: int
    eval_every_steps: int
    checkpoint_every_steps: int
    log_every_steps: int
    images_every_steps: int
    profile_steps: tuple[int, ...] = ()
    steps_per_epoch: float = 1.0

    def are_over(self, state):
        """Returns whether no step is left for a `training.state.TrainState`."""
        return state.step >= self.total_steps or state.schedule.finished


def make_intervals(config, num_images):
    """Returns when things happen in a run.

    Args:
        config: A `config.Config`.
        num_images: Images of the training split.
    """
    training = config.training
    steps_per_epoch = num_images / config.data.batch_size
    total = training.total_steps or math.ceil(
        training.total_epochs * steps_per_epoch
    )
    every = training.eval_every_epochs * steps_per_epoch
    return Intervals(
        total_steps=total,
        eval_every_steps=max(1, round(every)),
        checkpoint_every_steps=training.checkpoint_every_steps,
        log_every_steps=training.log_every_steps,
        images_every_steps=training.images_every_steps,
        profile_steps=tuple(training.profile_steps),
        steps_per_epoch=steps_per_epoch,
    )


def make_schedule(config, intervals):
    """Returns the schedule that a config names, in steps.

    Args:
        config: A `config.Config`.
        intervals: Its `Intervals`.
    """
    optimizer = config.optimizer
    if optimizer.schedule == "constant":
        return schedule.Constant(optimizer.learning_rate)
    if optimizer.schedule == "boundaries":
        return schedule.Boundaries(
            optimizer.learning_rate,
            [
                round(epoch * intervals.steps_per_epoch)
                for epoch in optimizer.boundaries_epochs
            ],
            optimizer.divisor,
        )
    if optimizer.schedule == "geometric":
        return schedule.Geometric(
            optimizer.learning_rate,
            intervals.total_steps,
            optimizer.factor,
            optimizer.levels,
        )
    patience = optimizer.patience_epochs / config.training.eval_every_epochs
    return schedule.Plateau(
        optimizer.learning_rate, max(1, round(patience)), optimizer.divisor
    )


def make_rates(config, intervals, kernel_schedule, manual_events=()):
    """Returns the rate of every layer and step, as a config says.

    Args:
        config: A `config.Config`.
        intervals: Its `Intervals`.
        kernel_schedule: What `make_schedule` returned.
        manual_events: Manual changes of the rate so far, dicts of "step" and
            "factor".
    """
    optimizer = config.optimizer
    biases = None
    if optimizer.bias_schedule == "constant":
        biases = schedule.Constant(optimizer.bias_learning_rate)
    elif optimizer.bias_schedule == "geometric":
        biases = schedule.Geometric(
            optimizer.bias_learning_rate,
            intervals.total_steps,
            optimizer.bias_factor,
            optimizer.bias_levels,
        )
    phases = [
        learning_rates.Phase(
            round(epoch * intervals.steps_per_epoch), layer, rate
        )
        for layer, rate, epoch in learning_rates.parse_phases(optimizer.phases)
    ]
    manual = learning_rates.ManualFactor()
    for event in manual_events:
        manual.set(event["step"], event["factor"])
    return learning_rates.Rates(kernel_schedule, biases, phases, manual)
