"""Keeps TensorFlow's start-up lines off the terminal.

`TF_CPP_MIN_LOG_LEVEL` hides most of them, but what TensorFlow's libraries
write while they are loaded comes before any setting is read.
"""

import contextlib
import os
import sys
import tempfile

from alexnet_tf import import_hooks


def hide_start_up_lines():
    """Silences the first import of TensorFlow, now or later."""
    import_hooks.around_import("tensorflow", _without_standard_error)


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
