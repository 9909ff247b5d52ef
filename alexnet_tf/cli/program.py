"""How every program starts and ends: flags, one-line errors, exit status.

Exit status: 0 on success, 1 with one line on standard error where the user can
mend what went wrong, 2 for wrong usage. Anything else is a fault of ours and
shows its traceback; `--verbosity=1` shows the traceback of the others too.
"""

import errno
import logging as python_logging
import os
import re
import signal
import sys

from absl import app, flags, logging

# What absl and the config files raise for flags that do not fit.
_WRONG_FLAGS = (
    flags.Error,
    AttributeError,
    KeyError,
    TypeError,
    ValueError,
    FileNotFoundError,
)
_FREE_SPACE = ". Free some space and run the same command again."
_HELP = {"-h", "-help", "--help", "-helpshort", "--helpshort"}


def run(main):
    """Runs `main(argv)` as the program and ends the process."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    flags.FLAGS.set_default("verbosity", logging.INFO)
    logging.use_absl_handler()
    logging.get_absl_handler().setFormatter(_Formatter())
    app.run(lambda argv: _guard(main, argv), flags_parser=_parse_flags)


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


def _guard(main, argv):
    """Turns what the user can mend into one line and exit status 1."""
    if len(argv) > 1 and not getattr(main, "takes_arguments", False):
        raise app.UsageError(
            f"Flags only; did not expect {argv[1:]}.", exitcode=2
        )
    try:
        return main(argv)
    except app.UsageError as error:
        raise app.UsageError(str(error), exitcode=2) from None
    except BaseException as error:
        if not _is_user_error(error):
            raise
        logging.debug("The traceback of the error:", exc_info=True)
        print(f"error: {describe(error)}", file=sys.stderr, flush=True)
        sys.exit(1)


def _is_user_error(error):
    """Says whether an error speaks of the user's input or machine."""
    expected = (KeyboardInterrupt, OSError, ValueError)
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is not None and hasattr(tensorflow, "errors"):
        expected += (tensorflow.errors.OpError,)
    return isinstance(error, expected)


def _parse_flags(argv):
    """Parses flags; `--help` ends with status 0, a wrong flag with 2."""
    if _HELP.intersection(argv[1:]):
        app.usage(writeto_stdout=True)
        sys.exit(0)
    try:
        return flags.FLAGS(argv)
    except _WRONG_FLAGS as error:
        words = " ".join(str(error).split())
        print(f"error: {words} (--help explains every flag)", file=sys.stderr)
        sys.exit(2)


class _Formatter(python_logging.Formatter):
    """Plain messages; a word in front of warnings and worse."""

    def format(self, record):
        """Returns the line to print for `record`."""
        line = super().format(record)
        if record.levelno >= python_logging.WARNING:
            return f"{record.levelname.lower()}: {line}"
        return line
