"""A Dask scheduler and workers, processes of their own on loopback."""

import contextlib
import re
import subprocess
import sys

import programs

_SCHEDULER = """
from distributed.cli import dask_scheduler
dask_scheduler.main()
"""
_WORKER = _SCHEDULER.replace("scheduler", "worker")


@contextlib.contextmanager
def started(num_workers=2):
    """Gives the scheduler's address and the processes of the workers."""
    with contextlib.ExitStack() as stack:
        scheduler = stack.enter_context(
            _process(_SCHEDULER, "--host=127.0.0.1", "--port=0")
        )
        address = _wait_for(r"Scheduler at: *(tcp://\S+)", scheduler)
        workers = [
            stack.enter_context(
                _process(
                    _WORKER,
                    address,
                    "--nthreads=1",
                    "--no-nanny",
                    "--no-dashboard",
                )  # fmt: skip
            )
            for _ in range(num_workers)
        ]
        for worker in workers:
            _wait_for(r"Registered to: *(tcp://\S+)", worker)
        yield address, workers


@contextlib.contextmanager
def _process(code, *arguments):
    if "scheduler" in code:
        arguments += ("--no-dashboard",)
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        cwd=programs.ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def _wait_for(pattern, process):
    """Returns what a process says, and lets it say more unheard."""
    lines = []
    for line in process.stderr:
        lines.append(line)
        found = re.search(pattern, line)
        if found:
            _drain(process.stderr)
            return found[1]
    raise AssertionError("".join(lines))


def _drain(stream):
    """Reads on, so that the process never waits for a reader."""
    import threading

    threading.Thread(
        target=lambda: contextlib.suppress(ValueError) and list(stream),
        daemon=True,
    ).start()
