"""Who has the machine: the queue, or a benchmark that must be alone.

Two locks that the system frees when a process ends, however that comes. A
benchmark holds "wanted", then waits for "busy"; the queue shares "busy" while
its run is going on, and lets go of it while "wanted" is held.
"""

import contextlib
import os
import pathlib
import tempfile

from input_pipeline import files


@contextlib.contextmanager
def benchmark():
    """Has the machine alone: the queue stops, other benchmarks wait."""
    with _open("wanted") as wanted, _open("busy") as busy:
        files.take_lock(wanted)
        files.take_lock(busy)
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
        if not files.try_lock(self._wanted, shared=True):
            return True
        files.release_lock(self._wanted)
        return False

    def release(self):
        """Lets a benchmark begin."""
        files.release_lock(self._busy)

    def take(self):
        """Returns whether the queue may go on; asked again and again."""
        # "wanted" is held meanwhile, so that no benchmark comes in between.
        if not files.try_lock(self._wanted, shared=True):
            return False
        taken = files.try_lock(self._busy, shared=True)
        files.release_lock(self._wanted)
        return taken


def _open(what):
    """Opens one of the two files, which belong to the whole machine."""
    path = pathlib.Path(tempfile.gettempdir()) / f"alexnet_tf.{what}.lock"
    descriptor = os.open(path, os.O_RDONLY | os.O_CREAT, 0o666)
    return open(descriptor, encoding="utf-8")
