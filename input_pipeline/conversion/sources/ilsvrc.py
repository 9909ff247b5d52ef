"""The official archives of ILSVRC-2010 and ILSVRC-2012, read as downloaded."""

import dataclasses
import hashlib
import io
import pathlib
import re
import tarfile

import scipy.io
from absl import logging

from input_pipeline.conversion.sources import catalogue, source, tar_index

_READ_BYTES = 2**24
_MAX_DEVKIT_FILE_BYTES = 2**28


@dataclasses.dataclass(frozen=True)
class _Year:
    """How the files of one year are called, and their MD5 sums if known."""

    name: str
    devkit: str
    train: str
    validation: str
    test: str  # a pattern: there are several versions
    test_truth: str
    id_field: str
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
        id_field="ILSVRC2012_ID",
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
        id_field="ILSVRC2010_ID",
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
    devkit = _read_devkit(directory / year.devkit, year)
    faults = source.Faults(on_error)
    splits = {
        "train": _index_train(directory / year.train, devkit, faults),
        "validation": _index_flat(
            directory / year.validation, devkit.validation_truth, devkit, faults
        ),
    }
    if tests:
        truth = _read_test_truth(directory, year)
        splits["test"] = _index_flat(tests[-1], truth, devkit, faults)
    return source.Source(
        kind="ilsvrc",
        name=year.name,
        synsets=devkit.synsets,
        class_names=devkit.class_names,
        splits=splits,
        skipped=faults.skipped,
        origin={"archives": source.describe_files([*paths, *tests[-1:]])},
    )


@dataclasses.dataclass
class _Devkit:
    """What the development kit says about classes and labels."""

    synsets: list[str]
    class_names: list[str]
    label_by_id: dict[int, int]
    validation_truth: list[int]


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


def _read_devkit(path, year):
    """Reads classes and validation labels from the devkit's archive."""
    truth_name = f"{year.name.upper()}_validation_ground_truth.txt"
    try:
        with tarfile.open(path, "r:gz") as archive:
            meta = _read_member(archive, "data/meta.mat")
            truth = _read_member(archive, f"data/{truth_name}")
        table = scipy.io.loadmat(io.BytesIO(meta), squeeze_me=True)["synsets"]
        leaves = [
            (str(row["WNID"]), str(row["words"]), int(row[year.id_field]))
            for row in table.reshape(-1)
            if int(row["num_children"]) == 0
        ]
        leaves.sort()
        if not leaves or len({leaf[0] for leaf in leaves}) != len(leaves):
            raise ValueError("no synsets, or one of them twice")
        validation_truth = [int(line) for line in truth.split()]
    except FileNotFoundError:
        raise
    except Exception as error:
        # A damaged archive fails in gzip, tar or MATLAB's format.
        raise ValueError(
            f"{path} must be the official development kit. Received: "
            f"{type(error).__name__}: {error}. Download it again."
        ) from None
    return _Devkit(
        synsets=[synset for synset, _, _ in leaves],
        class_names=[words for _, words, _ in leaves],
        label_by_id={leaf[2]: label for label, leaf in enumerate(leaves)},
        validation_truth=validation_truth,
    )


def _read_member(archive, ending):
    """Returns the contents of the file whose name ends so."""
    for member in archive:
        if member.isfile() and member.name.endswith(ending):
            if member.size > _MAX_DEVKIT_FILE_BYTES:
                raise ValueError(f"{member.name} of {member.size} bytes")
            return archive.extractfile(member).read()
    raise ValueError(f"no {ending}")


def _read_test_truth(directory, year):
    """Returns the ids of the test images; None where they are secret."""
    path = directory / year.test_truth
    if not year.test_truth or not path.is_file():
        return None
    return [int(line) for line in path.read_text().split()]


def _index_train(path, devkit, faults):
    """Indexes a tar of tars, one a synset."""
    builder = catalogue.CatalogueBuilder()
    builder.add_container(path)
    label_by_synset = {s: label for label, s in enumerate(devkit.synsets)}
    seen = set()
    try:
        for member in tar_index.members(path):
            synset = pathlib.PurePosixPath(member.name).name
            synset = synset.removesuffix(".tar")
            fault = member.fault
            if not fault and synset not in label_by_synset:
                fault = "the development kit has no class of that name"
            if not fault and synset in seen:
                fault = "another archive has the same name"
            if fault:
                faults.report(f"{path}: {member.name}", fault)
                continue
            seen.add(synset)
            source.add_tar(
                builder,
                faults,
                path,
                label_by_synset[synset],
                inside=member.name,
                start=member.offset,
                end=member.offset + member.size,
            )
    except tar_index.CutShort as error:
        faults.report(path, str(error))
    missing = len(devkit.synsets) - len(seen)
    if missing:
        logging.warning(
            "%s has no images of %d of the %d classes; labels stay as the "
            "development kit has them.",
            path.name,
            missing,
            len(devkit.synsets),
        )
    return builder.finish()


def _index_flat(path, truth, devkit, faults):
    """Indexes numbered images, whose labels are in a list of ids."""
    builder = catalogue.CatalogueBuilder()
    builder.add_container(path)

    def find_label(name):
        number = re.search(r"_(\d+)\.[A-Za-z]+$", name)
        if number is None:
            raise ValueError("its name has no number")
        if truth is None:
            return -1
        number = int(number[1])
        if not 1 <= number <= len(truth):
            raise ValueError(f"the ground truth has {len(truth)} lines only")
        if truth[number - 1] not in devkit.label_by_id:
            raise ValueError(f"no class has the id {truth[number - 1]}")
        return devkit.label_by_id[truth[number - 1]]

    faults_before = len(faults.skipped)
    count = source.add_tar(builder, faults, path, find_label)
    intact = len(faults.skipped) == faults_before
    if truth is not None and intact and count != len(truth):
        raise ValueError(
            f"{path} must hold an image for each line of its ground truth. "
            f"Received: {count} images, {len(truth)} lines. Check that archive "
            "and development kit belong together, and download them again."
        )
    return builder.finish()
