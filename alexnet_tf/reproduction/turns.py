"""Who has the machine: the queue, or a benchmark that must be alone.

Two locks that the system frees when a process ends, however that comes. A
benchmark holds "wanted", then waits for "busy"; the queue shares "busy" while
its run is going on, and lets go of it while "wanted" is held.
"""

import contextlib
import fcntl
import os
import pathlib
import tempfile


@contextlib.contextmanager
def benchmark():
    """Has the machine alone: the queue stops, other benchmarks wait."""
    with _open("wanted") as wanted, _open("busy") as busy:
        fcntl.flock(wanted, fcntl.LOCK_EX)
        fcntl.flock(busy, fcntl.LOCK_EX)
        yield


class Turn:
    """The queue's share of the machine.

    with Turn() as turn:
        if turn.is_wanted(): ...stop the run...; turn.release()
    """

    def __enter__(self):
        self._stack = contextlib.ExitStack()
        self._wanted = self._stack.enter_context(_open("wanted"))
        self._busy = self._stack.enter_context(_open("busy"))
        return self

    def __exit__(self, kind, error, traceback):
        self._stack.close()

    def is_wanted(self):
        """Returns whether a benchmark has or wants the machine."""
        if not _try(self._wanted, fcntl.LOCK_SH):
            return True
        fcntl.flock(self._wanted, fcntl.LOCK_UN)
        return False

    def release(self):
        """Lets a benchmark begin."""
        fcntl.flock(self._busy, fcntl.LOCK_UN)

    def take(self):
        """Returns whether the queue may go on; asked again and again."""
        # "wanted" is held meanwhile, so that no benchmark comes in between.
        if not _try(self._wanted, fcntl.LOCK_SH):
            return False
        taken = _try(self._busy, fcntl.LOCK_SH)
        fcntl.flock(self._wanted, fcntl.LOCK_UN)
        return taken


def _try(file, kind):
    """Returns whether a lock was free."""
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _open(what):
    """Opens one of the two files, which belong to the whole machine."""
    path = pathlib.Path(tempfile.gettempdir()) / f"alexnet_tf.{what}.lock"
    descriptor = os.open(path, os.O_RDONLY | os.O_CREAT, 0o666)
    return open(descriptor, encoding="utf-8")
