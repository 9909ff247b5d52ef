"""Clones of the checkout, so that a run's code stays while others work."""

import os
import pathlib
import subprocess

from absl import logging


def make(checkout, revision, folder):
    """Returns the clone of a revision, made where it is not there yet.

    Args:
        checkout: Root of a git checkout.
        revision: As git understands it, such as "HEAD".
        folder: Where clones are, each under its revision.

    Raises:
        ValueError: The checkout is none, or has no such revision.
    """
    name = _git(checkout, "rev-parse", "--short=12", f"{revision}^{{commit}}")
    if _git(checkout, "status", "--porcelain", "--untracked-files=no"):
        logging.warning("Changes that are not committed are not run.")
    clone = pathlib.Path(folder) / name
    if not clone.exists():
        clone.parent.mkdir(parents=True, exist_ok=True)
        unfinished = clone.with_name(f".{name}.{os.getpid()}")
        _git(checkout, "clone", "--quiet", "--no-checkout", ".", unfinished)
        _git(unfinished, "checkout", "--quiet", "--detach", name)
        unfinished.replace(clone)
    return clone


def _git(folder, *words):
    """Returns what git says in a folder."""
    done = subprocess.run(
        ["git", *map(str, words)], cwd=folder, capture_output=True, text=True
    )
    if done.returncode:
        raise ValueError(
            "The queue must be started from a git checkout that has the "
            f"revision. Git says: {done.stderr.strip()}"
        )
    return done.stdout.strip()
