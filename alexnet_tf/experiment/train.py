"""One call of training: an experiment's parts, put into the loop."""

import zlib

from absl import logging

from alexnet_tf import config as config_lib
from alexnet_tf import model
from alexnet_tf.experiment import initialize, parts, steps
from alexnet_tf.experiment import workdir as workdirs
from alexnet_tf.training import (
    coordination,
    loop,
    signals,
    strategy,
    summaries,
)
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
    strategy.check_share(
        config.data.batch_size,
        placement.num_replicas,
        config.optimizer.gradient_accumulation_steps,
    )
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
            made = parts.Parts(
                experiment,
                state,
                intervals,
                steps.make_rates(
                    config, intervals, schedule, writer.manual_rate_events()
                ),
                parts.make_window(config),
                writer,
            )
            saver = parts.make_saver(made)
            evaluator = parts.make_evaluator(made, saver, interruption)
            loop.run(
                state,
                intervals,
                parts.make_request_handler(made, saver, interruption),
                parts.make_updater(made, applied),
                parts.make_reporter(made, progress),
                evaluator,
                saver,
            )
            scores = evaluator.final_scores()
            writer.hyperparameters(config_lib.to_flat_dict(config))
            return scores


def _build(experiment, schedule):
    """Returns the state of a new run, and the optimizer that is applied.

    That is the state's own, or one around it that scales the loss.
    """
    config, placement = experiment.config, experiment.placement
    with placement.strategy.scope():
        network = experiment.build(placement.tower_devices)
        paper_sgd, loss_scaled = parts.make_optimizer(config, network)
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
        experiment.workdir,
        state.step,
        intervals.epochs.epochs,
        experiment.info.num_classes,
    )
    writer.event(
        state.step,
        "resume" if state.step else "start",
        revision=workdirs.revision(),
    )
    return writer


def _fingerprint(experiment, step):
    """Returns a number of what must be the same on every host."""
    config = config_lib.to_dict(experiment.config)
    for name in ("directory", "tfds_data_dir", "cache"):
        config["data"].pop(name)
    splits = sorted(experiment.info.splits.items())
    text = f"{config} {splits} {step} {workdirs.revision()}"
    return zlib.crc32(text.encode()) % 2**24
