"""Epochs become steps here, once: when a run reports, saves, slows and ends."""

import dataclasses
import math

from alexnet_tf.training import learning_rates, schedule
from input_pipeline import held_out


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
        join_step: First step on the images that were held out until then, or
            `None`.
        epochs: Converts epochs and steps, a `held_out.Epochs`.
    """

    total_steps: int
    eval_every_steps: int
    checkpoint_every_steps: int
    log_every_steps: int
    images_every_steps: int
    profile_steps: tuple[int, ...] = ()
    join_step: int | None = None
    epochs: held_out.Epochs | None = None

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
    epochs = held_out.Epochs(num_images, config.data)
    total = training.total_steps or math.ceil(
        epochs.steps(training.total_epochs)
    )
    if training.profile_steps and training.profile_steps[1] > total:
        raise ValueError(
            "training.profile_steps must end before step "
            f"{total}, the last of the run. Received: "
            f"{tuple(training.profile_steps)}"
        )
    every = training.eval_every_epochs * epochs.steps(1)
    return Intervals(
        total_steps=total,
        eval_every_steps=max(1, round(every)),
        checkpoint_every_steps=training.checkpoint_every_steps,
        log_every_steps=training.log_every_steps,
        images_every_steps=training.images_every_steps,
        profile_steps=tuple(training.profile_steps),
        join_step=epochs.join_step,
        epochs=epochs,
    )


def make_schedule(config, intervals):
    """Returns the schedule that a config names, in steps.

    Args:
        config: A `config.Config`.
        intervals: Its `Intervals`.
    """
    return _warmed_up(
        _make_kernel_schedule(config, intervals), config, intervals
    )


def _make_kernel_schedule(config, intervals):
    """Returns the schedule that a config names, at its full rate."""
    optimizer = config.optimizer
    if optimizer.schedule == "boundaries":
        return schedule.Boundaries(
            optimizer.learning_rate,
            [
                round(intervals.epochs.steps(epoch))
                for epoch in optimizer.boundaries_epochs
            ],
            optimizer.divisor,
        )
    if optimizer.schedule != "plateau":
        return _make_timed(
            optimizer.schedule,
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
    if optimizer.bias_schedule != "same":
        biases = _make_timed(
            optimizer.bias_schedule,
            optimizer.bias_learning_rate,
            intervals.total_steps,
            optimizer.bias_factor,
            optimizer.bias_levels,
        )
        biases = _warmed_up(biases, config, intervals)
    phases = [
        learning_rates.Phase(round(intervals.epochs.steps(epoch)), layer, rate)
        for layer, rate, epoch in learning_rates.parse_phases(optimizer.phases)
    ]
    manual = learning_rates.ManualFactor()
    for event in manual_events:
        manual.set(event["step"], event["factor"])
    factors = learning_rates.parse_layers(
        "optimizer.layer_rates", optimizer.layer_rates
    )
    return learning_rates.Rates(
        kernel_schedule, biases, phases, manual, factors
    )


def _warmed_up(full, config, intervals):
    """Returns a schedule whose rate rises first, where a config says so."""
    epochs = config.optimizer.warmup_epochs
    warmup_steps = round(intervals.epochs.steps(epochs)) if epochs else 0
    return schedule.Warmup(full, warmup_steps) if warmup_steps else full


def _make_timed(name, rate, total_steps, factor, levels):
    """Returns a schedule that the length of the run alone decides."""
    if name == "constant":
        return schedule.Constant(rate)
    if name == "cosine":
        return schedule.Cosine(rate, total_steps)
    if name == "linear":
        return schedule.Linear(rate, total_steps, factor)
    if name == "exponential":
        return schedule.Exponential(rate, total_steps, factor)
    kinds = {
        "geometric": schedule.Geometric,
        "geometric_jumps": schedule.GeometricJumps,
    }
    return kinds[name](rate, total_steps, factor, levels)
