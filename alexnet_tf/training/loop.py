"""Updates, with stops to look, to save and to obey; knows when, not how."""

import dataclasses

from absl import logging

from alexnet_tf.training import stored
from alexnet_tf.training.window import Window


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
        join_step: First step on the images that were held out until then.
    """

    total_steps: int
    eval_every_steps: int
    checkpoint_every_steps: int
    log_every_steps: int
    images_every_steps: int
    profile_steps: tuple[int, ...] = ()
    join_step: int | None = None


class Loop:
    """A run from its present step to its end, or to an interruption.

    Args:
        train_step: What `step.make_train_step` returned.
        batches: Yields batches, the first for `state.step`.
        state: A `checkpoint.TrainState`.
        intervals: An `Intervals`.
        rates: A `rates.Rates`.
        batch_size: Images per step.
        evaluate: Returns validation scores, a dict of floats.
        writer: A `summaries.SummaryWriter`.
        progress: Has `update(steps, facts)`.
        agreement: An `agreement.Agreement` on requests.
        apply_rates: Sets the rates of a step's groups.
        watch: A `watch.Watch`.
        draw: Writes pictures, given the step and the batch; or `None`.
        facts: Returns a dict of further scalars for each line of figures.
        divisor: Of the rate, when a hand drops it.
    """

    def __init__(
        self,
        train_step,
        batches,
        state,
        intervals,
        rates,
        *,
        batch_size,
        evaluate,
        writer,
        progress,
        agreement,
        apply_rates,
        watch,
        draw=None,
        facts=dict,
        divisor=10.0,
    ):
        self.train_step = train_step
        self.batches = batches
        self.state = state
        self.intervals = intervals
        self.rates = rates
        self.evaluate = evaluate
        self.writer = writer
        self.progress = progress
        self.agreement = agreement
        self.apply_rates = apply_rates
        self.watch = watch
        self.draw = draw
        self.facts = facts
        self.divisor = divisor
        self.window = Window(batch_size)
        self.scores = None
        self._applied = None
        self._stopped = False

    def run(self):
        """Trains until the last step, the schedule's end or a request.

        Returns:
            The last validation scores of this call, or `None` where there
            were none.

        Raises:
            KeyboardInterrupt: The run was interrupted, and has been saved.
            OSError: The last checkpoint could not be written.
            ValueError: The loss is no number any more.
        """
        state = self.state
        if state.evaluation_due:
            self._look()
            self._save_if_due()
        while not self._is_over():
            if self.agreement.interrupted(state.step):
                self._save_and_leave("interrupted")
            self._obey()
            if self._stopped:
                return self.scores
            self._step()
            if state.step % self.intervals.log_every_steps == 0:
                self._log()
            self._look()
            self._save_if_due()
        self._note_saved(wait=True)
        if state.schedule.finished:
            logging.info("The error has stopped improving at the last rate.")
        return self.scores

    def _is_over(self):
        """Returns whether no step is left."""
        return (
            self.state.step >= self.intervals.total_steps
            or self.state.schedule.finished
        )

    def _step(self):
        """Does one update."""
        state = self.state
        groups = self.rates.groups(state.step)
        if groups != self._applied:
            self.apply_rates(groups)
            rate = self.rates.base(state.step)
            if state.rate not in (None, rate):
                self.writer.event(
                    state.step, "rate", before=state.rate, after=rate
                )
            state.rate, self._applied = rate, groups
        self.writer.profile(state.step, self.intervals.profile_steps)
        with self.window.waiting():
            batch = next(self.batches)
        if self.draw and state.step % self.intervals.images_every_steps == 0:
            self.draw(state.step, batch)
        measured = (state.step + 1) % self.intervals.log_every_steps == 0
        self.window.add(self.train_step(batch, measured))
        state.step += 1
        # Behind the update: a run that resumes in front of it says it again.
        if state.step - 1 == self.intervals.join_step:
            self.writer.event(
                state.step, "held-out images join", first_step=state.step - 1
            )
        self.progress.update(1, self.window.words)

    def _log(self):
        """Writes the figures of the steps since the last line."""
        step = self.state.step
        scalars = {**self.window.close(), "learning_rate": self.state.rate}
        for group, rate in self._applied.items():
            scalars[f"rates/{group}"] = rate
        scalars.update(self.facts())
        stored.check_finite(step, scalars["loss"])
        self.writer.write("train", step, scalars)
        self.window.describe(scalars)
        self.watch.look(step, scalars)

    def _look(self):
        """Finds the validation errors, where it is time."""
        state, every = self.state, self.intervals.eval_every_steps
        self._is_best = False
        at_end = state.step >= self.intervals.total_steps
        if not (state.evaluation_due or at_end or state.step % every == 0):
            return
        state.evaluation_due = True
        with self.window.pause():
            try:
                scores = self.evaluate()
            except KeyboardInterrupt:
                self._save_and_leave("interrupted")
            state.evaluation_due = False
            self.scores = scores
            self.writer.write("validation", state.step, scores)
            self.writer.log("validation", state.step, scores)
            self._is_best = state.note(scores)

    def _save_if_due(self):
        """Begins a checkpoint, where it is time, and hears of the last."""
        step = self.state.step
        with self.window.pause():
            self._note_saved()
            if (
                self._is_best
                or self._is_over()
                or step % self.intervals.checkpoint_every_steps == 0
            ):
                self._note_saved(wait=True)
                self.state.save(wait=False)

    def _note_saved(self, wait=False):
        """Writes down that a checkpoint is on the disk.

        One that does not fit there is no reason to give up while training
        still goes on; at the end it is.
        """
        try:
            step = self.state.saved(wait)
        except OSError as error:
            if self._is_over() and wait:
                raise
            logging.warning(
                "A checkpoint could not be written (%s). Those before it are "
                "safe; the next one is tried in its turn.",
                error,
            )
            self.writer.event(self.state.step, "save failed", reason=str(error))
            return
        if step is not None:
            self.writer.event(step, "save")
            self.writer.flush()

    def _save_and_leave(self, what):
        """Saves, and ends the run.

        Raises:
            KeyboardInterrupt: Always.
        """
        self._note_saved(wait=True)
        self.state.save()
        self.writer.event(self.state.step, what)
        raise KeyboardInterrupt

    def _obey(self):
        """Does what hands ask for, and writes down that it was done."""
        step = self.state.step
        for name, request in self.agreement.requests(step):
            command = request["command"]
            facts = {"request": name}
            if command in ("drop", "set"):
                before = self.rates.base(step)
                after = request.get("rate")
                after = before / self.divisor if command == "drop" else after
                factor = after / self.rates.schedule.rate(step)
                self.rates.hand.set(step, factor)
                self.state.rate = after
                facts.update(before=before, after=after, factor=factor)
            else:
                self._note_saved(wait=True)
                self.state.save()
                self._stopped = command == "stop"
            self.writer.event(step, command, **facts)
            self.writer.flush()
            self.agreement.done(name)
            logging.info("Step %d: obeyed %s.", step, command)
