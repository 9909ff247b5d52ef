"""Numbered versions of an exported model in one folder."""

import contextlib
import os
import pathlib
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from input_pipeline import files


@contextlib.contextmanager
def new_version(
    directory: str | os.PathLike[str],
) -> Iterator[tuple[pathlib.Path, pathlib.Path]]:
    """A scope that writes the next version of a folder, all or nothing.

    Args:
        directory: Folder of the versions, made if it is not there.

    Yields:
        Two paths: the one to write to, where nothing stands yet, and the one
        that it gets at the end of the scope, `directory/1` or one more than
        the last. After an error neither is there.
    """
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    versions = [int(p.name) for p in directory.glob("*") if p.name.isdigit()]
    final = directory / str(max(versions, default=0) + 1)
    with files.unfinished(final) as unfinished:
        yield unfinished, final


def load(directory: str | os.PathLike[str]) -> Any:
    """Loads an exported version.

    Args:
        directory: What `export` returned, or its parent for the newest.

    Raises:
        FileNotFoundError: There is no SavedModel.
    """
    return tf.saved_model.load(str(find_version(directory)))


def find_version(directory: str | os.PathLike[str]) -> pathlib.Path:
    """Returns the newest version in a folder, or the folder if it is one.

    Raises:
        FileNotFoundError: There is none.
    """
    directory = pathlib.Path(directory)
    if _is_version(directory):
        return directory
    versions = [
        path
        for path in directory.glob("*")
        if path.name.isdigit() and _is_version(path)
    ]
    if not versions:
        raise FileNotFoundError(
            f"{directory} holds no exported model. Make one with: "
            "python -m tools.export --help"
        )
    return max(versions, key=lambda path: int(path.name))


def _is_version(directory):
    """Returns whether a folder is an exported model."""
    return (directory / "saved_model.pb").exists()
