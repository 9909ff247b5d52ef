"""CIFAR-10: the official binary and python versions, or class folders."""

import os

from input_pipeline.conversion.sources import (
    catalogue,
    encodings,
    image_folders,
    source,
)

_TRAIN = tuple(f"data_batch_{i}" for i in range(1, 6))
_TEST = ("test_batch",)
_CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
_RECORD_BYTES = 1 + encodings.CIFAR_ROW_BYTES


def open_source(directory, on_error="fail"):
    """Returns the `Source` of CIFAR-10.

    The official test images become the validation split: training is
    evaluated on them, and the paper's 13% and 11% are their error.

    Args:
        directory: Folder with `data_batch_1.bin` and so on, with
            `data_batch_1` and so on, or with `train/CLASS/*`, `test/CLASS/*`.
        on_error: "fail" or "skip".
    """
    directory = source.require_folder(directory)
    if (directory / "train").is_dir():
        folders = image_folders.open_source(directory, on_error)
        if "validation" not in folders.splits and "test" in folders.splits:
            folders.splits["validation"] = folders.splits.pop("test")
        folders.kind, folders.name = "cifar10", "cifar10"
        return folders
    if (directory / "data_batch_1.bin").is_file():
        ending, index = ".bin", _index_binary
    elif (directory / "data_batch_1").is_file():
        ending, index = "", _index_python
    else:
        raise FileNotFoundError(
            f"{directory} must hold data_batch_1.bin, data_batch_1 or a folder "
            "train: the unpacked CIFAR-10. None of them is there."
        )
    splits, paths = {}, []
    for split, names in (("train", _TRAIN), ("validation", _TEST)):
        files = [directory / f"{name}{ending}" for name in names]
        for path in files:
            if not path.is_file():
                raise FileNotFoundError(
                    f"{directory} must hold {path.name}, like the archive. It "
                    "is not there. Unpack the archive again."
                )
        splits[split] = index(files)
        paths += files
    return source.Source(
        kind="cifar10",
        name="cifar10",
        synsets=list(_CLASSES),
        class_names=list(_CLASSES),
        splits=splits,
        skipped=[],
        origin={"files": source.describe_files(paths)},
    )


def _index_binary(files):
    """Rows of a label and three planes."""
    builder = catalogue.CatalogueBuilder("cifar_binary")
    for path in files:
        size_bytes = os.stat(path).st_size
        if size_bytes % _RECORD_BYTES or not size_bytes:
            raise ValueError(
                f"{path} must be whole rows of {_RECORD_BYTES} bytes. "
                f"Received: {size_bytes} bytes. Unpack the archive again."
            )
        builder.add_container(path)
        labels = path.read_bytes()[::_RECORD_BYTES]
        for i, label in enumerate(labels):
            _check_label(path, i, label)
            builder.add(
                f"{path.stem}_{i:05d}",
                label,
                i * _RECORD_BYTES + 1,
                encodings.CIFAR_ROW_BYTES,
            )
    return builder.finish()


def _index_python(files):
    """Rows of an array in a pickle."""
    builder = catalogue.CatalogueBuilder("cifar_python")
    for path in files:
        builder.add_container(path)
        _, labels, names = encodings.load_cifar_batch(str(path))
        for i, (label, name) in enumerate(zip(labels, names, strict=True)):
            _check_label(path, i, label)
            builder.add(name, label, i, encodings.CIFAR_ROW_BYTES)
    return builder.finish()


def _check_label(path, row, label):
    """Refuses what is not one of the ten classes."""
    if not 0 <= label < len(_CLASSES):
        raise ValueError(
            f"Labels must be from 0 to 9. Received: {label} in row {row} of "
            f"{path}. Unpack the archive again."
        )
