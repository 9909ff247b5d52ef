"""What the last hidden layer says of images, and who is near to whom (§6.1)."""

import hashlib
import mmap
import pathlib

import numpy as np
import tensorflow as tf

from alexnet_tf import model as models
from alexnet_tf.weights import assign
from input_pipeline import files

# Rows of the base that are compared at a time: 128 MB of 4,096 features.
_BLOCK = 8192


def make_extractor(model, layer_name="fc7"):
    """Returns a function from images to features, compiled.

    Args:
        model: What `model.build` returned.
        layer_name: Whose outputs, rectified; the paper's is fc7.
    """
    extractor = models.feature_extractor(model, layer_name)
    return tf.function(
        lambda images: tf.cast(extractor(images, training=False), tf.float32)
    )


def write(path, extract, dataset, count, progress=None, weights=""):
    """Writes the features of a split, to be mapped into memory.

    Args:
        path: The npy file: float32 `(count, features)`. Labels and file names
            are stored in PATH with .npz for its ending.
        extract: What `make_extractor` returned.
        dataset: Yields `(images, labels, file_names)`.
        count: Images of the split.
        progress: Has `update(images)`, or `None`.
        weights: Stored with the labels, to tell whose features they are.

    Returns:
        The features, mapped.

    Raises:
        ValueError: The dataset has another number of images.
    """
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    labels, names, done, rows = [], [], 0, None
    with files.unfinished(path) as temporary:
        for images, label, name in dataset:
            found = extract(images).numpy()
            if rows is None:
                rows = np.lib.format.open_memmap(
                    temporary, "w+", np.float32, (count, found.shape[1])
                )
            if done + len(found) > count:
                done += len(found)
                break
            rows[done : done + len(found)] = found
            done += len(found)
            labels.append(label.numpy())
            names.append(name.numpy())
            if progress is not None:
                progress.update(len(found))
        if done != count:
            raise ValueError(
                f"The split must have {count} images, as dataset.json says. "
                f"Found: {done}. List the faults with: "
                "python -m tools.verify_tfrecords --help"
            )
        rows.flush()
        files.write_arrays(
            path.with_suffix(".npz"),
            labels=np.concatenate(labels),
            weights=weights,
            file_names=np.concatenate(names).astype(str),
        )
    return np.load(path, mmap_mode="r")


def load_or_compute(run, model, step, split, make_progress):
    """Returns the features of a split, from the workdir or written there.

    Args:
        run: An `experiment.Experiment`.
        model: Its network.
        step: The network's.
        split: "train", "validation" or "test".
        make_progress: Called as `make_progress(total)`, returns a scope with
            `update(images)`.

    Returns:
        The features float32 `(n, features)`, mapped, and the labels.
    """
    run.open_source(split)
    path = run.workdir / "features" / f"{split}-{step:08d}.npy"
    count = run.info.splits[split].num_images
    labels = path.with_suffix(".npz")
    weights = _fingerprint(model)
    if not (path.exists() and labels.exists()) or _made_by(labels) != weights:
        dataset = run.make_eval_dataset(split, 1, file_names=True)
        with make_progress(count) as bar:
            write(path, make_extractor(model), dataset, count, bar, weights)
    with np.load(labels) as found:
        return np.load(path, mmap_mode="r"), found["labels"]


def _fingerprint(model):
    """Returns a few characters that tell a model's weights from others."""
    digest = hashlib.blake2b(digest_size=16)
    for array in assign.to_arrays(model).values():
        digest.update(np.ascontiguousarray(array))
    return digest.hexdigest()


def _made_by(labels):
    """Returns the fingerprint of the weights that wrote a file of features."""
    with np.load(labels) as found:
        return str(found["weights"]) if "weights" in found else ""


def nearest(queries, base, count=6, progress=None):
    """Returns the rows of a base that are nearest to each query, exactly.

    Euclidean distance of raw features, as the authors' program takes it. The
    base is read once, in blocks, and never whole: 1.28 million rows of 4,096
    need no more memory than a few blocks. Candidates come from float32
    products; their order is that of distances in float64.

    Args:
        queries: `(n, features)`.
        base: `(rows, features)`, in memory or mapped.
        count: Rows to find for each query.
        progress: Has `update(rows)`, or `None`.

    Returns:
        Places int64 `(n, count)` and distances float64 `(n, count)`, nearest
        first; of equal distances the earlier row first.

    Raises:
        ValueError: There are fewer rows than asked for, or other features.
    """
    queries = np.asarray(queries, np.float32)
    if not 1 <= count <= len(base) or queries.shape[1] != base.shape[1]:
        raise ValueError(
            "There must be as many rows as neighbours, with the queries' "
            f"features. Received: {count} neighbours, rows {base.shape}, "
            f"queries {queries.shape}"
        )
    # More than asked for, as float32 may swap those that are almost equal.
    kept = min(len(base), count + 8)
    positions = np.empty((len(queries), 0), np.int64)
    scores = np.empty((len(queries), 0), np.float32)
    squares = np.einsum("ij,ij->i", queries, queries)[:, np.newaxis]
    for start in range(0, len(base), _BLOCK):
        block = np.asarray(base[start : start + _BLOCK], np.float32)
        found = squares + np.einsum("ij,ij->i", block, block)
        found -= 2 * (queries @ block.T)
        here = np.arange(start, start + len(block))
        positions = np.hstack([positions, np.broadcast_to(here, found.shape)])
        scores = np.hstack([scores, found])
        if scores.shape[1] > kept:
            best = np.argpartition(scores, kept - 1, axis=1)[:, :kept]
            positions = np.take_along_axis(positions, best, axis=1)
            scores = np.take_along_axis(scores, best, axis=1)
        if progress is not None:
            progress.update(len(block))
        _forget(base)
    order = np.argsort(positions, axis=1)
    positions = np.take_along_axis(positions, order, axis=1)
    distances = np.stack(
        [
            np.linalg.norm(
                np.asarray(base[mine], np.float64) - query.astype(np.float64),
                axis=1,
            )
            for mine, query in zip(positions, queries, strict=True)
        ]
    )
    order = np.argsort(distances, axis=1, kind="stable")[:, :count]
    return (
        np.take_along_axis(positions, order, axis=1),
        np.take_along_axis(distances, order, axis=1),
    )


def _forget(rows):
    """Gives back the memory of what was read of a mapped file."""
    while isinstance(rows, np.ndarray):
        rows = rows.base
    if isinstance(rows, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        rows.madvise(mmap.MADV_DONTNEED)
