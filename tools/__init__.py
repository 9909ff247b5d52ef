"""Programs: parse flags, call the library, print.

This file runs before any program imports TensorFlow, so it is the place to
say how TensorFlow starts. A variable that the user has set stays as it is.
"""

import os
import signal
import sys

from alexnet_tf.cli import quiet

# Programs that a program starts inherit the level, and keep quiet too.
if os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3") == "3":
    quiet.hide_start_up_lines()


# Python has put "-m" there until it knows the file of `python -m tools.NAME`.
if sys.argv[0] == "-m":
    # A second name for standard error, which is put aside now and then.
    _errors = os.dup(2)

    def _stop_while_starting(number, frame):
        """Ends a program that is still importing what it needs."""
        os.write(_errors, b"error: interrupted before anything was begun.\n")
        os._exit(1)

    signal.signal(signal.SIGINT, _stop_while_starting)
