"""Draws Figure 4, right: images, and those of the data set nearest to them.

    python -m tools.find_similar --workdir=runs/alexnet \
        --data_dir=data/ilsvrc2012 --queries=cat.jpg,dog.jpg \
        --output=similar.png

Images are near where the last hidden layer, fc7, says nearly the same of
them. Its features of the whole split are written to WORKDIR/features once.
"""

import pathlib

import numpy as np
import tensorflow as tf
from absl import flags

from alexnet_tf import experiment, features, figures
from input_pipeline import sources, transforms
from tools import program, progress

_WORKDIR = flags.DEFINE_string(
    "workdir", None, "Folder of a run, such as runs/alexnet."
)
_DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "Where to search, if not where it was trained: data/x."
)
_QUERIES = flags.DEFINE_list(
    "queries", None, "Image files with commas, such as cat.jpg,dog.jpg."
)
_NEIGHBOURS = flags.DEFINE_integer(
    "neighbours", 6, "Images to show beside each query, such as 6."
)
_OUTPUT = flags.DEFINE_string(
    "output", None, "PNG file; WORKDIR/figures/similar.png if not given."
)
_SPLIT = flags.DEFINE_string(
    "split", "train", "Where to search: train, validation or test."
)
_CHECKPOINT = flags.DEFINE_string(
    "checkpoint", "best", "best (validation error), last, or a step: 5000."
)


def main(argv):
    """Finds, prints and draws the neighbours."""
    run = experiment.open_workdir(_WORKDIR.value, _DATA_DIR.value)
    queries = [_read(run, path) for path in _QUERIES.value]
    model, step = run.load(_CHECKPOINT.value)
    extract = features.make_extractor(model)
    base, labels = _base(run, extract, step)
    crops = transforms.evaluation_crops(
        tf.stack(queries),
        tf.constant(run.statistics.mean_image, tf.float32),
        run.config.data.crop_size,
        1,
        run.config.data.mean,
    )
    places, distances = features.nearest(
        extract(crops).numpy(), base, _NEIGHBOURS.value
    )
    names = run.info.class_names
    captions = []
    for path, near, far in zip(_QUERIES.value, places, distances, strict=True):
        found = [figures.short(names[labels[p]]) for p in near]
        captions.append([pathlib.Path(path).name, *found])
        words = (f"{n} {d:.1f}" for n, d in zip(found, far, strict=True))
        print(f"{path}: {', '.join(words)}")
    sheet = figures.neighbours_sheet(
        [query.numpy() for query in queries], _pictures(run, places), captions
    )
    default = run.workdir / "figures" / "similar.png"
    path = pathlib.Path(_OUTPUT.value or default)
    path.parent.mkdir(parents=True, exist_ok=True)
    figures.save_png(path, sheet)
    print(path)


def _read(run, path):
    """Returns a query as the records' images are."""
    data = pathlib.Path(path).read_bytes()
    try:
        return transforms.square_from_bytes(data, run.info.image_size)
    except (tf.errors.InvalidArgumentError, ValueError):
        raise ValueError(
            f"{path} must be an image, JPEG or PNG. Received: {len(data)} "
            "bytes that are none"
        ) from None


def _base(run, extract, step):
    """Returns the features and labels of the split, written if they must."""
    name = f"{_SPLIT.value}-{step:08d}"
    path = run.workdir / "features" / f"{name}.npy"
    count = run.info.splits[_SPLIT.value].num_images
    labels = path.with_suffix(".npz")
    if not (path.exists() and labels.exists()):
        dataset = run.make_eval_dataset(_SPLIT.value, 1, file_names=True)
        with progress.Progress("features", count, "images") as bar:
            features.write(path, extract, dataset, count, bar)
    with np.load(labels) as found:
        return np.load(path, mmap_mode="r"), found["labels"]


def _pictures(run, places):
    """Returns the images at some places of the split."""
    source = sources.open_source(run.config.data)
    index = source.load_index(_SPLIT.value)
    return [
        [
            transforms.decode(source.parse(index.read(int(p)))["image"]).numpy()
            for p in near
        ]
        for near in places
    ]


if __name__ == "__main__":
    flags.mark_flag_as_required("workdir")
    flags.mark_flag_as_required("queries")
    program.run(main)
