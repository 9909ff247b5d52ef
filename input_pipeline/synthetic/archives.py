"""ILSVRC-2012's three archives, filled with rendered images.

Names, nesting and fields are those of the official distribution: the training
archive holds a tar for each synset, the validation archive is flat, and the
development kit numbers the classes in an order that is not the sorted one. The
same settings give the same bytes.
"""

import contextlib
import dataclasses
import gzip
import io
import json
import pathlib
import tarfile

import numpy as np
import scipy.io

from input_pipeline import files, synthetic

TRAIN = "ILSVRC2012_img_train.tar"
VALIDATION = "ILSVRC2012_img_val.tar"
DEVKIT = "ILSVRC2012_devkit_t12.tar.gz"
# Says what the archives hold; it is written when they are complete.
SETTINGS = "render.json"
_LOCK = ".render.lock"

# Labels by ILSVRC2012_ID, whatever the number of classes: as in the official
# kit, a program that takes one order for the other gets its labels wrong.
_ID_ORDER = (6, 3, 9, 1, 8, 0, 5, 2, 7, 4)
_README = """\
Rendered images in the layout of the ILSVRC2012 development kit, made for demos
and tests by tools/render_dataset.py. This is NOT the official kit: its synsets
are invented.

data/meta.mat
    'synsets', a struct array with the official eight fields. Low level synsets
    (num_children == 0) come first; the last one is the root.
data/ILSVRC2012_validation_ground_truth.txt
    Line n is the ILSVRC2012_ID of ILSVRC2012_val_<n as 8 digits>.JPEG.
"""


@dataclasses.dataclass(frozen=True)
class RenderSettings:
    """All that decides what the archives hold."""

    classes: int = len(synthetic.CLASSES)
    train_per_class: int = 200
    validation_per_class: int = 50
    seed: int = 0
    version: int = synthetic.VERSION

    def labels_by_id(self):
        """Returns the label of each ILSVRC2012_ID, from ID 1 on."""
        return [label for label in _ID_ORDER if label < self.classes]

    def validation_labels(self):
        """Returns the label of each validation image, in order of the files."""
        labels = np.repeat(np.arange(self.classes), self.validation_per_class)
        return np.random.default_rng(self.seed).permutation(labels).tolist()

    def keys(self):
        """Returns the arguments of `synthetic.render_jpeg` for each image.

        They come as `write` takes the images: training images class after
        class, then validation images as their files are numbered.
        """
        keys = [
            (self.seed, "train", label, index)
            for label in range(self.classes)
            for index in range(self.train_per_class)
        ]
        seen = [0] * self.classes
        for label in self.validation_labels():
            keys.append((self.seed, "validation", label, seen[label]))
            seen[label] += 1
        return keys


@contextlib.contextmanager
def locked(directory):
    """A scope that keeps a second program from writing to the same folder.

    Args:
        directory: The folder; made if missing, and then removed if it is
            still empty at the end.
    """
    directory = pathlib.Path(directory)
    is_new = not directory.exists()
    directory.mkdir(parents=True, exist_ok=True)
    lock = directory / _LOCK

    def refuse(owner):
        return (
            f"Only one program may render into {directory}. Received: a second "
            f"one next to {owner}. Wait until the first has ended."
        )

    with files.locked(lock, refuse):
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)
            if is_new and not any(directory.iterdir()):
                directory.rmdir()


def is_complete(directory, settings):
    """Says whether a folder holds what the settings describe.

    Args:
        directory: The folder, which need not exist.
        settings: `RenderSettings`.

    Raises:
        ValueError: It holds archives of other settings or of another origin,
            which must not be overwritten.
    """
    directory = pathlib.Path(directory)
    names = (TRAIN, VALIDATION, DEVKIT)
    present = [name for name in names if (directory / name).exists()]
    record = _load_record(directory / SETTINGS)
    if record is None and present:
        raise ValueError(
            f"{directory} must hold no archives but rendered ones. Received: "
            f"{present[0]} without {SETTINGS}. Choose another --output_dir."
        )
    if record is None:
        return False
    found, expected = record["settings"], dataclasses.asdict(settings)
    changed = [f for f in expected if found.get(f) != expected[f]]
    if changed:
        differences = ", ".join(
            f"{field}={found.get(field)} there and {expected[field]} here"
            for field in changed
        )
        raise ValueError(
            f"{directory} must hold the data set that the flags describe. "
            f"Received: {differences}. Choose another --output_dir, or remove "
            "that folder."
        )
    sizes = {name: (directory / name).stat().st_size for name in present}
    return sizes == record["bytes"]


def write(directory, settings, jpegs):
    """Writes the three archives, all or none of them.

    Args:
        directory: A folder for which `is_complete` is false, `locked` if
            other programs may write to it; made if missing.
        settings: `RenderSettings`.
        jpegs: Iterator of the images as bytes, in the order of
            `settings.keys()`.
    """
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    writers = {TRAIN: _write_train, VALIDATION: _write_validation}
    writers[DEVKIT] = _write_devkit
    # A fixed name: what a killed run leaves is overwritten by the next.
    temporary = {name: directory / f".{name}.tmp" for name in writers}
    try:
        for name, writer in writers.items():
            with open(temporary[name], "wb") as file:
                writer(file, settings, jpegs)
        for name in writers:
            files.commit(temporary[name], directory / name)
        _write_record(directory, settings, writers)
    except BaseException as error:
        for name in writers:
            temporary[name].unlink(missing_ok=True)
            (directory / name).unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None:
            error.filename = str(directory)
        raise


def _load_record(path):
    """Returns the contents of render.json, or None if there is none."""
    if not path.exists():
        return None
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        return {"settings": dict(record["settings"]), "bytes": record["bytes"]}
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path} must be the file that render_dataset writes. Received: "
            f"{error}. Remove its folder, or choose another --output_dir."
        ) from None


def _write_record(directory, settings, names):
    """Writes render.json next to the finished archives."""
    record = {
        "settings": dataclasses.asdict(settings),
        "bytes": {name: (directory / name).stat().st_size for name in names},
    }
    files.write_json(directory / SETTINGS, record)


def _write_train(file, settings, jpegs):
    """Writes a tar of tars, a synset each."""
    with tarfile.open(fileobj=file, mode="w") as archive:
        for shown in synthetic.CLASSES[: settings.classes]:
            images = io.BytesIO()
            with tarfile.open(fileobj=images, mode="w") as inner:
                for number in range(1, settings.train_per_class + 1):
                    name = f"{shown.synset}_{number}.JPEG"
                    _add(inner, name, next(jpegs))
            _add(archive, f"{shown.synset}.tar", images.getvalue())


def _write_validation(file, settings, jpegs):
    """Writes a tar of numbered images."""
    with tarfile.open(fileobj=file, mode="w") as archive:
        for number in range(1, len(settings.validation_labels()) + 1):
            _add(archive, f"ILSVRC2012_val_{number:08d}.JPEG", next(jpegs))


def _write_devkit(file, settings, jpegs):
    """Writes names and ground truth; takes no images."""
    del jpegs
    id_of = {label: i for i, label in enumerate(settings.labels_by_id(), 1)}
    truth = "".join(f"{id_of[x]}\n" for x in settings.validation_labels())
    kit = DEVKIT.removesuffix(".tar.gz")
    contents = {
        "data/ILSVRC2012_validation_ground_truth.txt": truth.encode(),
        "data/meta.mat": _encode_meta(settings),
        "readme.txt": _README.encode(),
    }
    # Neither a file name nor the time belongs into reproducible bytes.
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w") as archive,
    ):
        for name, data in contents.items():
            _add(archive, f"{kit}/{name}", data)


def _encode_meta(settings):
    """Returns meta.mat: the classes in ID order, then their root."""
    synsets = [
        {
            "ILSVRC2012_ID": number,
            "WNID": synthetic.CLASSES[label].synset,
            "words": synthetic.CLASSES[label].name,
            "gloss": f"a rendered object: {synthetic.CLASSES[label].name}",
            "num_children": 0,
            "children": np.zeros((0, 0)),
            "wordnet_height": 0,
            "num_train_images": settings.train_per_class,
        }
        for number, label in enumerate(settings.labels_by_id(), start=1)
    ]
    root = {
        "ILSVRC2012_ID": settings.classes + 1,
        "WNID": "n90000000",
        "words": "rendered object",
        "gloss": "a shape with a texture and a colour, drawn by a program",
        "num_children": settings.classes,
        "children": np.arange(1, settings.classes + 1, dtype=np.uint16),
        "wordnet_height": 1,
        "num_train_images": 0,
    }
    rows = [tuple(synset.values()) for synset in [*synsets, root]]
    table = np.array(rows, [(field, object) for field in root])[:, None]
    file = io.BytesIO()
    scipy.io.savemat(file, {"synsets": table}, do_compression=True)
    # The first 116 bytes are a comment, in which SciPy writes the time.
    comment = b"MATLAB 5.0 MAT-file, rendered".ljust(116)
    return comment + file.getvalue()[len(comment) :]


def _add(archive, name, contents):
    """Adds a file, without time and owner, to a tar."""
    member = tarfile.TarInfo(name)
    member.size = len(contents)
    archive.addfile(member, io.BytesIO(contents))
