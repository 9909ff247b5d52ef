"""The parts of the loop, made of an experiment."""

import dataclasses

import keras
import numpy as np

from alexnet_tf import weights
from alexnet_tf.analysis import figures
from alexnet_tf.experiment import validation
from alexnet_tf.experiment.experiment import Experiment
from alexnet_tf.experiment.steps import Intervals
from alexnet_tf.training import (
    coordination,
    learning_rates,
    loop,
    metrics,
    optimizer,
    step,
    strategy,
    summaries,
)
from alexnet_tf.training.diagnostics import Diagnostics
from alexnet_tf.training.reports import Reporter
from alexnet_tf.training.requests import RequestHandler
from alexnet_tf.training.state import TrainState
from alexnet_tf.weights import assign


@dataclasses.dataclass(frozen=True)
class Parts:
    """What several parts of the loop share.

    Attributes:
        experiment: With its placement.
        state: Restored or initialized.
        intervals: When things happen.
        rates: Of every layer and step.
        window: Means over the last steps.
        writer: What people watch.
    """

    experiment: Experiment
    state: TrainState
    intervals: Intervals
    rates: learning_rates.Rates
    window: metrics.Window
    writer: summaries.SilentWriter

    @property
    def watched(self):
        """The window and the writer, as most parts take them."""
        return {"window": self.window, "writer": self.writer}


def make_window(config):
    """Returns the means over the steps of a run."""
    scales_loss = config.precision == "mixed_float16"
    return metrics.Window(config.data.batch_size, may_skip=scales_loss)


def make_saver(parts):
    """Returns what writes checkpoints."""
    return loop.Saver(parts.state, parts.intervals, **parts.watched)


def make_evaluator(parts, saver, interruption):
    """Returns what computes validation scores, and writes histograms."""
    state, writer = parts.state, parts.writer
    evaluate = validation.make_evaluation(
        parts.experiment, state.model, interruption
    )

    def compute_scores():
        scores = evaluate()
        writer.histograms(state.step, weights.to_arrays(state.model))
        return scores

    return loop.Evaluator(
        state, parts.intervals, compute_scores, saver=saver, **parts.watched
    )


def make_request_handler(parts, saver, interruption):
    """Returns what carries out requests, the same on every host."""
    experiment, placement = parts.experiment, parts.experiment.placement
    if placement.num_hosts == 1:
        source = coordination.LocalRequests(experiment.workdir, interruption)
    else:
        source = coordination.BroadcastRequests(
            experiment.workdir,
            interruption,
            placement.strategy,
            placement.is_chief,
        )
    return RequestHandler(
        parts.state,
        source,
        parts.rates,
        saver,
        parts.writer,
        experiment.config.optimizer.divisor,
    )


def make_optimizer(config, network):
    """Returns the update rule of a config, built on a network's variables.

    Called within the scope of the strategy.

    Returns:
        A `PaperSGD`, and for mixed_float16 the optimizer around it that scales
        the loss, or `None`.
    """
    rule = config.optimizer
    paper_sgd = optimizer.PaperSGD(
        rule.learning_rate,
        rule.momentum,
        rule.weight_decay,
        rule.bias_decay,
        learning_rates.parse_layers(
            "optimizer.layer_decays", rule.layer_decays
        ),
        global_clipnorm=rule.global_clipnorm or None,
    )
    paper_sgd.build(network.trainable_variables)
    if config.precision != "mixed_float16":
        return paper_sgd, None
    loss_scaled = keras.optimizers.LossScaleOptimizer(paper_sgd)
    loss_scaled.build(network.trainable_variables)
    return paper_sgd, loss_scaled


def make_updater(parts, applied):
    """Returns what takes batches and updates the weights.

    Args:
        parts: A `Parts`.
        applied: The state's own optimizer, or one around it that scales the
            loss.
    """
    experiment, state = parts.experiment, parts.state
    placement = experiment.placement
    train_step = step.make_train_step(
        state.model,
        applied,
        placement.strategy,
        experiment.config.data.batch_size,
        experiment.config.optimizer.gradient_accumulation_steps,
        experiment.make_augment(),
    )
    batches = experiment.make_train_dataset(
        state.step, placement.host, placement.num_hosts
    )
    return loop.Updater(
        state,
        train_step,
        strategy.send_batches(batches, placement),
        parts.rates,
        intervals=parts.intervals,
        **parts.watched,
    )


def make_reporter(parts, progress):
    """Returns what reports figures and pictures."""
    experiment, state = parts.experiment, parts.state
    augment = experiment.make_augment()

    def make_pictures(batch):
        images, _ = augment(*batch) if augment else batch
        kernels = figures.kernel_grid(assign.first_kernel(state.model))
        sheet = figures.batch_sheet(images, experiment.statistics.mean_rgb)
        return {
            "conv1_kernels": kernels[np.newaxis],
            "augmented_batch": sheet[np.newaxis],
        }

    def extra_scalars():
        scalars = metrics.layer_norms(state.model, state.optimizer)
        if experiment.config.data.on_error == "skip":
            scalars["skipped_records"] = experiment.skipped.count
        return scalars

    return Reporter(
        state,
        parts.intervals,
        parts.rates,
        progress=progress,
        diagnostics=Diagnostics(experiment.info.num_classes),
        make_pictures=make_pictures,
        extra_scalars=extra_scalars,
        **parts.watched,
    )
