"""The official archives of ILSVRC-2010 and ILSVRC-2012, read as downloaded."""

import dataclasses
import hashlib

from absl import logging

from input_pipeline.conversion.sources import (
    catalogue,
    class_tars,
    devkit,
    source,
)

_READ_BYTES = 2**24


@dataclasses.dataclass(frozen=True)
class _Year:
    """How the files of one year are called, and their MD5 sums if known."""

    name: str
    devkit: str
    train: str
    validation: str
    test: str  # a pattern: there are several versions
    test_truth: str
    md5: dict


# The sums are those that torchvision checks.
_YEARS = (
    _Year(
        name="ilsvrc2012",
        devkit="ILSVRC2012_devkit_t12.tar.gz",
        train="ILSVRC2012_img_train.tar",
        validation="ILSVRC2012_img_val.tar",
        test="ILSVRC2012_img_test*.tar",
        test_truth="",  # never published
        md5={
            "ILSVRC2012_devkit_t12.tar.gz": "fa75699e90414af021442c21a62c3abf",
            "ILSVRC2012_img_train.tar": "1d675b47d978889d74fa0da5fadfb00e",
            "ILSVRC2012_img_val.tar": "29b22e2961454d5413ddabcf34fc5622",
        },
    ),
    _Year(
        name="ilsvrc2010",
        devkit="ILSVRC2010_devkit-1.0.tar.gz",
        train="ILSVRC2010_images_train.tar",
        validation="ILSVRC2010_images_val.tar",
        test="ILSVRC2010_images_test.tar",
        test_truth="ILSVRC2010_test_ground_truth.txt",
        md5={},
    ),
)


def open_source(directory, on_error="fail", check_archives=False):
    """Returns the `Source` of a folder with the official archives.

    The classes are the devkit's leaf synsets in sorted WordNet order, whether
    or not the archives hold images of them all.

    Args:
        directory: Folder with the archives as downloaded.
        on_error: "fail" or "skip".
        check_archives: Whether to compare the official MD5 sums first.
    """
    directory = source.require_folder(directory)
    year = _find_year(directory)
    tests = sorted(directory.glob(year.test))
    paths = [directory / year.devkit]
    for name in (year.train, year.validation):
        if not (directory / name).is_file():
            raise FileNotFoundError(
                f"{directory} must hold {name}, as downloaded from "
                "image-net.org. It is not there."
            )
        paths.append(directory / name)
    if check_archives:
        _check_md5(paths, year.md5)
    kit = devkit.load(directory / year.devkit, year.name)
    faults = source.Faults(on_error)
    splits = {
        "train": _index_train(directory / year.train, kit, faults),
        "validation": _index_flat(
            directory / year.validation, kit.validation_ids, kit, faults
        ),
    }
    if tests:
        ids = _read_test_ids(directory, year)
        splits["test"] = _index_flat(tests[-1], ids, kit, faults)
    return source.Source(
        kind="ilsvrc",
        name=year.name,
        synsets=kit.synsets,
        class_names=kit.class_names,
        splits=splits,
        skipped=faults.skipped,
        origin={"archives": source.describe_files([*paths, *tests[-1:]])},
    )


def _find_year(directory):
    """Returns the year whose devkit is in the folder."""
    for year in _YEARS:
        if (directory / year.devkit).is_file():
            return year
    raise FileNotFoundError(
        f"{directory} must hold the official archives, among them "
        f"{_YEARS[0].devkit} (or {_YEARS[1].devkit}), as downloaded from "
        "image-net.org. Neither is there."
    )


def _check_md5(paths, sums):
    """Compares the archives' MD5 sums with the official ones."""
    for path in paths:
        if path.name not in sums:
            logging.warning("No official MD5 sum of %s is known.", path.name)
            continue
        logging.info("Checking the MD5 sum of %s.", path.name)
        digest = hashlib.md5(usedforsecurity=False)
        with open(path, "rb") as file:
            while block := file.read(_READ_BYTES):
                digest.update(block)
        if digest.hexdigest() != sums[path.name]:
            raise ValueError(
                f"{path} must have the MD5 sum {sums[path.name]}. Received: "
                f"{digest.hexdigest()}. Download it again."
            )


def _read_test_ids(directory, year):
    """Returns the ids of the test images; None where they are secret."""
    path = directory / year.test_truth
    if not year.test_truth or not path.is_file():
        return None
    return [int(line) for line in path.read_text().split()]


def _index_train(path, kit, faults):
    """Indexes a tar of tars, one a synset."""
    builder = catalogue.CatalogueBuilder()
    labels = {s: label for label, s in enumerate(kit.synsets)}

    def find_label(synset):
        if synset not in labels:
            raise ValueError("the development kit has no class of that name")
        return labels[synset]

    counts = class_tars.add_class_tars(builder, faults, path, find_label)
    devkit.check_counts(kit, counts, path, faults)
    return builder.finish()


def _index_flat(path, ids, kit, faults):
    """Indexes numbered images, whose labels are in a list of ids."""
    builder = catalogue.CatalogueBuilder()
    contents = class_tars.add_tar(
        builder, faults, path, lambda name: kit.find_label(name, ids)
    )
    if ids is not None:
        devkit.check_numbers(ids, contents, path, faults)
    return builder.finish()
