"""Runs our programs, within this process or as a user does."""

import contextlib
import importlib
import io
import pathlib
import signal
import subprocess
import sys
from unittest import mock

from alexnet_tf.cli import program

ROOT = pathlib.Path(__file__).parent.parent


def run_python(*arguments, cwd=ROOT):
    """Runs Python with arguments; returns the finished process."""
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=180,
    )


def run(name, *arguments, status=0):
    """Runs a program within this process, where TensorFlow is loaded already.

    Args:
        name: Such as "train".
        arguments: Its flags and what is none.
        status: The exit status that it must end with.

    Returns:
        A `subprocess.CompletedProcess`, as if it had been one.
    """
    module = importlib.import_module(f"tools.{name}")
    if hasattr(module, "__path__"):
        module = importlib.import_module(f"tools.{name}.__main__")
    argv = [f"tools/{name}.py", *map(str, arguments)]
    out, err = io.StringIO(), io.StringIO()
    handler = signal.getsignal(signal.SIGINT)
    with (
        mock.patch("sys.argv", argv),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        found = program.call(module.main, module.flags, argv)
    signal.signal(signal.SIGINT, handler)
    assert found == status, err.getvalue()
    return subprocess.CompletedProcess(
        argv, found, out.getvalue(), err.getvalue()
    )


def run_process(name, *arguments, status=0):
    """Runs `python -m tools.NAME`, where a process is the point."""
    done = run_python("-m", f"tools.{name}", *arguments)
    assert done.returncode == status, done.stderr
    return done
