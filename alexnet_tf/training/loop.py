"""Updates, with stops to look and to save; knows when, not how."""

import dataclasses
import time

import numpy as np
from absl import logging

from alexnet_tf.training import checkpoint, summaries


@dataclasses.dataclass(frozen=True)
class Intervals:
    """When things happen, in steps.

    Attributes:
        total_steps: Length of the run.
        eval_every_steps: Between two validation errors.
        checkpoint_every_steps: Between two checkpoints.
        log_every_steps: Between two lines of figures.
        images_every_steps: Between two sets of pictures.
    """

    total_steps: int
    eval_every_steps: int
    checkpoint_every_steps: int
    log_every_steps: int
    images_every_steps: int


def run(
    train_step,
    batches,
    state,
    intervals,
    *,
    batch_size,
    evaluate,
    writer,
    progress,
    interruption,
    draw=None,
    facts=dict,
):
    """Trains until the last step, the end of the schedule or an interruption.

    Args:
        train_step: What `step.make_train_step` returned.
        batches: Yields batches, the first for `state.step`.
        state: A `checkpoint.TrainState`.
        intervals: An `Intervals`.
        batch_size: Images per step.
        evaluate: Returns validation scores, a dict of floats.
        writer: A `summaries.SummaryWriter`.
        progress: Has `update(steps, facts)`.
        interruption: An `interruption.Interruption`.
        draw: Writes pictures, given the step and the batch; or `None`.
        facts: Returns a dict of further scalars for each line of figures.

    Returns:
        The last validation scores of this call, or `None` where nothing was
        left to do.

    Raises:
        KeyboardInterrupt: The run was interrupted, and has been saved.
        ValueError: The loss is no number any more.
    """
    window = _Window(batch_size)
    scores = applied = None
    while state.step < intervals.total_steps and not state.schedule.finished:
        if interruption.requested:
            state.save()
            writer.event(state.step, "interrupted")
            raise KeyboardInterrupt
        rate = state.schedule.rate(state.step)
        if rate != applied:
            state.optimizer.learning_rate.assign(rate)
            if state.rate not in (None, rate):
                writer.event(state.step, "rate", before=state.rate, after=rate)
            state.rate = applied = rate
        with window.waiting():
            batch = next(batches)
        if draw and state.step % intervals.images_every_steps == 0:
            draw(state.step, batch)
        window.add(train_step(batch))
        state.step += 1
        progress.update(1, window.words)

        if state.step % intervals.log_every_steps == 0:
            scalars = {**window.close(), "learning_rate": rate, **facts()}
            checkpoint.check_finite(state.step, scalars["loss"])
            writer.write("train", state.step, scalars)
            window.describe(scalars)
        at_end = state.step == intervals.total_steps
        is_best = False
        if at_end or state.step % intervals.eval_every_steps == 0:
            with window.pause():
                scores = evaluate()
                writer.write("validation", state.step, scores)
                writer.log("validation", state.step, scores)
                is_best = state.note(scores)
        if (
            is_best
            or at_end
            or state.schedule.finished
            or state.step % intervals.checkpoint_every_steps == 0
        ):
            with window.pause():
                state.save()
                writer.event(state.step, "save")
                writer.flush()
    if state.schedule.finished:
        logging.info("The error has stopped improving at the last rate.")
    return scores


class _Window:
    """Sums up the steps between two lines of figures."""

    def __init__(self, batch_size):
        self.batch_size = batch_size
        self.words = ""
        self._clear()

    def _clear(self):
        self._metrics = []
        self._paused = 0.0
        self._waited = 0.0
        self._started = time.monotonic()

    def add(self, metrics):
        """Takes the metrics of a step; does not wait for their values."""
        self._metrics.append(metrics)

    def waiting(self):
        """Returns a scope whose time is spent waiting for input."""
        return _Timed(self, "_waited")

    def pause(self):
        """Returns a scope whose time is not training."""
        return _Timed(self, "_paused")

    def close(self):
        """Returns the means since the last call, and starts again."""
        means = {
            name: float(np.mean([float(m[name]) for m in self._metrics]))
            for name in self._metrics[0]
        }
        seconds = time.monotonic() - self._started - self._paused
        images = self.batch_size * len(self._metrics)
        means["images_per_second"] = images / seconds
        means["waiting_share"] = self._waited / seconds
        self._clear()
        return means

    def describe(self, scalars):
        """Keeps a few words for the progress bar."""
        self.words = summaries.describe(scalars)


class _Timed:
    """Adds the time spent inside to a field of the window."""

    def __init__(self, window, field):
        self.window = window
        self.field = field

    def __enter__(self):
        self.started = time.monotonic()

    def __exit__(self, kind, error, traceback):
        seconds = time.monotonic() - self.started
        before = getattr(self.window, self.field)
        setattr(self.window, self.field, before + seconds)
