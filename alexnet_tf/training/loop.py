"""The loop of §5: updates, and between them reports, scores, checkpoints."""

from absl import logging

from alexnet_tf.training import learning_rates

# Share by which a rate must change to be an event.
_EVENT = 0.1


def run(state, intervals, requests, updater, reporter, evaluator, saver):
    """Trains until the last step, the schedule's end or a request to stop.

    Args:
        state: A `state.TrainState`; training goes on from its step.
        intervals: When things happen, in steps: an `experiment.steps.Intervals`
            or alike.
        requests: A `requests.RequestHandler`.
        updater: An `Updater`.
        reporter: A `reports.Reporter`.
        evaluator: An `Evaluator`.
        saver: A `Saver`.

    Raises:
        KeyboardInterrupt: The run was interrupted, and has been saved.
        OSError: The last checkpoint could not be written.
        ValueError: The loss is no number any more.
    """
    if state.evaluation_pending:
        evaluator.evaluate_if_due()
        saver.save_if_due()
    while not intervals.are_over(state):
        if requests.handle():
            return
        batch = updater.next_batch()
        reporter.begin_step(batch)
        updater.update(batch)
        reporter.report()
        evaluator.evaluate_if_due()
        saver.save_if_due()
    saver.finish()
    if state.schedule.finished:
        logging.info("The error has stopped improving at the last rate.")


class Updater:
    """Takes batches, sets the rates and updates the weights.

    Args:
        state: A `state.TrainState`.
        train_step: What `step.make_train_step` returned.
        batches: Yields batches, the first for `state.step`.
        rates: A `learning_rates.Rates`.
        window: A `metrics.Window`.
        writer: A `summaries.SummaryWriter`.
        intervals: See `run`; gradient norms are measured where figures are
            written.
    """

    def __init__(
        self,
        state,
        train_step,
        batches,
        rates,
        *,
        window,
        writer,
        intervals,
    ):
        self.state = state
        self.train_step = train_step
        self.batches = iter(batches)
        self.rates = rates
        self.window = window
        self.writer = writer
        self.intervals = intervals
        self._applied = None

    def next_batch(self):
        """Returns the batch of the present step."""
        with self.window.waiting():
            return next(self.batches)

    def update(self, batch):
        """Does one update."""
        self._apply_rates()
        state = self.state
        measured = (state.step + 1) % self.intervals.log_every_steps == 0
        self.window.add(self.train_step(batch, measured))
        state.step += 1
        # After the update: a run that resumes before it records it again.
        if state.step - 1 == self.intervals.join_step:
            self.writer.event(
                state.step, "held-out images join", first_step=state.step - 1
            )

    def _apply_rates(self):
        """Sets the rates of all variables, where they have changed."""
        state = self.state
        self.rates.begin_step(state.step)
        groups = self.rates.groups(state.step)
        if groups == self._applied:
            return
        rate = self.rates.base(state.step)
        state.optimizer.set_rates(
            rate,
            learning_rates.per_variable(
                state.model, groups, self.rates.factors
            ),
        )
        # Some schedules move at every step, which is no event.
        if state.rate and abs(rate / state.rate - 1) > _EVENT:
            self.writer.event(state.step, "rate", before=state.rate, after=rate)
        state.rate, self._applied = rate, groups


class Evaluator:
    """Computes the validation errors when they are due.

    Args:
        state: A `state.TrainState`, whose schedule hears of the errors.
        intervals: See `run`.
        compute_scores: Returns validation scores, a dict of floats.
        saver: A `Saver`.
        window: A `metrics.Window`.
        writer: A `summaries.SummaryWriter`.

    Attributes:
        scores: The last ones of this process, or `None`.
        step: That they were computed at.
    """

    def __init__(
        self, state, intervals, compute_scores, *, saver, window, writer
    ):
        self.state = state
        self.intervals = intervals
        self.compute_scores = compute_scores
        self.saver = saver
        self.window = window
        self.writer = writer
        self.scores = self.step = None

    def final_scores(self):
        """Returns the scores of the present step."""
        if self.step == self.state.step:
            return self.scores
        return self.compute_scores()

    def evaluate_if_due(self):
        """Computes scores at every interval, at the end, and when pending.

        Raises:
            KeyboardInterrupt: The run was interrupted, and has been saved.
        """
        state = self.state
        at_end = state.step >= self.intervals.total_steps
        is_turn = state.step % self.intervals.eval_every_steps == 0
        if not (state.evaluation_pending or at_end or is_turn):
            return
        state.evaluation_pending = True
        with self.window.pause():
            try:
                scores = self.compute_scores()
            except KeyboardInterrupt:
                self.saver.save_and_leave("interrupted")
            state.evaluation_pending = False
            self.scores, self.step = scores, state.step
            self.writer.write("validation", state.step, scores)
            self.writer.log("validation", state.step, scores)
            if state.record_scores(scores):
                self.saver.request()


class Saver:
    """Writes checkpoints while training goes on.

    Args:
        state: A `state.TrainState`.
        intervals: See `run`.
        window: A `metrics.Window`.
        writer: A `summaries.SummaryWriter`.
    """

    def __init__(self, state, intervals, *, window, writer):
        self.state = state
        self.intervals = intervals
        self.window = window
        self.writer = writer
        self._requested = False

    def request(self):
        """Makes the present step one that is saved."""
        self._requested = True

    def save_if_due(self):
        """Begins a checkpoint where one is due; records the one before."""
        every = self.intervals.checkpoint_every_steps
        is_due = (
            self._requested
            or self.intervals.are_over(self.state)
            or self.state.step % every == 0
        )
        self._requested = False
        with self.window.pause():
            self._record_written(wait=is_due)
            if is_due:
                self.state.save(wait=False)

    def save(self):
        """Writes a checkpoint of the present step, and waits for it."""
        self._record_written(wait=True)
        self.state.save()

    def save_and_leave(self, event):
        """Saves, and ends the run.

        Args:
            event: Why, for events.jsonl.

        Raises:
            KeyboardInterrupt: Always.
        """
        self.save()
        self.writer.event(self.state.step, event)
        raise KeyboardInterrupt

    def finish(self):
        """Waits for the last checkpoint.

        Raises:
            OSError: It could not be written.
        """
        self._record_written(wait=True)

    def _record_written(self, wait):
        """Records in events.jsonl that a checkpoint is on the disk.

        One that does not fit there is no reason to give up while training
        still goes on; at the end it is.
        """
        try:
            step = self.state.poll_save(wait)
        except OSError as error:
            if self.intervals.are_over(self.state) and wait:
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
