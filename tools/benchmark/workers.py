"""Fair timing: competitors in processes of their own, taking turns.

Each competitor is made and warmed up once, in its own process, so that none
inherits another's settings or memory. Then they work in rounds, A B C A B C,
one at a time; a machine that slows down slows all of them. What is reported
is the median over the rounds.
"""

import contextlib
import importlib
import os
import signal
import statistics
import subprocess
import sys
import time


def compete(competitors, rounds, progress=None):
    """Returns the speed of every competitor.

    Args:
        competitors: Dicts with "name", "function" (`module:function`, which
            returns a callable that does some work and returns how many images
            it did), "arguments" (strings) and perhaps "environment" and
            "python" (an interpreter; this one without).
        rounds: How often each takes its turn.
        progress: Has `update()`, or `None`.

    Returns:
        A list of dicts: "name", "images_per_second" (median), "rounds" (all
        of them), "ratio" (to the first competitor, median of the rounds').
    """
    workers = []
    try:
        # One after another: they would slow each other's start down.
        for competitor in competitors:
            workers.append(_Worker(competitor))
            workers[-1].wait_until_warm()
        speeds = [[] for _ in workers]
        for _ in range(rounds):
            for worker, found in zip(workers, speeds, strict=True):
                found.append(worker.measure())
                if progress is not None:
                    progress.update()
    finally:
        for worker in workers:
            worker.close()
    return [
        {
            "name": worker.name,
            "images_per_second": round(statistics.median(found), 2),
            "rounds": [round(speed, 2) for speed in found],
            "ratio": round(
                statistics.median(
                    a / b for a, b in zip(found, speeds[0], strict=True)
                ),
                3,
            ),
        }
        for worker, found in zip(workers, speeds, strict=True)
    ]


class _Worker:
    """A competitor's process, spoken to by lines."""

    def __init__(self, competitor):
        self.name = competitor["name"]
        self.process = subprocess.Popen(
            [
                competitor.get("python", sys.executable),
                "-c",
                f"from {__package__} import workers; workers.serve()",
                competitor["function"],
                *competitor["arguments"],
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **competitor.get("environment", {})},
        )

    def wait_until_warm(self):
        """Waits for the first, uncounted turn."""
        self._read()

    def measure(self):
        """Lets the worker take a turn; returns its images per second."""
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        return float(self._read())

    def _read(self):
        line = self.process.stdout.readline()
        if not line:
            raise ValueError(
                f"The competitor {self.name} must answer, and has ended "
                f"with status {self.process.wait()}. Is what it needs "
                "installed? Its own words stand above."
            )
        return line

    def close(self):
        """Ends the process."""
        self.process.terminate()
        self.process.wait()
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()


def serve():
    """Takes turns until standard input ends; the arguments say at what."""
    function, *arguments = sys.argv[1:]
    # Ctrl-C is the parent's to answer; it ends us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Whatever a library prints goes elsewhere than our answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    module, name = function.split(":")
    turn = getattr(importlib.import_module(module), name)(*arguments)
    turn()
    print("warm", file=answers, flush=True)
    for _ in sys.stdin:
        started = time.perf_counter()
        images = turn()
        seconds = time.perf_counter() - started
        if isinstance(images, tuple):
            images, seconds = images
        print(images / seconds, file=answers, flush=True)
