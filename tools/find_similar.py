r"""Draws Figure 4, right: images, and those of the data set nearest to them.

    python -m tools.find_similar --workdir=runs/alexnet \
        --data_dir=data/ilsvrc2012 --queries=cat.jpg,dog.jpg \
        --output=similar.png

Images are near where the last hidden layer, fc7, says nearly the same of
them. Its features of the whole split are written to WORKDIR/features once.
With --bits=128 an auto-encoder makes binary codes of them first, and the
search is by Hamming distance; how many true neighbours that finds is printed.
Without --queries every image of the validation split is one: what is printed
is the share of neighbours of its own class, next to chance.
"""

if __name__ == "__main__" and not __package__:
    import by_path  # noqa: F401, makes it `python -m tools.NAME`

import pathlib

import numpy as np
import tensorflow as tf

from alexnet_tf.analysis import binary_codes, features, figures
from alexnet_tf.cli import program, progress
from alexnet_tf.experiment import experiment

flags = program.Flags()

_WORKDIR = flags.DEFINE_string(
    "workdir",
    None,
    "Folder of a run, such as runs/alexnet.",
    required=True,
)
_DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "Where the records are now, if they have moved."
)
_QUERIES = flags.DEFINE_list(
    "queries",
    None,
    "Image files with commas, such as cat.jpg,dog.jpg; or none.",
)
_NEIGHBOURS = flags.DEFINE_integer(
    "neighbours", 6, "Images to show next to each query, such as 6."
)
_OUTPUT = flags.DEFINE_string(
    "output", None, "PNG file; WORKDIR/figures/similar.png if not given."
)
_SPLIT = flags.DEFINE_string(
    "split", "train", "Where to search: train, validation or test."
)
_CHECKPOINT = flags.DEFINE_checkpoint()
_BITS = flags.DEFINE_integer(
    "bits",
    0,
    "Search by binary codes of so many bits, such as 64, 128 or 256, that an "
    "auto-encoder learns from the split; 0 for the features themselves.",
)
_EPOCHS = 20
_PROBES = 1000
_TEN = 10


def main(argv):
    """Finds, prints and draws the neighbours."""
    run = experiment.open_workdir(_WORKDIR.value, _DATA_DIR.value)
    classifier, step = run.load_classifier(_CHECKPOINT.value)
    model = classifier.model
    queries = [classifier.read(path) for path in _QUERIES.value or ()]
    base, labels, records = features.load_or_compute(
        run, model, step, _SPLIT.value, _bar
    )
    if not queries:
        _print_share(run, model, step, base, labels)
        return
    crops = classifier.crops(tf.stack(queries))
    positions, distances = _search(
        base,
        features.make_extractor(model)(crops).numpy(),
        _NEIGHBOURS.value,
    )
    names = classifier.class_names
    captions = []
    for path, near, far in zip(
        _QUERIES.value, positions, distances, strict=True
    ):
        found = [figures.short(names[labels[p]]) for p in near]
        captions.append([pathlib.Path(path).name, *found])
        words = (f"{n} {d:.1f}" for n, d in zip(found, far, strict=True))
        print(f"{path}: {', '.join(words)}")
    sheet = figures.neighbours_sheet(
        [query.numpy() for query in queries],
        _pictures(run, records[positions]),
        captions,
    )
    default = run.workdir / "figures" / "similar.png"
    path = pathlib.Path(_OUTPUT.value or default)
    path.parent.mkdir(parents=True, exist_ok=True)
    figures.save_png(path, sheet)
    print(path)


def _bar(total, name="features"):
    """Returns a bar of images."""
    return progress.Progress(name, total, "images")


def _search(base, queries, count):
    """Returns positions and distances of the neighbours."""
    if _BITS.value:
        return _search_codes(base, queries, count)
    with _bar(len(base), "search") as bar:
        return features.nearest(queries, base, count, bar)


def _print_share(run, model, step, base, labels):
    """Prints how many neighbours of validation images share their class."""
    asked, own, _ = features.load_or_compute(
        run, model, step, "validation", _bar
    )
    # Within its own split an image is its own nearest: it does not count.
    itself = int(_SPLIT.value == "validation")
    positions, _ = _search(base, np.asarray(asked), _NEIGHBOURS.value + itself)
    if itself:
        positions = _without(positions, np.arange(len(own)))
    share = np.mean(labels[positions] == own[:, np.newaxis])
    others = [np.sum(labels == label) - itself for label in own]
    chance = np.mean(others) / (len(labels) - itself)
    print(
        f"{share:.1%} of the {_NEIGHBOURS.value} nearest images in "
        f"{_SPLIT.value} show the class of the query ({len(own)} validation "
        f"images, step {step}; chance: {chance:.1%})"
    )


def _search_codes(base, queries, count):
    """Returns neighbours by Hamming distance, and prints what codes lose."""
    if len(base) < 2 or count > len(base):
        raise ValueError(
            f"{_SPLIT.value} must have as many images as neighbours, and two. "
            f"Received: {len(base)} images, {count} neighbours"
        )
    most = min(_TEN, len(base) - 1)
    with _bar(_EPOCHS * len(base), "codes") as bar:
        encode = binary_codes.train(base, _BITS.value, _EPOCHS, progress=bar)
    packed = encode(base)
    # Every image is its own nearest: it does not count.
    positions = np.linspace(0, len(base) - 1, min(_PROBES, len(base))).astype(
        int
    )
    true, _ = features.nearest(base[positions], base, most + 1)
    found, _ = binary_codes.nearest(packed[positions], packed, most + 1)
    share = binary_codes.recall(
        _without(found, positions), _without(true, positions)
    )
    print(
        f"{_BITS.value} bits an image: {share:.1%} of the {most} nearest "
        f"images are among the {most} nearest codes ({len(positions)} images)"
    )
    return binary_codes.nearest(encode(queries), packed, count)


def _without(found, positions):
    """Returns each row's positions but for its own, one fewer."""
    return np.stack(
        [
            row[row != position][: len(row) - 1]
            for row, position in zip(found, positions, strict=True)
        ]
    )


def _pictures(run, positions):
    """Returns the images at some positions of the split."""
    return [run.images_at(_SPLIT.value, near) for near in positions]


if __name__ == "__main__":
    program.run(main, flags)
