"""One program of the queue: run, paused for benchmarks, never orphaned."""

import contextlib
import ctypes
import functools
import os
import signal
import subprocess
import time

LOWEST_PRIORITY = 19
_POLL_SECONDS = 0.5
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_PR_SET_PDEATHSIG = 1


class Process:
    """A program that ends with the queue, whatever ends the queue.

    Args:
        command: The words of the command.
        folder: Where it runs.
        log: File that what it prints is added to.
        turn: A `turns.Turn`.
        niceness: 0 to 19, the lowest priority.
    """

    def __init__(self, command, folder, log, turn, niceness=LOWEST_PRIORITY):
        self.command = command
        self.folder = folder
        self.log = log
        self.turn = turn
        self.niceness = niceness
        self.seconds = 0.0
        self.cpu_seconds = 0.0
        self._child = None
        self._stopping = False

    def run(self, on_tick):
        """Runs the program to its end.

        Args:
            on_tick: Called now and then, when `seconds` and `cpu_seconds`
                have grown. Pauses do not count.

        Returns:
            Its exit status, negative for a signal.
        """
        while not self.turn.take():
            if self._stopping:
                return -signal.SIGTERM
            time.sleep(_POLL_SECONDS)
        with open(self.log, "ab") as log:
            self._child = subprocess.Popen(
                self.command,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=functools.partial(_prepare, self.niceness),
            )
        before = time.monotonic()
        try:
            while True:
                try:
                    status = self._child.wait(_POLL_SECONDS)
                except subprocess.TimeoutExpired:
                    status = None
                now = time.monotonic()
                self.seconds += now - before
                self.cpu_seconds = _cpu_seconds(
                    self._child.pid, self.cpu_seconds
                )
                on_tick()
                if status is not None:
                    return status
                self._give_way()
                before = time.monotonic()
        finally:
            self.turn.release()
            if self._child.poll() is None:
                self._child.kill()
                self._child.wait()

    def stop(self):
        """Asks the program to save and to end."""
        self._stopping = True
        if self._child is not None and self._child.poll() is None:
            self._child.send_signal(signal.SIGCONT)
            self._child.terminate()

    def _give_way(self):
        """Halts the program for as long as a benchmark wants the machine."""
        if self._stopping or not self.turn.is_wanted():
            return
        self._child.send_signal(signal.SIGSTOP)
        self.turn.release()
        while not self._stopping and not self.turn.take():
            time.sleep(_POLL_SECONDS)
        self._child.send_signal(signal.SIGCONT)


def _prepare(niceness):
    """Has the kernel end this process with the queue, and put it last."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    os.nice(niceness)
    # Where Linux groups processes by session, niceness counts within the
    # session only; the group has one of its own.
    with (
        contextlib.suppress(OSError),
        open("/proc/self/autogroup", "w", encoding="ascii") as file,
    ):
        file.write(str(niceness))


def _cpu_seconds(pid, before):
    """Returns the processor time of a process; as before, if it is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
    except (OSError, ValueError):
        return before
    # Fields 14 and 15 of proc(5), counted from behind the name.
    return max(before, (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND)
