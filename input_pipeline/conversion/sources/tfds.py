"""Data sets that TensorFlow Datasets has prepared, read without decoding."""

import pathlib

from input_pipeline import array_records, ilsvrc2012, record_index
from input_pipeline.conversion.sources import catalogue, source

_SPLITS = {
    "train": ("train",),
    "validation": ("validation", "test"),
    "test": ("test",),
}


def open_source(name, data_dir=None):
    """Returns the `Source` of a prepared classification data set.

    Its records are read where they are. A data set with a test split and no
    validation split (CIFAR-10) is validated on the test split.

    Args:
        name: As `tfds.builder` takes it, such as "imagenette/160px".
        data_dir: Where TFDS keeps it; None for its default.
    """
    # TensorFlow is needed here, and in no worker.
    import tensorflow_datasets as tfds

    try:
        builder = tfds.builder(name, data_dir=data_dir, try_gcs=False)
    except tfds.core.DatasetNotFoundError:
        raise ValueError(
            f"TFDS must know the data set. Received: {name!r}, which it does "
            "not find. Prepare it with: tfds build NAME"
        ) from None
    info = builder.info
    features = info.features or {}
    if not builder.is_prepared() or not {"image", "label"} <= set(features):
        raise ValueError(
            f"{name} must be prepared, with an image and a label. Received: "
            f"the features {sorted(features)} in {builder.data_path}. Prepare "
            f"it with: tfds build {name}"
        )
    index = _INDICES.get(info.file_format.value)
    if index is None:
        raise ValueError(
            f"{name} must be prepared as {' or '.join(_INDICES)}. "
            f"Received: {info.file_format.value}. Prepare it again in another "
            "--data_dir."
        )
    splits, used = {}, set()
    for split, candidates in _SPLITS.items():
        found = next((c for c in candidates if c in info.splits), None)
        if found is not None and found not in used:
            used.add(found)
            splits[split] = index(info.splits[found])
    names = list(features["label"].names)
    return source.Source(
        kind="tfds",
        name=source.to_name(info.name),
        synsets=names,
        class_names=ilsvrc2012.describe(names),
        splits=splits,
        skipped=[],
        origin={"tfds": info.full_name},
    )


def _index_tfrecord(split):
    """Indexes the records of all shards of a split."""
    builder = catalogue.CatalogueBuilder("example")
    lengths = split.shard_lengths
    for path, count in zip(split.filepaths, lengths, strict=True):
        path = pathlib.Path(path)
        builder.add_container(path)
        offsets, sizes = record_index.scan_shard(path, count)
        for i in range(count):
            # The label is stored in the record, and perhaps a name.
            name = f"{path.name}_{i}"
            builder.add(name, -1, int(offsets[i]), int(sizes[i]))
    return builder.finish()


def _index_array_record(split):
    """Indexes the records of all files of a split, by their number."""
    builder = catalogue.CatalogueBuilder("array_record")
    lengths = split.shard_lengths
    for path, count in zip(split.filepaths, lengths, strict=True):
        path = pathlib.Path(path)
        array_records.check(path, count)
        builder.add_container(path)
        for i in range(count):
            builder.add(f"{path.name}_{i}", -1, i, 0)
    return builder.finish()


_INDICES = {
    "tfrecord": _index_tfrecord,
    "array_record": _index_array_record,
}
