"""The development kit of ILSVRC-2010 and ILSVRC-2012: classes and labels."""

import dataclasses
import gzip
import io
import pathlib
import tarfile

import scipy.io

from input_pipeline.conversion.sources import source

_MAX_BYTES = 2**28
# Also of those who have no devkit: the names as they are in the archives.
_NAMES = {
    "ilsvrc2012": "ILSVRC2012_devkit_t12",
    "ilsvrc2010": "ILSVRC2010_devkit-1.0",
}


@dataclasses.dataclass
class Devkit:
    """What the development kit says about classes and labels.

    Attributes:
        synsets: WordNet ids by label, sorted.
        class_names: English names by label.
        label_by_id: From the kit's own numbers, which begin at 1.
        validation_ids: The kit's number of each validation image, in order.
        num_train_images: By label; None where the kit does not say.
    """

    synsets: list[str]
    class_names: list[str]
    label_by_id: dict[int, int]
    validation_ids: list[int]
    num_train_images: list[int] | None

    def find_label(self, name, ids):
        """Returns the label of an image such as `..._val_00000001.JPEG`.

        Args:
            name: Of its file.
            ids: The kit's number of each image; None gives -1.

        Raises:
            ValueError: It has none; says why.
        """
        number = source.image_number(name)
        if number is None:
            raise ValueError("its name has no number")
        if ids is None:
            return -1
        if not 1 <= number <= len(ids):
            raise ValueError(f"the ground truth has {len(ids)} lines only")
        if ids[number - 1] not in self.label_by_id:
            raise ValueError(f"no class has the id {ids[number - 1]}")
        return self.label_by_id[ids[number - 1]]


def find(directory, year="ilsvrc2012"):
    """Returns the kit in a folder, packed or not; None if there is none."""
    for suffix in (".tar.gz", ""):
        path = pathlib.Path(directory, _NAMES[year] + suffix)
        if path.exists():
            return path
    return None


def load(path, year="ilsvrc2012"):
    """Reads a kit.

    Args:
        path: Its archive, or the folder that was in it.
        year: "ilsvrc2010" or "ilsvrc2012".

    Raises:
        ValueError: It is damaged, or something else.
    """
    truth_name = f"data/{year.upper()}_validation_ground_truth.txt"
    try:
        files = _read_files(path, ("data/meta.mat", truth_name))
        table = scipy.io.loadmat(
            io.BytesIO(files["data/meta.mat"]), squeeze_me=True
        )["synsets"]
        leaves = sorted(
            (
                (str(row["WNID"]), str(row["words"]), row)
                for row in table.reshape(-1)
                if int(row["num_children"]) == 0
            ),
            key=lambda leaf: leaf[:2],
        )
        if not leaves or len({leaf[0] for leaf in leaves}) != len(leaves):
            raise ValueError("no synsets, or one of them twice")
        rows = [row for _, _, row in leaves]
        ids = [int(row[f"{year.upper()}_ID"]) for row in rows]
        counts = None
        if "num_train_images" in table.dtype.names:
            counts = [int(row["num_train_images"]) for row in rows]
        return Devkit(
            synsets=[synset for synset, _, _ in leaves],
            class_names=[words for _, words, _ in leaves],
            label_by_id={number: label for label, number in enumerate(ids)},
            validation_ids=[int(n) for n in files[truth_name].split()],
            num_train_images=counts,
        )
    except FileNotFoundError:
        raise
    except Exception as error:
        # A damaged archive fails in gzip, tar or MATLAB's format.
        raise ValueError(
            f"{path} must be the official development kit. Received: "
            f"{type(error).__name__}: {error}. Download it again."
        ) from None


def check_counts(kit, counts, path, faults):
    """Compares the training images of each class with what the kit counts.

    Args:
        kit: A `Devkit`.
        counts: Number of files found, by label.
        path: Where they were found.
        faults: A `source.Faults`.

    Raises:
        ValueError: There are fewer or more, and nothing may be left out.
    """
    expected = kit.num_train_images or []
    wrong = [
        f"{kit.synsets[label]}: {counts[label]} images instead of {count}"
        for label, count in enumerate(expected)
        if counts[label] != count
    ]
    if wrong and faults.on_error == "fail":
        raise ValueError(
            f"{path} must hold the images that the development kit counts "
            f"(num_train_images). Received: {'; '.join(wrong[:3])}"
            f"{f'; and {len(wrong) - 3} more classes' * (len(wrong) > 3)}. "
            "Download it again, or pass --on_error=skip to convert what is "
            "there and list these classes."
        )
    for words in wrong:
        faults.record(path, f"{words}, by the development kit")


def check_numbers(ids, contents, path, faults):
    """Compares numbered images with the ground truth.

    Args:
        ids: The lines of the ground truth.
        contents: A `source.Contents`.
        path: Where the images were found.
        faults: A `source.Faults`.

    Raises:
        ValueError: They do not belong together.
    """
    if contents.count == len(ids):
        return
    if not contents.is_damaged:
        raise ValueError(
            f"{path} must hold an image for each line of its ground truth. "
            f"Received: {contents.count} images, {len(ids)} lines. Check that "
            "archive and development kit belong together, and download them "
            "again."
        )
    found = {source.image_number(name) for name in contents.names}
    for number in sorted(set(range(1, len(ids) + 1)) - found):
        faults.record(path, f"image {number} is missing, lost in the damage")


def _read_files(path, names):
    """Returns the contents of files of the kit, by name."""
    path = pathlib.Path(path)
    if path.is_dir():
        return {name: (path / name).read_bytes() for name in names}
    with gzip.open(path) as file:
        # To its end, where the checksum is compared.
        contents = file.read(_MAX_BYTES + 1)
    if len(contents) > _MAX_BYTES:
        raise ValueError(f"more than {_MAX_BYTES} bytes")
    found = {}
    with tarfile.open(fileobj=io.BytesIO(contents)) as archive:
        for member in archive:
            for name in names:
                if member.isfile() and member.name.endswith(name):
                    found[name] = archive.extractfile(member).read()
    for name in names:
        if name not in found:
            raise ValueError(f"no {name}")
    return found
