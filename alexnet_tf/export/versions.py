"""Numbered versions of an exported model in one folder."""

import contextlib
import dataclasses
import os
import pathlib
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from input_pipeline import files


@dataclasses.dataclass
class Version:
    """A version while it is made.

    Attributes:
        unfinished: The path to write to, where nothing stands yet.
        final: The path that it has afterwards.
    """

    unfinished: pathlib.Path
    final: pathlib.Path = pathlib.Path()


@contextlib.contextmanager
def new_version(
    directory: str | os.PathLike[str],
) -> Iterator[Version]:
    """A scope that writes the next version of a folder, all or nothing.

    Args:
        directory: Folder of the versions, made if it is not there.

    Yields:
        A `Version`, which after the scope is `directory/1` or one more than
        the last. After an error nothing is left of it. Of two that write at
        once each has a number of its own.
    """
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    version = Version(files.make_temporary_path(directory / "version"))
    with files.removed_on_error(version.unfinished, directory):
        yield version
        with files.locked_folder(directory):
            numbers = [
                int(p.name) for p in directory.iterdir() if p.name.isdigit()
            ]
            version.final = directory / str(max(numbers, default=0) + 1)
            files.commit(version.unfinished, version.final)


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
