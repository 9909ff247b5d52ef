"""Keeps TensorFlow's start-up lines off the terminal.

`TF_CPP_MIN_LOG_LEVEL` hides most of them, but what TensorFlow's libraries
write while they are loaded comes before any setting is read.
"""

import contextlib
import importlib.abc
import importlib.util
import os
import sys
import tempfile


def hide_start_up_lines():
    """Silences the first import of TensorFlow, now or later."""
    if "tensorflow" not in sys.modules:
        sys.meta_path.insert(0, _Finder())


class _Finder(importlib.abc.MetaPathFinder):
    """Finds TensorFlow once, and loads it with standard error put aside."""

    def find_spec(self, name, path=None, target=None):
        """Returns the ordinary specification with a quiet loader."""
        if name != "tensorflow":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None:
            load = spec.loader.exec_module

            def load_quietly(module):
                with _without_standard_error():
                    load(module)

            spec.loader.exec_module = load_quietly
        return spec


@contextlib.contextmanager
def _without_standard_error():
    """Holds back what is written to file descriptor 2; shows it on errors."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(kept, 2)
            held.seek(0)
            os.write(2, held.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
