"""Parquet files of Hugging Face's image sets, such as ILSVRC/imagenet-1k."""

import glob
import json
import pathlib
import re

from input_pipeline import ilsvrc2012
from input_pipeline.conversion.sources import (
    catalogue,
    devkit,
    labels,
    parquet_rows,
    source,
)

_PART = re.compile(r"-(\d+)-of-(\d+)")
_ROWS_AT_A_TIME = 4096
# An official name, to which Hugging Face has added the class.
_NAME = re.compile(r"(n\d{8}_\d+|ILSVRC\d{4}_\w+_\d{8})_(n\d{8})(\.\w+)$")


def open_source(pattern, on_error="fail", listed=()):
    """Returns the `Source` of parquet files.

    Their rows have an `image`, a struct of `bytes` and `path`, and an integer
    `label`, -1 where it is not known. The name of a file begins with its
    split, or is in a folder of that name. Labels are held against the classes
    in the paths, and end in the sorted order of the WordNet ids.

    Args:
        pattern: Path with wildcards.
        on_error: "fail" or "skip".
        listed: WordNet ids by the files' label, where paths have no class.
    """
    paths = sorted(glob.glob(str(pattern), recursive=True))
    if not paths:
        raise FileNotFoundError(
            f"There must be parquet files. None match {pattern}."
        )
    faults, seen = source.Faults(on_error), {}
    names = _read_names(paths[0])
    groups = source.group_by_split(paths)
    _check_parts(groups)
    splits = {
        split: _index(files, names, seen, faults)
        for split, files in groups.items()
    }
    folder = _find_root(paths[0])
    kit = devkit.find(folder) or devkit.find(folder.parent)
    kit = devkit.load(kit) if kit else None
    if len(seen) == len(names):
        listed = ()  # Of some classes, perhaps; these name themselves.
    synsets = labels.find_synsets(pattern, seen, names, listed, kit)
    known = dict(zip(kit.synsets, kit.class_names, strict=True)) if kit else {}
    words = [
        known.get(synset, names[label] if names else synset)
        for label, synset in enumerate(synsets)
    ]
    order = labels.put_in_order(synsets)
    for rows in splits.values():
        labels.relabel(rows, order)
    return source.Source(
        kind="parquet",
        name=source.to_name(folder.name),
        synsets=[synsets[label] for label in order],
        class_names=ilsvrc2012.describe(words[label] for label in order),
        splits=splits,
        skipped=faults.skipped,
        origin={"files": source.describe_files(paths)},
    )


def _check_parts(groups):
    """Refuses sets that are not whole: their files say how many there are."""
    for split, files in groups.items():
        parts = [_PART.search(path.name) for path in files]
        numbers = {(int(p[1]), int(p[2])) for p in parts if p}
        for total in {total for _, total in numbers}:
            missing = {(i, total) for i in range(total)} - numbers
            if missing:
                raise ValueError(
                    f"All {total} files of the {split} split must be there. "
                    f"Received: {len(missing)} less, the first of them number "
                    f"{min(missing)[0]}. Download them, or give the others "
                    "names without -of-."
                )


def _find_root(path):
    """Returns the folder of the data set, above its `data`."""
    parent = pathlib.Path(path).absolute().parent
    is_part = parent.name.lower() in (*source.SPLITS, "data", "default")
    return parent.parent if is_part else parent


def _read_names(path):
    """Returns what the file calls its classes; none where it does not say."""
    metadata = parquet_rows.open_file(path).schema_arrow.metadata or {}
    try:
        fields = json.loads(metadata[b"huggingface"])["info"]["features"]
        return [str(name) for name in fields["label"]["names"]]
    except (KeyError, TypeError, ValueError):
        return []


def _index(paths, names, seen, faults):
    """Indexes rows in the files' order; collects the classes in their paths."""
    builder = catalogue.CatalogueBuilder("parquet")
    for path in paths:
        builder.add_container(path.absolute())
        file = parquet_rows.open_file(path)
        columns = _find_columns(file, path)
        for group in range(file.num_row_groups):
            row = 0
            for batch in file.iter_batches(
                _ROWS_AT_A_TIME, [group], columns, use_threads=False
            ):
                for name, label in _names_and_labels(batch):
                    offset = parquet_rows.make_offset(group, row)
                    default = f"{path.stem}_{group}_{row}"
                    row += 1
                    try:
                        name = _check(name or default, label, names, seen)
                    except ValueError as error:
                        faults.report(f"{path}: {name or default}", str(error))
                        continue
                    builder.add(name, label, offset, 0)
    return builder.finish()


def _find_columns(file, path):
    """Returns the columns to index by: the label, and the path if any."""
    fields = {field.name: field.type for field in file.schema_arrow}
    if not {"image", "label"} <= set(fields):
        raise ValueError(
            f"{path} must have the columns image and label. Received: "
            f"{', '.join(fields)}"
        )
    kind = fields["image"]
    inner = [kind.field(i).name for i in range(kind.num_fields)]
    return ["image.path", "label"] if "path" in inner else ["label"]


def _names_and_labels(batch):
    """Yields file name and label of each row; None where there is none."""
    columns = dict(zip(batch.schema.names, batch.columns, strict=True))
    found = columns["label"].to_pylist()
    images = [None] * len(found)
    if "image" in columns:
        images = columns["image"].to_pylist()
    for image, label in zip(images, found, strict=True):
        path = image and image.get("path")
        yield pathlib.PurePosixPath(path).name if path else None, label


def _check(name, label, names, seen):
    """Returns the official name of an image.

    Raises:
        ValueError: Its label is none, or not that of its name.
    """
    found = _NAME.match(name)
    if not isinstance(label, int) or label < -1:
        raise ValueError(f"its label is {label}")
    if names and label >= len(names):
        raise ValueError(f"its label is {label} of {len(names)}")
    if not found:
        return name
    if label >= 0 and seen.setdefault(label, found[2]) != found[2]:
        raise ValueError(
            f"its label is {label}, which other images have as {seen[label]}"
        )
    return found[1] + found[3]
