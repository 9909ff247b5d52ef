"""How every program starts and ends: flags, one-line errors, exit status.

Exit status: 0 on success, 1 with one line on standard error where the user can
mend what went wrong, 75 after an interruption, from which the same command
goes on, 2 for wrong usage. Anything else is a fault of ours and shows its
traceback; `--verbosity=1` shows the traceback of the others too.
"""

import errno
import faulthandler
import inspect
import logging as python_logging
import os
import re
import signal
import sys

from absl import app, logging
from absl import flags as absl_flags

from alexnet_tf.cli import progress
from alexnet_tf.cli.flags import Flags

__all__ = ["Flags", "call", "describe", "run"]

# What absl and the config files raise for flags that do not fit.
_WRONG_FLAGS = (
    absl_flags.Error,
    AttributeError,
    KeyError,
    TypeError,
    ValueError,
    FileNotFoundError,
)
# EX_TEMPFAIL of sysexits.h: try again.
INTERRUPTED = 75
_FREE_SPACE = ". Free some space and run the same command again."
_HELP = {"-h", "-help", "--help", "-helpshort", "--helpshort"}


def run(main, flags):
    """Runs `main(argv)` as the program and ends the process.

    Args:
        main: A function of the program's name and what is no flag. It takes
            arguments where its attribute `takes_arguments` is true.
        flags: The program's `Flags`.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    faulthandler.enable()
    sys.exit(call(main, flags, sys.argv))


def call(main, flags, argv):
    """Runs `main(argv)` within this process, as a test does.

    Args:
        main: As of `run`.
        flags: As of `run`.
        argv: The program's name, flags and arguments. The fields of a config
            are taken from `sys.argv`, which must be the same.

    Returns:
        The exit status.
    """
    absl_flags.FLAGS.set_default("verbosity", logging.INFO)
    logging.use_absl_handler()
    handler = logging.get_absl_handler()
    handler.python_handler.stream = progress.Lines()
    handler.setFormatter(_Formatter())
    if _HELP.intersection(argv[1:]):
        return _print_help(sys.modules[main.__module__], flags)
    try:
        argv = flags.parse(argv)
    except _WRONG_FLAGS as error:
        return _refuse(error)
    try:
        return _guard(main, argv)
    except SystemExit as end:
        return end.code


def describe(error):
    """Returns one line that says what went wrong and how to mend it.

    Args:
        error: A `KeyboardInterrupt`, `OSError`, `ValueError` or an error of
            TensorFlow's.
    """
    if isinstance(error, KeyboardInterrupt):
        return "interrupted. The same command goes on from what is finished."
    words = " ".join(_without_machinery(str(error)).split())
    if words.endswith(os.strerror(errno.ENOSPC)):
        words += _FREE_SPACE
    if isinstance(error, OSError) and error.strerror:
        names = [n for n in (error.filename, error.filename2) if n]
        words = ": ".join([*map(str, names), error.strerror])
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            words += _FREE_SPACE
        elif error.errno == errno.EACCES:
            words += ". Choose a place that you may read and write."
    return words or type(error).__name__


def _without_machinery(text):
    """Returns TensorFlow's message without the names of its operations.

    An error of ours that has passed through an input pipeline comes out with
    our own words, less the traceback that TensorFlow adds.
    """
    ours = re.search(r"(?:\w+Error): (.*?)\s*Traceback", text, re.S)
    if ours:
        return ours.group(1)
    return re.sub(r"\{\{.*?\}\}|\[(Op:|\[).*", "", text, flags=re.S)


def _print_help(module, flags):
    """Prints what a program does and its flags; returns the exit status."""
    try:
        print(f"{inspect.getdoc(module)}\n\n{flags.describe()}", flush=True)
    except BrokenPipeError:
        # Of --help | head; Python would complain once more at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _guard(main, argv):
    """Turns what the user can mend into one line and exit status 1."""
    try:
        if len(argv) > 1 and not getattr(main, "takes_arguments", False):
            raise app.UsageError(f"Flags only; did not expect {argv[1:]}.")
        return main(argv) or 0
    except app.UsageError as error:
        return _refuse(error)
    except BaseException as error:
        if not _is_user_error(error):
            raise
        logging.debug("The traceback of the error:", exc_info=True)
        print(f"error: {describe(error)}", file=sys.stderr, flush=True)
        return INTERRUPTED if isinstance(error, KeyboardInterrupt) else 1


def _refuse(error):
    """Says what is wrong with the command line; returns the exit status."""
    words = " ".join(str(error).split())
    # An error of the config's has its own words.
    words = re.sub(r"^flag --config=\S*: (?=-*config)", "", words)
    missing = re.fullmatch(r"flag --(\w+)=None: .* other than None\.", words)
    if missing:
        words = f"--{missing.group(1)} must be given."
    print(f"error: {words} (--help explains every flag)", file=sys.stderr)
    return 2


def _is_user_error(error):
    """Says whether an error speaks of the user's input or machine."""
    expected = (KeyboardInterrupt, OSError, ValueError)
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is not None and hasattr(tensorflow, "errors"):
        expected += (tensorflow.errors.OpError,)
    return isinstance(error, expected)


class _Formatter(python_logging.Formatter):
    """Plain messages; a word in front of warnings and worse."""

    def format(self, record):
        """Returns the line to print for `record`."""
        line = super().format(record)
        if record.levelno >= python_logging.WARNING:
            return f"{record.levelname.lower()}: {line}"
        return line
