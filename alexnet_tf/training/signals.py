"""Ctrl-C and SIGTERM: finish the step, save, then stop."""

import os
import signal
import threading


class Interruption:
    """Records a signal to stop instead of breaking off the present step.

        with Interruption() as interruption:
            for batch in batches:
                if interruption.requested:
                    break

    A second ctrl-C breaks off at once. Outside of the main thread, where
    Python takes no signals, `requested` stays false.

    Attributes:
        requested: Whether to stop.
    """

    _SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self):
        self.requested = False
        self._before = {}

    def __enter__(self):
        if threading.current_thread() is threading.main_thread():
            for number in self._SIGNALS:
                self._before[number] = signal.signal(number, self._record)
        return self

    def __exit__(self, kind, error, traceback):
        self._restore()

    def _record(self, number, frame):
        """Records the first signal; the second one acts as it always does."""
        self.requested = True
        os.write(2, b"\nStopping after this step. Again: stops at once.\n")
        self._restore()

    def _restore(self):
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}
