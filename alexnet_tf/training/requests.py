"""What a person or the system tells a running job, carried out."""

from absl import logging


class RequestHandler:
    """Carries out requests and interruptions between two steps.

    Args:
        state: A `state.TrainState`.
        source: Where they come from: a `coordination.LocalRequests` or
            `coordination.BroadcastRequests`.
        rates: A `learning_rates.Rates`.
        saver: A `loop.Saver`.
        writer: A `summaries.SummaryWriter`.
        divisor: Of the rate, for "drop". Paper: 10.
    """

    def __init__(self, state, source, rates, saver, writer, divisor=10.0):
        self.state = state
        self.source = source
        self.rates = rates
        self.saver = saver
        self.writer = writer
        self.divisor = divisor
        # A job may die after the event and before the request is removed.
        self._handled = writer.handled_requests()

    def handle(self):
        """Does what is requested at the present step.

        Returns:
            Whether the run is to end here.

        Raises:
            KeyboardInterrupt: It was interrupted, and has been saved.
        """
        step, stopped = self.state.step, False
        if self.source.interrupted(step):
            self.saver.save_and_leave("interrupted")
        for name, request in self.source.requests(step):
            if name in self._handled:
                self.source.done(name)
                continue
            command = request["command"]
            facts = {"request": name}
            if command in ("drop", "set"):
                facts.update(self._change_rate(command, request.get("rate")))
            else:
                self.saver.save()
                stopped = stopped or command == "stop"
            self.writer.event(step, command, **facts)
            self.writer.flush()
            self.source.done(name)
            logging.info("Step %d: %s, as requested.", step, command)
        return stopped

    def _change_rate(self, command, rate):
        """Changes the rate from the present step on; returns the facts."""
        step = self.state.step
        before = self.rates.base(step)
        after = before / self.divisor if command == "drop" else rate
        factor = after / self.rates.schedule.rate(step)
        self.rates.manual.set(step, factor)
        self.state.rate = after
        return {"before": before, "after": after, "factor": factor}
