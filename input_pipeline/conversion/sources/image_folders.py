"""Class folders, and folders with a tar for each class."""

import os
import pathlib

import numpy as np

from input_pipeline.conversion.sources import catalogue, source

_SUFFIXES = {".jpeg", ".jpg", ".png", ".gif", ".bmp", ".webp"}
_FOLDERS = {
    "train": ("train",),
    "validation": ("validation", "val"),
    "test": ("test",),
}


def open_source(directory, on_error="fail", validation_fraction=0.0, seed=0):
    """Returns the `Source` of `train/CLASS/*` and `validation/CLASS/*`.

    A class may also be a file `CLASS.tar`. Without a folder `train`, the
    classes are in `directory` itself. Labels follow the sorted names.
    `words.txt` next to them (name, tab, words) gives English names.

    Args:
        directory: The folder.
        on_error: "fail" or "skip".
        validation_fraction: Share of each class that becomes the validation
            split; only where there is no folder for it.
        seed: Of the choice of those images.
    """
    directory = source.require_folder(directory)
    folders = _find_folders(directory)
    _check_fraction(validation_fraction, folders, directory)
    names = _class_names(folders["train"])
    faults = source.Faults(on_error)
    splits = {}
    for split, folder in folders.items():
        unknown = set(_class_names(folder)) - set(names)
        if unknown:
            raise ValueError(
                f"Every class must have a folder in {folders['train']}. "
                f"Received: {sorted(unknown)[:3]} in {folder} only. Add the "
                "missing folders, or remove those."
            )
        splits[split] = _index(folder, names, faults)
    if validation_fraction:
        splits.update(_split(splits["train"], validation_fraction, seed))
    origin = {
        "path": str(directory),
        "validation_fraction": validation_fraction,
    }
    return source.Source(
        kind="image_dir",
        name=source.to_name(directory.name),
        synsets=names,
        class_names=_read_words(directory, names),
        splits=splits,
        skipped=faults.skipped,
        origin=origin,
    )


def _find_folders(directory):
    """Returns the folder of each split that there is."""
    folders = {}
    for split, names in _FOLDERS.items():
        found = [directory / n for n in names if (directory / n).is_dir()]
        if len(found) > 1:
            raise ValueError(
                f"{directory} must have one folder for {split}. Received: "
                f"{' and '.join(path.name for path in found)}"
            )
        if found:
            folders[split] = found[0]
    if "train" not in folders and folders:
        raise FileNotFoundError(f"{directory} must have a folder train.")
    return folders or {"train": directory}


def _check_fraction(fraction, folders, directory):
    """Refuses a share that is none, or that comes with a folder."""
    if not 0 <= fraction < 1:
        raise ValueError(
            f"validation_fraction must be 0 or more and less than 1. "
            f"Received: {fraction}"
        )
    if fraction and "validation" in folders:
        raise ValueError(
            "validation_fraction is for folders without a validation split. "
            f"Received: {fraction}, but there is {folders['validation']}. "
            "Leave one of them out."
        )


def _class_names(folder):
    """Returns the sorted names of the classes in a folder."""
    names = set()
    for entry in os.scandir(folder):
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            names.add(entry.name)
        elif entry.name.endswith(".tar"):
            names.add(entry.name.removesuffix(".tar"))
    if not names:
        raise FileNotFoundError(
            f"{folder} must hold a folder, or a tar, for each class. It holds "
            "none."
        )
    return sorted(names)


def _index(folder, names, faults):
    """Indexes the images of a split, class after class."""
    builder = catalogue.CatalogueBuilder()
    labels = {name: label for label, name in enumerate(names)}
    for name in _class_names(folder):
        tar = folder / f"{name}.tar"
        if tar.is_file() and (folder / name).is_dir():
            raise ValueError(
                f"A class must be a folder or a tar. Received: both {tar} and "
                f"{folder / name}. Remove one."
            )
        if tar.is_file():
            builder.add_container(tar)
            source.add_tar(builder, faults, tar, labels[name])
            continue
        builder.add_container(folder)
        before = len(builder)
        for path in _files(folder / name):
            relative = path.relative_to(folder).as_posix()
            if path.suffix.lower() not in _SUFFIXES:
                faults.record(path, "its name is not that of an image")
            else:
                builder.add(relative, labels[name])
        if len(builder) == before:
            faults.report(folder / name, "the class has no images")
    return builder.finish()


def _files(folder):
    """Yields the files below a folder in sorted order."""
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            if not name.startswith("."):
                yield pathlib.Path(parent, name)


def _split(whole, fraction, seed):
    """Divides each class by chance; the same seed chooses the same images."""
    # RandomState's streams never change between versions of NumPy.
    chance = np.random.RandomState(seed).random_sample(len(whole))
    labels = whole.rows["label"]
    order = np.lexsort((chance, labels))
    chosen = np.zeros(len(whole), bool)
    starts = np.searchsorted(labels[order], np.unique(labels))
    for start, end in zip(starts, [*starts[1:], len(order)], strict=True):
        count = round((end - start) * fraction)
        chosen[order[start : start + count]] = True
    return {
        "train": whole.take(np.flatnonzero(~chosen)),
        "validation": whole.take(np.flatnonzero(chosen)),
    }


def _read_words(directory, names):
    """Returns English names from words.txt, or the folders' own names."""
    path = directory / "words.txt"
    if not path.is_file():
        return list(names)
    lines = path.read_text(encoding="utf-8").splitlines()
    words = dict(line.split("\t", 1) for line in lines if "\t" in line)
    return [words.get(name, name) for name in names]
