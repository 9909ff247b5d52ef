"""Where images come from: the parts that every kind of source shares."""

import dataclasses
import os
import pathlib
import re

from input_pipeline.conversion.sources import catalogue

ON_ERROR = ("fail", "skip")
# What people call the splits.
SPLITS = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "test": "test",
}
SUFFIXES = (".jpeg", ".jpg", ".png", ".gif", ".bmp", ".webp")


@dataclasses.dataclass
class Source:
    """All that the converter needs to know about a data set.

    Attributes:
        kind: "ilsvrc", "image_dir" and so on: that of its flag.
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


@dataclasses.dataclass
class Contents:
    """What was found in a tar, or in a folder without classes.

    Attributes:
        count: Files, those with faults included.
        names: Of these files, without folders.
        is_damaged: Whether files may be lost whose names are gone.
    """

    count: int = 0
    names: set[str] = dataclasses.field(default_factory=set)
    is_damaged: bool = False


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
        file = catalogue.printable(str(file))
        self.skipped.append({"file": file, "reason": reason})


def describe_fault(file, reason):
    """Returns the message of an error about one file."""
    return (
        f"Every file must be an image that can be converted. Received: "
        f"{catalogue.printable(str(file))}, but {reason}. Mend or remove the "
        "file, or pass --on_error=skip to leave such files out and list them."
    )


def require_folder(path):
    """Returns a folder that must exist, as an absolute path."""
    path = pathlib.Path(path)
    if not path.is_dir():
        raise FileNotFoundError(
            f"There must be a folder with the images. There is none at {path}."
        )
    return path.absolute()


def group_by_split(paths):
    """Returns files by the split that their name, or their folder's, says."""
    groups = {split: [] for split in SPLITS.values()}
    for path in map(pathlib.Path, paths):
        words = [
            path.parent.name.lower(),
            *re.split(r"[^a-z]+", path.name.lower()),
        ]
        found = [SPLITS[word] for word in words if word in SPLITS]
        if found:
            groups[found[-1]].append(path)
        else:
            raise ValueError(
                "The name of a file, or of its folder, must say its split: "
                f"train, validation or test. Received: {path}"
            )
    return {split: files for split, files in groups.items() if files}


def image_number(name):
    """Returns n of a file name that ends in `_n.JPEG`, None for others."""
    found = re.search(r"_(\d+)\.[A-Za-z]+$", name)
    return int(found[1]) if found else None


def is_image_name(name):
    """Says whether a file name ends as those of images do."""
    return name.lower().endswith(SUFFIXES)


def is_hidden(name):
    """Says whether a file is one that file managers leave among others."""
    return name.startswith(".") or name in ("Thumbs.db", "desktop.ini")


def describe_files(paths):
    """Returns names and sizes, which change when other files come."""
    return {
        pathlib.Path(path).name: os.stat(path).st_size for path in sorted(paths)
    }


def to_name(text):
    """Returns a name that TFDS takes: small letters, digits, underlines."""
    name = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    return name if name[:1].isalpha() else f"images_{name}".strip("_")
