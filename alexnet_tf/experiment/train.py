"""One call of training: an experiment's parts, put into the loop."""

import zlib

import keras
import numpy as np
from absl import logging

from alexnet_tf import config as config_lib
from alexnet_tf import model, weights
from alexnet_tf.analysis import figures
from alexnet_tf.experiment import initialize, steps, validation
from alexnet_tf.experiment import workdir as workdirs
from alexnet_tf.training import (
    coordination,
    learning_rates,
    loop,
    metrics,
    optimizer,
    signals,
    step,
    strategy,
    summaries,
)
from alexnet_tf.training.diagnostics import Diagnostics
from alexnet_tf.training.reports import Reporter
from alexnet_tf.training.requests import RequestHandler
from alexnet_tf.training.state import TrainState


def train(experiment, make_progress):
    """Trains to the end, from the last checkpoint if there is one.

    Args:
        experiment: What `start.begin` yielded.
        make_progress: Called as `make_progress(total, initial)`, returns a
            scope with `update(steps, facts)`.

    Returns:
        The validation scores at the end, a dict of floats.

    Raises:
        KeyboardInterrupt: It was interrupted, and has been saved.
        ValueError: The loss is no number any more, or the parts do not fit.
    """
    config, placement = experiment.config, experiment.placement
    strategy.check_share(config.data.batch_size, placement.num_replicas)
    intervals = steps.make_intervals(
        config, experiment.info.splits["train"].num_images
    )
    schedule = steps.make_schedule(config, intervals)
    with (
        signals.Interruption() as interruption,
        coordination.lost_hosts_explained(placement.strategy),
    ):
        state, applied = _build(experiment, schedule)
        _restore_or_initialize(state, experiment, intervals)
        coordination.check_hosts_agree(
            placement.strategy, _fingerprint(experiment, state.step)
        )
        with (
            _open_writer(experiment, state, intervals) as writer,
            make_progress(intervals.total_steps, state.step) as progress,
        ):
            rates = steps.make_rates(
                config, intervals, schedule, writer.manual_rate_events()
            )
            watched = {
                "window": metrics.Window(
                    config.data.batch_size,
                    config.precision == "mixed_float16",
                ),
                "writer": writer,
            }
            saver = loop.Saver(state, intervals, **watched)
            evaluator = loop.Evaluator(
                state,
                intervals,
                _make_evaluation(experiment, state, writer, interruption),
                saver=saver,
                **watched,
            )
            loop.run(
                state,
                intervals,
                RequestHandler(
                    state,
                    _request_source(experiment, interruption),
                    rates,
                    saver,
                    writer,
                    config.optimizer.divisor,
                ),
                loop.Updater(
                    state,
                    _make_step(experiment, state, applied),
                    _make_batches(experiment, state.step),
                    rates,
                    intervals=intervals,
                    **watched,
                ),
                Reporter(
                    state,
                    intervals,
                    rates,
                    progress=progress,
                    diagnostics=Diagnostics(experiment.info.num_classes),
                    make_pictures=_make_pictures(experiment, state),
                    extra_scalars=_extra_scalars(experiment, state),
                    **watched,
                ),
                evaluator,
                saver,
            )
            scores = evaluator.final_scores()
            writer.hyperparameters(config_lib.to_flat_dict(config), scores)
            return scores


def _build(experiment, schedule):
    """Returns the state of a new run, and the optimizer that is applied.

    That is the state's own, or one around it that scales the loss.
    """
    config, placement = experiment.config, experiment.placement
    with placement.strategy.scope():
        network = experiment.build(placement.tower_devices)
        paper_sgd = optimizer.PaperSGD(
            config.optimizer.learning_rate,
            config.optimizer.momentum,
            config.optimizer.weight_decay,
            config.optimizer.bias_decay,
            learning_rates.parse_layers(
                "optimizer.layer_decays", config.optimizer.layer_decays
            ),
        )
        paper_sgd.build(network.trainable_variables)
        loss_scaled = None
        if config.precision == "mixed_float16":
            loss_scaled = keras.optimizers.LossScaleOptimizer(paper_sgd)
            loss_scaled.build(network.trainable_variables)
    model.set_step_counter(network, paper_sgd.iterations)
    state = TrainState(
        experiment.checkpoints,
        network,
        paper_sgd,
        schedule,
        config.training.keep_checkpoints,
        loss_scaled,
        writes=placement.is_chief,
    )
    state.check_space()
    return state, loss_scaled or paper_sgd


def _restore_or_initialize(state, experiment, intervals):
    """Restores the last checkpoint, or takes weights from elsewhere."""
    if state.restore():
        logging.info("Going on from step %d.", state.step)
        if state.step >= intervals.total_steps:
            logging.info("That is all of them: nothing is left to do.")
    elif experiment.initial is not None:
        initialize.set_weights(
            state.model,
            experiment.initial,
            experiment.config.skipped_layers(),
            experiment.config.init_from,
        )


def _open_writer(experiment, state, intervals):
    """Returns what people watch; only the first host writes."""
    if not experiment.placement.is_chief:
        return summaries.SilentWriter(experiment.workdir)
    writer = summaries.SummaryWriter(
        experiment.workdir, state.step, intervals.epochs.epochs
    )
    writer.event(
        state.step,
        "resume" if state.step else "start",
        revision=workdirs.revision(),
    )
    return writer


def _make_step(experiment, state, applied):
    """Returns the function of a batch that updates the weights."""
    return step.make_train_step(
        state.model,
        applied,
        experiment.placement.strategy,
        experiment.config.data.batch_size,
    )


def _make_batches(experiment, first_step):
    """Returns the batches from a step on, on their way to the replicas."""
    placement = experiment.placement
    dataset = experiment.make_train_dataset(
        first_step, placement.host, placement.num_hosts
    )
    if placement.num_replicas == 1:
        return dataset
    return strategy.split_batches(dataset, placement.strategy)


def _request_source(experiment, interruption):
    """Returns where requests come from, the same on every host."""
    placement = experiment.placement
    if placement.num_hosts == 1:
        return coordination.LocalRequests(experiment.workdir, interruption)
    return coordination.BroadcastRequests(
        experiment.workdir,
        interruption,
        placement.strategy,
        placement.is_chief,
    )


def _make_evaluation(experiment, state, writer, interruption):
    """Returns the function that computes scores and writes histograms."""
    evaluate = validation.make_evaluation(experiment, state.model, interruption)

    def compute_scores():
        scores = evaluate()
        writer.histograms(state.step, weights.to_arrays(state.model))
        return scores

    return compute_scores


def _fingerprint(experiment, step):
    """Returns a number of what must be the same on every host."""
    config = config_lib.to_dict(experiment.config)
    for name in ("directory", "tfds_data_dir", "cache"):
        config["data"].pop(name)
    splits = sorted(experiment.info.splits.items())
    text = f"{config} {splits} {step} {workdirs.revision()}"
    return zlib.crc32(text.encode()) % 2**24


def _make_pictures(experiment, state):
    """Returns the function that draws conv1's kernels and a batch."""

    def make_pictures(images):
        arrays = weights.to_arrays(state.model)
        kernels = figures.kernel_grid(next(iter(arrays.values())))
        batch = figures.batch_sheet(images, experiment.statistics.mean_rgb)
        return {
            "conv1_kernels": kernels[np.newaxis],
            "augmented_batch": batch[np.newaxis],
        }

    return make_pictures


def _extra_scalars(experiment, state):
    """Returns the function that gives norms and skipped records."""

    def extra_scalars():
        scalars = metrics.layer_norms(state.model, state.optimizer)
        if experiment.config.data.on_error == "skip":
            scalars["skipped_records"] = experiment.skipped.count
        return scalars

    return extra_scalars
