"""Shards of WebDataset: tars with `KEY.jpg` and `KEY.cls`, or `KEY.json`."""

import glob
import json
import os
import pathlib
import re

import numpy as np

from input_pipeline import ilsvrc2012
from input_pipeline.conversion.sources import (
    catalogue,
    class_tars,
    labels,
    source,
)

_LABELS = (".cls", ".json")
_MAX_LABEL_BYTES = 2**20
_OFFICIAL = re.compile(r"(?:(n\d{8})_\d+|ILSVRC\d{4}_\w+_\d{8})$")


def open_source(pattern, listed, on_error="fail"):
    """Returns the `Source` of tar shards.

    A shard's name, or its folder's, has the word train, validation (val) or
    test in it. The numbers in `.cls` have no order of their own: line n of a
    class list, from 0, is the class n.

    Args:
        pattern: Path with wildcards.
        listed: WordNet ids by the shards' label.
        on_error: "fail" or "skip".
    """
    paths = sorted(glob.glob(str(pattern), recursive=True))
    if not paths:
        raise FileNotFoundError(
            f"There must be tar files. None match {pattern}. Write * for what "
            "differs, not {0000..1023}."
        )
    faults, seen = source.Faults(on_error), {}
    groups = source.group_by_split(paths)
    for split, files in groups.items():
        _check_numbers(files, split, faults)
    splits = {
        split: _index(split, files, len(listed), seen, faults)
        for split, files in groups.items()
    }
    synsets = labels.find_synsets(pattern, seen, listed=listed)
    order = labels.put_in_order(synsets)
    for split, rows in splits.items():
        labels.relabel(rows, order)
        splits[split] = rows.take(_sort(rows, by_label=split == "train"))
    synsets = [synsets[label] for label in order]
    return source.Source(
        kind="webdataset",
        name=source.to_name(re.split(r"[*?\[]", pathlib.Path(pattern).name)[0]),
        synsets=synsets,
        class_names=ilsvrc2012.describe(synsets),
        splits=splits,
        skipped=faults.skipped,
        origin={"files": source.describe_files(paths)},
    )


def _check_numbers(paths, split, faults):
    """Reports the shards that are missing between 0 and the last."""
    numbers = [re.search(r"(\d+)\.tar$", path.name) for path in paths]
    found = {int(number[1]) for number in numbers if number}
    for number in sorted(set(range(max(found, default=-1))) - found):
        faults.report(
            paths[0].parent, f"shard {number} of the {split} split is missing"
        )


def _index(split, paths, num_classes, seen, faults):
    """Indexes all samples of a split; collects the classes in their names."""
    builder = catalogue.CatalogueBuilder()
    for path in paths:
        path = path.absolute()
        builder.add_container(path)
        for key, parts in _read_samples(path, faults).items():
            try:
                member, name = _find_image(key, parts, path)
                label = _find_label(key, parts, split, num_classes, seen)
            except ValueError as error:
                faults.report(f"{path}: {key}", str(error))
                continue
            builder.add(name, label, member.offset, member.size, member.stamp)
    return builder.finish()


def _read_samples(path, faults):
    """Returns members by key and ending, with the contents of the labels."""
    samples = {}
    with open(path, "rb", buffering=0) as file:
        for member in class_tars.whole_members(faults, path, str(path)):
            if member.is_damage:
                continue
            folder, _, name = member.name.rpartition("/")
            stem, _, ending = name.partition(".")
            key = f"{folder}/{stem}" if folder else stem
            ending = f".{ending.lower()}"
            parts = samples.setdefault(key, {})
            if member.fault or ending in parts:
                reason = member.fault or "another file has the same name"
                faults.report(f"{path}: {member.name}", reason)
                continue
            parts[ending] = member
            if ending in _LABELS:
                size = min(member.size, _MAX_LABEL_BYTES)
                parts[ending] = os.pread(file.fileno(), size, member.offset)
    return samples


def _find_image(key, parts, path):
    """Returns the member that is the image, and its name for the record."""
    endings = [ending for ending in parts if ending in source.SUFFIXES]
    if len(endings) != 1:
        raise ValueError(f"it has {len(endings) or 'no'} images")
    stem = key.rpartition("/")[2]
    name = f"{path.stem}/{key}{endings[0]}"
    if _OFFICIAL.match(stem):
        name = f"{stem}.JPEG"
    told = _read_json(parts).get("filename")
    if isinstance(told, str) and told:
        name = pathlib.PurePosixPath(told).name
    return parts[endings[0]], name


def _find_label(key, parts, split, num_classes, seen):
    """Returns the label of a sample; -1 for a test image without one."""
    found = set()
    if ".cls" in parts:
        text = parts[".cls"].decode("ascii", "replace").strip()
        if not text.isdigit():
            raise ValueError(f"its .cls is {text[:40]!r} and no number")
        found.add(int(text))
    fields = _read_json(parts)
    found |= {fields[f] for f in ("label", "cls") if type(fields.get(f)) is int}
    if split == "test" and found <= {-1}:
        return -1
    if len(found) != 1:
        raise ValueError(f"it has {len(found) or 'no'} labels")
    label = found.pop()
    if not 0 <= label < num_classes:
        raise ValueError(
            f"its label is {label}, and the class list has {num_classes} lines"
        )
    official = _OFFICIAL.match(key.rpartition("/")[2])
    synset = official and official[1]
    if synset and seen.setdefault(label, synset) != synset:
        raise ValueError(
            f"its label is {label}, which other images have as {seen[label]}"
        )
    return label


def _read_json(parts):
    """Returns what a sample's .json says; nothing where there is none."""
    if ".json" not in parts:
        return {}
    try:
        fields = json.loads(parts[".json"])
    except ValueError:
        raise ValueError("its .json cannot be read") from None
    return fields if isinstance(fields, dict) else {}


def _sort(rows, by_label):
    """Returns positions in the order of names, or of labels and names."""
    names = np.array([rows.raw_name(i) for i in range(len(rows))], bytes)
    if by_label:
        return np.lexsort((names, rows.rows["label"]))
    return np.argsort(names, kind="stable")
