"""A folder like the official ILSVRC download, with a few rendered images."""

import io
import tarfile

import numpy as np
import scipy.io
from PIL import Image

# In the order of their ILSVRC ids, which is not the sorted one.
SYNSETS = ["n03000003", "n01000001", "n04000004", "n02000002"]
SORTED = sorted(SYNSETS)
NAMES = {
    2012: {
        "devkit": "ILSVRC2012_devkit_t12",
        "train": "ILSVRC2012_img_train.tar",
        "validation": "ILSVRC2012_img_val.tar",
        "test": "ILSVRC2012_img_test_v10102019.tar",
    },
    2010: {
        "devkit": "ILSVRC2010_devkit-1.0",
        "train": "ILSVRC2010_images_train.tar",
        "validation": "ILSVRC2010_images_val.tar",
        "test": "ILSVRC2010_images_test.tar",
    },
}


def render(seed=0, width=60, height=40):
    """Returns uint8 `(height, width, 3)`: a gradient with a bright square."""
    generator = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    colours = generator.uniform(0, 255, (3, 3))
    image = colours[0] + (colours[1] - colours[0]) * (x / width)[..., None]
    image = (image + colours[2] * (y / height)[..., None]) / 2
    top, left = generator.integers(0, [max(height // 2, 1), max(width // 2, 1)])
    image[top : top + height // 3, left : left + width // 3] = colours[2]
    return image.astype(np.uint8)


def encode(image, format_="JPEG", mode="RGB", **options):
    """Returns the bytes of an image file."""
    if format_ == "JPEG":
        options = {"quality": 90, **options}
    contents = io.BytesIO()
    Image.fromarray(image).convert(mode).save(contents, format_, **options)
    return contents.getvalue()


def render_jpeg(seed=0, width=60, height=40):
    """Returns the bytes of a JPEG file."""
    return encode(render(seed, width, height))


def make_tar(members, end=True):
    """Returns the bytes of a tar.

    Args:
        members: Pairs of name, or `tarfile.TarInfo`, and contents.
        end: Whether it has its end mark.
    """
    contents = io.BytesIO()
    with tarfile.open(fileobj=contents, mode="w") as archive:
        for name, data in members:
            member = name
            if isinstance(name, str):
                member = tarfile.TarInfo(name)
                member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
        size = archive.offset
    contents = contents.getvalue()
    return contents if end else contents[:size]


def train_images(per_class=3):
    """Returns name and contents of the training images of each synset."""
    return {
        synset: [
            (f"{synset}_{10 + i}.JPEG", render_jpeg(100 * number + i))
            for i in range(per_class)
        ]
        for number, synset in enumerate(SORTED)
    }


def numbered_images(kind, count, year=2012):
    """Returns name and contents of numbered images."""
    return [
        (f"ILSVRC{year}_{kind}_{i:08d}.JPEG", render_jpeg(1000 + i))
        for i in range(1, count + 1)
    ]


def make(
    directory,
    year=2012,
    train=None,
    validation=None,
    truth=(1, 2, 3, 4, 4, 1),
    test=None,
):
    """Writes the archives into a folder, which is made, and returns it.

    Args:
        directory: The folder.
        year: 2010 or 2012.
        train: Dict from synset to names and contents, or to the bytes of a
            tar; the default is `train_images()`.
        validation: Names and contents; the default is one for each of `truth`.
        truth: ILSVRC ids of the validation images, from 1.
        test: Names and contents of test images; None for no such archive.
    """
    names = NAMES[year]
    directory.mkdir(parents=True, exist_ok=True)
    train = train_images() if train is None else train
    tars = [
        (f"{s}.tar", c if isinstance(c, bytes) else make_tar(c))
        for s, c in train.items()
    ]
    (directory / names["train"]).write_bytes(make_tar(tars))
    if validation is None:
        validation = numbered_images("val", len(truth), year)
    (directory / names["validation"]).write_bytes(make_tar(validation))
    if test is not None:
        (directory / names["test"]).write_bytes(make_tar(test))
    counts = {
        s: 3 if isinstance(c, bytes) else len(c) for s, c in train.items()
    }
    write_devkit(directory, year, truth, counts)
    return directory


def write_devkit(directory, year=2012, truth=(1, 2, 3, 4, 4, 1), counts=None):
    """Writes classes, how many training images each has, and ground truth."""
    root = "devkit-1.0" if year == 2010 else NAMES[year]["devkit"]
    rows = [
        (i, synset, f"thing {synset}", "", 0, np.zeros(0), 0)
        + ((counts or {}).get(synset, 0 if counts else 3),)
        for i, synset in enumerate(SYNSETS, 1)
    ]
    rows.append((5, "n00000000", "root", "", 4, np.arange(1, 5), 1, 0))
    fields = [f"ILSVRC{year}_ID", "WNID", "words", "gloss", "num_children"]
    fields += ["children", "wordnet_height", "num_train_images"]
    table = np.array(rows, [(field, object) for field in fields])[:, None]
    meta = io.BytesIO()
    scipy.io.savemat(meta, {"synsets": table})
    lines = "".join(f"{number}\n" for number in truth).encode()
    members = {
        "data/meta.mat": meta.getvalue(),
        f"data/ILSVRC{year}_validation_ground_truth.txt": lines,
    }
    path = directory / f"{NAMES[year]['devkit']}.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, data in members.items():
            member = tarfile.TarInfo(f"{root}/{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))


def listing(catalogue):
    """Returns name and label of every image."""
    return [
        (catalogue.name(i), int(catalogue.rows["label"][i]))
        for i in range(len(catalogue))
    ]


def special_member(name, kind, target=""):
    """Returns a tar member that is no file."""
    member = tarfile.TarInfo(name)
    member.type = kind
    member.linkname = target
    return member


def make_folders(directory, classes=("cat", "dog"), count=4):
    """Writes class folders with a few files each."""
    for name in classes:
        (directory / name).mkdir(parents=True)
        for i in range(count):
            (directory / name / f"{i}.png").write_bytes(b"%d" % i)
    return directory
