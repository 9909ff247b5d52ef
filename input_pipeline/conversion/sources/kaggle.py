"""ILSVRC-2012 as Kaggle gives it: unpacked, labels in a table.

The competition "imagenet-object-localization-challenge". The images are those
of the official archives, and the records too.
"""

import collections
import csv

from absl import logging

from input_pipeline.conversion.sources import (
    catalogue,
    class_folders,
    source,
)

MAPPING = "LOC_synset_mapping.txt"
SOLUTION = "LOC_val_solution.csv"
_TRAIN_LIST = "ImageSets/CLS-LOC/train_cls.txt"
_IMAGES = "Data/CLS-LOC"
_REMEDY = (
    "Download it again from Kaggle's imagenet-object-localization-challenge."
)


def open_source(directory, on_error="fail"):
    """Returns the `Source` of Kaggle's folder.

    Args:
        directory: The folder that holds `ILSVRC`, or `ILSVRC` itself; the
            files LOC_*.csv and LOC_synset_mapping.txt are in either.
        on_error: "fail" or "skip".
    """
    directory = source.require_folder(directory)
    root = (
        directory / "ILSVRC" if (directory / "ILSVRC").is_dir() else directory
    )
    images = root / _IMAGES
    for name in ("train", "val"):
        if not (images / name).is_dir():
            raise FileNotFoundError(
                f"{directory} must hold ILSVRC/{_IMAGES}/{name}, or be ILSVRC. "
                f"It does not. {_REMEDY}"
            )
    mapping, solution = (_find(root, name) for name in (MAPPING, SOLUTION))
    synsets, class_names = _read_mapping(mapping)
    labels = {synset: label for label, synset in enumerate(synsets)}
    faults = source.Faults(on_error)
    splits = {
        "train": _index_train(root, labels, faults),
        "validation": _index_validation(
            images / "val", _read_solution(solution, labels), faults
        ),
    }
    if (images / "test").is_dir():
        builder = catalogue.CatalogueBuilder()
        class_folders.add_flat(
            builder, faults, images / "test", lambda name: -1
        )
        splits["test"] = builder.finish()
    return source.Source(
        kind="kaggle",
        name="ilsvrc2012",
        synsets=synsets,
        class_names=class_names,
        splits=splits,
        skipped=faults.skipped,
        origin={"files": source.describe_files([mapping, solution])},
    )


def _find(root, name):
    """Returns a file next to ILSVRC, or within it."""
    for folder in (root.parent, root):
        if (folder / name).is_file():
            return folder / name
    raise FileNotFoundError(
        f"{root.parent} must hold {name}. It is not there. {_REMEDY}"
    )


def _read_mapping(path):
    """Returns the sorted WordNet ids and their English names."""
    lines = path.read_text(encoding="utf-8").splitlines()
    pairs = sorted(line.strip().split(" ", 1) for line in lines if line.strip())
    synsets = [pair[0] for pair in pairs]
    is_whole = all(len(pair) == 2 for pair in pairs)
    if not pairs or not is_whole or len(set(synsets)) < len(synsets):
        raise ValueError(
            f"{path} must have a line of a WordNet id, a space and words for "
            f"each class. Received: {len(pairs)} lines, {len(set(synsets))} "
            f"ids. {_REMEDY}"
        )
    return synsets, [pair[1] for pair in pairs]


def _read_solution(path, labels):
    """Returns labels by the name of a validation image, without its ending.

    A row has a class and four numbers for each box; the class is the same.
    """
    found = {}
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            words = (row.get("PredictionString") or "").split()
            synsets = set(words[::5])
            if len(synsets) != 1 or not synsets <= set(labels):
                raise ValueError(
                    f"{path} must name one class of {MAPPING} in each row. "
                    f"Received: {row}. {_REMEDY}"
                )
            found[row["ImageId"]] = labels[synsets.pop()]
    return found


def _index_train(root, labels, faults):
    """Indexes the class folders; compares them with the list of images."""
    folder, builder = root / _IMAGES / "train", catalogue.CatalogueBuilder()
    unknown = set(class_folders.find_classes(folder)) - set(labels)
    for name in sorted(unknown):
        faults.report(folder / name, f"{MAPPING} has no class of that name")
    counts = class_folders.add_classes(builder, faults, folder, labels)
    listed = root / _TRAIN_LIST
    if not listed.is_file():
        logging.warning("%s is not there: images are not counted.", listed)
        return builder.finish()
    with open(listed, encoding="utf-8") as file:
        expected = collections.Counter(line.partition("/")[0] for line in file)
    for synset, label in labels.items():
        found = counts.get(label, 0)
        if found != expected[synset]:
            faults.report(
                folder / synset,
                f"it holds {found} images, and {listed.name} names "
                f"{expected[synset]}",
            )
    return builder.finish()


def _index_validation(folder, solution, faults):
    """Indexes the numbered images."""
    builder = catalogue.CatalogueBuilder()

    def find_label(name):
        stem = name.rpartition(".")[0]
        if stem not in solution:
            raise ValueError(f"{SOLUTION} does not name it")
        return solution[stem]

    contents = class_folders.add_flat(builder, faults, folder, find_label)
    found = {name.rpartition(".")[0] for name in contents.names}
    for stem in sorted(set(solution) - found):
        faults.report(
            folder / f"{stem}.JPEG", f"{SOLUTION} names it, and it is missing"
        )
    return builder.finish()
