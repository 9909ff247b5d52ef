"""What happens before a program imports anything that must be installed."""

import importlib.util
import os
import pathlib
import signal
import sys

from alexnet_tf import quiet

_OLDEST = (3, 11)
# Of those that setup.py names: what every program would fail without.
_NEEDED = {
    "absl": "absl-py",
    "cv2": "opencv-python-headless",
    "keras": "keras",
    "ml_collections": "ml-collections",
    "numpy": "numpy",
    "tensorflow": "tensorflow",
    "tqdm": "tqdm",
}


def prepare():
    """Says how TensorFlow starts, with as few lines as it may.

    A variable that the user has set stays as it is.
    """
    # 2 keeps real errors; programs that a program starts inherit it.
    if os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2") == "2":
        quiet.hide_start_up_lines()


def require_packages():
    """Ends a program where what it needs is not installed."""
    if sys.version_info < _OLDEST:
        _end(f"Python {_OLDEST[0]}.{_OLDEST[1]} or later is needed")
    missing = [
        distribution
        for package, distribution in _NEEDED.items()
        if importlib.util.find_spec(package) is None
    ]
    if missing:
        _end(f"{', '.join(missing)} must be installed")


def end_when_interrupted():
    """Makes ctrl-C one line while a program imports what it needs."""
    # A second name for standard error, which is put aside now and then.
    errors = os.dup(2)

    def end(number, frame):
        os.write(errors, b"error: interrupted before anything was begun.\n")
        os._exit(1)

    signal.signal(signal.SIGINT, end)


def _end(words):
    """Ends the program with what must hold and how to bring it about."""
    root = pathlib.Path(__file__).resolve().parents[2]
    what = f"-e {root}" if (root / "setup.py").exists() else "alexnet-tf"
    version = ".".join(map(str, sys.version_info[:3]))
    sys.exit(
        f"error: {words}. Found: Python {version} at {sys.executable}. "
        f"Install with: python3 -m pip install {what}"
    )
