"""Class folders as people have them: one a split, in their spellings."""

import pathlib

import numpy as np
from absl import logging

from input_pipeline import ilsvrc2012
from input_pipeline.conversion.sources import (
    catalogue,
    class_folders,
    class_tars,
    devkit,
    source,
)

_KAGGLE = "LOC_val_solution.csv"
_TINY = "val_annotations.txt"


def open_source(
    directory, on_error="fail", validation_fraction=0.0, seed=0, classes=None
):
    """Returns the `Source` of `train/CLASS/*` and `validation/CLASS/*`.

    A class may also be a file `CLASS.tar`. Without a folder `train`, the
    classes are in `directory` itself, or in the tar of tars that it is.
    Validation images without class folders have their labels from Tiny
    ImageNet's `val_annotations.txt` or from a development kit in `directory`.
    Labels follow the sorted names: the kit's where there is one, otherwise
    those of the training folders. `words.txt` next to them (name, tab, words)
    gives English names.

    Args:
        directory: The folder, or a tar of class tars.
        on_error: "fail" or "skip".
        validation_fraction: Share of each class that becomes the validation
            split; only where there is no folder for it.
        seed: Of the choice of those images.
        classes: The only classes that are needed; None for all.
    """
    directory = pathlib.Path(directory)
    faults = source.Faults(on_error)
    kit = None
    if directory.is_file():
        directory, folders = directory.absolute(), {}
        names, train = _index_tar(directory, faults)
        splits = {"train": train}
    else:
        directory = source.require_folder(directory)
        folders = _find_folders(directory)
        kit = _find_kit(directory)
        names = _find_names(directory, folders, kit, classes)
        labels = {name: label for label, name in enumerate(names)}
        splits = {
            split: _index(split, folder, labels, kit, faults)
            for split, folder in folders.items()
        }
    _check_fraction(validation_fraction, folders, directory)
    if validation_fraction:
        splits.update(_split(splits["train"], validation_fraction, seed))
    origin = {
        "path": str(directory),
        "validation_fraction": validation_fraction,
    }
    return source.Source(
        kind="image_dir",
        name=source.to_name(directory.stem),
        synsets=[catalogue.printable(name) for name in names],
        class_names=_read_words(directory, names, kit),
        splits=splits,
        skipped=faults.skipped,
        origin=origin,
    )


def _find_folders(directory):
    """Returns the folder of each split that there is."""
    folders = {}
    for split in dict.fromkeys(source.SPLITS.values()):
        found = sorted(
            path
            for path in directory.iterdir()
            if source.SPLITS.get(path.name.lower()) == split and path.is_dir()
        )
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


def _find_kit(directory):
    """Returns the `Devkit` in a folder, None if there is none."""
    path = devkit.find(directory)
    return devkit.load(path) if path else None


def _find_names(directory, folders, kit, classes):
    """Returns the names of the classes, sorted."""
    names = class_folders.find_classes(folders["train"])
    if not names:
        raise FileNotFoundError(
            f"{folders['train']} must hold a folder, or a tar, for each class. "
            "It holds none."
        )
    origin = folders["train"]
    if kit is not None and set(names) <= set(kit.synsets):
        names, origin = kit.synsets, "the development kit"
    needed = names if classes is None else classes
    for split, folder in folders.items():
        if split != "train" and class_folders.is_flat(folder):
            continue
        unknown = set(class_folders.find_classes(folder)) - set(names)
        unknown &= unknown if classes is None else set(needed)
        if unknown:
            raise ValueError(
                f"Every class must have a folder in {origin}. "
                f"Received: {sorted(unknown)[:3]} in {folder} only. Add the "
                "missing folders, or remove those."
            )
    if classes is not None and set(names) - set(classes):
        logging.info("%s: the listed classes only.", directory)
    return list(names)


def _index(split, folder, labels, kit, faults):
    """Indexes the images of a split."""
    builder = catalogue.CatalogueBuilder()
    if split == "train" or not class_folders.is_flat(folder):
        class_folders.add_classes(builder, faults, folder, labels)
        return builder.finish()
    annotations = _read_annotations(folder / _TINY, labels)
    if split == "test" and annotations is None:
        class_folders.add_flat(builder, faults, folder, lambda name: -1)
    elif annotations is not None:
        contents = class_folders.add_flat(
            builder, faults, folder, annotations.__getitem__
        )
        for name in sorted(set(annotations) - contents.names):
            faults.report(folder / name, f"{_TINY} names it, and it is missing")
    elif kit is not None and labels.keys() == set(kit.synsets):
        contents = class_folders.add_flat(
            builder,
            faults,
            folder,
            lambda name: kit.find_label(name, kit.validation_ids),
        )
        devkit.check_numbers(kit.validation_ids, contents, folder, faults)
    else:
        raise ValueError(_describe_flat(folder))
    return builder.finish()


class _Annotations(dict):
    """Labels by file name."""

    def __missing__(self, name):
        raise ValueError(f"{_TINY} does not name it")


def _read_annotations(path, labels):
    """Returns labels by file name from lines of name, tab, class, tab, box."""
    if not path.is_file():
        return None
    found = _Annotations()
    for line in path.read_text(encoding="utf-8").splitlines():
        fields = line.split("\t")
        if len(fields) < 2 or fields[1] not in labels:
            raise ValueError(
                f"{path} must have lines of a file name, a tab and a class "
                f"that has a training folder. Received: {line[:100]!r}"
            )
        found[fields[0]] = labels[fields[1]]
    return found


def _describe_flat(folder):
    """Returns the words of an error about images without labels."""
    root = folder.parent
    for kaggle in (root, *root.parents[:3]):
        if (kaggle / _KAGGLE).is_file():
            return (
                f"{folder} must have a folder for each class. Received: images "
                f"without one, and {kaggle / _KAGGLE}, which has their labels: "
                f"pass --kaggle_dir={kaggle} instead of --image_dir."
            )
    return (
        f"{folder} must have a folder for each class. Received: images without "
        f"one. Put ILSVRC2012_devkit_t12.tar.gz, which has their labels, into "
        f"{root}; or, for Kaggle's folders, pass --kaggle_dir instead."
    )


def _index_tar(path, faults):
    """Returns the classes and the images of a tar of class tars."""
    names = class_tars.find_classes(path)
    labels = {name: label for label, name in enumerate(names)}
    builder = catalogue.CatalogueBuilder()
    class_tars.add_class_tars(builder, faults, path, labels.__getitem__)
    return names, builder.finish()


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


def _read_words(directory, names, kit):
    """Returns English names from words.txt, or the folders' own names."""
    folder = directory if directory.is_dir() else directory.parent
    path = folder / "words.txt"
    if kit is not None and names == kit.synsets:
        return kit.class_names
    if not path.is_file():
        return ilsvrc2012.describe(map(catalogue.printable, names))
    lines = path.read_text(encoding="utf-8").splitlines()
    words = dict(line.split("\t", 1) for line in lines if "\t" in line)
    return [words.get(name, catalogue.printable(name)) for name in names]
