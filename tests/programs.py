"""Runs our programs as a user does, in a process of their own."""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).parent.parent


def run_python(*arguments):
    """Runs Python with arguments; returns the finished process."""
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=180,
    )


def run(name, *arguments, status=0):
    """Runs `tools.NAME`, which must end with the given exit status."""
    done = run_python("-m", f"tools.{name}", *arguments)
    assert done.returncode == status, done.stderr
    return done
