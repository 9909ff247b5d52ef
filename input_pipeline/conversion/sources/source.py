"""Where images come from: the parts that every kind of source shares."""

import dataclasses
import os
import pathlib
import re

from input_pipeline.conversion.sources import catalogue, tar_index

ON_ERROR = ("fail", "skip")


@dataclasses.dataclass
class Source:
    """All that the converter needs to know about a data set.

    Attributes:
        kind: "ilsvrc", "image_dir", "cifar10" or "tfds".
        name: What to call the data set where the user does not say.
        synsets: WordNet ids, or folder names, by label.
        class_names: English names by label.
        splits: `Catalogue` by the name of the split.
        skipped: Dicts `file`, `reason` of what will not be converted.
        origin: What tells this source from others, for `dataset.json`.
    """

    kind: str
    name: str
    synsets: list[str]
    class_names: list[str]
    splits: dict[str, catalogue.Catalogue]
    skipped: list[dict]
    origin: dict


class Faults:
    """What is wrong with a source, and what to do about it.

    Args:
        on_error: "fail" raises at the first fault, "skip" records them.
    """

    def __init__(self, on_error):
        if on_error not in ON_ERROR:
            raise ValueError(
                f"on_error must be one of {ON_ERROR}. Received: {on_error!r}"
            )
        self.on_error = on_error
        self.skipped = []

    def report(self, file, reason):
        """Records a file that is left out.

        Raises:
            ValueError: Nothing may be left out.
        """
        if self.on_error == "fail":
            raise ValueError(describe_fault(file, reason))
        self.record(file, reason)

    def record(self, file, reason):
        """Records a file that is never an image of the data set."""
        self.skipped.append({"file": str(file), "reason": reason})


def describe_fault(file, reason):
    """Returns the message of an error about one file."""
    return (
        f"Every file must be an image that can be converted. Received: {file}, "
        f"but {reason}. Mend or remove the file, or pass --on_error=skip to "
        "leave such files out and list them."
    )


def add_tar(builder, faults, path, label, *, inside="", start=0, end=None):
    """Adds the images of a tar, all of one class, to the last container.

    Args:
        builder: A `CatalogueBuilder` whose last container is `path`.
        faults: A `Faults`.
        path: File that is, or contains, the tar.
        label: Of all images; or a function from file name to label, which
            raises `ValueError` where it finds none.
        inside: Name of the tar within `path`, for messages.
        start: Offset of the tar within `path`.
        end: Offset after it; None for the end of the file.

    Returns:
        The number of files in the tar, those with faults included.
    """
    location = f"{path}: {inside}" if inside else str(path)
    names = set()
    count = 0
    try:
        for member in tar_index.members(path, start, end):
            count += 1
            name = pathlib.PurePosixPath(member.name).name
            where = f"{location}: {member.name}"
            if member.fault or name in names:
                reason = member.fault or "another file has the same name"
                faults.report(where, reason)
                continue
            names.add(name)
            try:
                found = label(name) if callable(label) else label
            except ValueError as error:
                faults.report(where, str(error))
                continue
            builder.add(name, found, member.offset, member.size)
        if not count:
            faults.report(location, "it holds no files")
    except tar_index.CutShort as error:
        faults.report(location, str(error))
    return count


def require_folder(path):
    """Returns a folder that must exist, as an absolute path."""
    path = pathlib.Path(path)
    if not path.is_dir():
        raise FileNotFoundError(
            f"There must be a folder with the images. There is none at {path}."
        )
    return path.absolute()


def describe_files(paths):
    """Returns names and sizes, which change when other files come."""
    return {
        pathlib.Path(path).name: os.stat(path).st_size for path in sorted(paths)
    }


def to_name(text):
    """Returns a name that TFDS takes: small letters, digits, underlines."""
    name = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    return name if name[:1].isalpha() else f"images_{name}".strip("_")
