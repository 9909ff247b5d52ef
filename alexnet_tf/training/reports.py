"""What people see of a run while it trains."""

import tensorflow as tf

from alexnet_tf.training import checkpoint


class Reporter:
    """Reports the figures of the steps: bar, console, TensorBoard, pictures.

    Args:
        state: A `state.TrainState`.
        intervals: When things happen, in steps; see `loop.run`.
        rates: A `learning_rates.Rates`.
        window: A `metrics.Window`.
        writer: A `summaries.SummaryWriter`.
        progress: Has `update(steps, facts)`.
        diagnostics: A `diagnostics.Diagnostics`.
        make_pictures: Returns a dict of uint8 `(n, rows, columns, 3)` by name,
            given the first replica's part of a batch; or `None`.
        extra_scalars: Returns a dict of further scalars.
    """

    def __init__(
        self,
        state,
        intervals,
        rates,
        *,
        window,
        writer,
        progress,
        diagnostics,
        make_pictures=None,
        extra_scalars=dict,
    ):
        self.state = state
        self.intervals = intervals
        self.rates = rates
        self.window = window
        self.writer = writer
        self.progress = progress
        self.diagnostics = diagnostics
        self.make_pictures = make_pictures
        self.extra_scalars = extra_scalars

    def begin_step(self, batch):
        """Starts or ends the profiler, and writes pictures where due.

        Args:
            batch: That of the coming update, of all replicas.
        """
        step = self.state.step
        self.writer.profile(step, self.intervals.profile_steps)
        if self.make_pictures and step % self.intervals.images_every_steps == 0:
            first = tf.nest.map_structure(_of_first_replica, batch)
            for name, picture in self.make_pictures(first).items():
                self.writer.images(step, name, picture)

    def report(self):
        """Moves the bar; writes the figures of the last steps where due.

        Raises:
            ValueError: The loss is no number any more.
        """
        step = self.state.step
        if step % self.intervals.log_every_steps == 0:
            scalars = {
                **self.window.close(),
                **self._rates(),
                **self.extra_scalars(),
            }
            checkpoint.check_finite(step, scalars["loss"])
            self.writer.write("train", step, scalars)
            self.window.describe(scalars, self.writer.num_classes)
            self.diagnostics.check(step, scalars)
        self.progress.update(1, self.window.summary)

    def _rates(self):
        """Returns the rates of the last update as scalars."""
        groups = self.rates.groups(self.state.step - 1)
        by_group = {f"rates/{name}": rate for name, rate in groups.items()}
        return {"learning_rate": self.state.rate, **by_group}


def _of_first_replica(value):
    """Returns a tensor, or the first of those of several replicas."""
    if isinstance(value, tf.distribute.DistributedValues):
        return value.values[0]
    return value
