"""What the last hidden layer says of images, and who is near to whom (§6.1)."""

import hashlib
import mmap
import pathlib
import typing

import numpy as np
import tensorflow as tf

from alexnet_tf import model as models
from alexnet_tf.weights import assign
from input_pipeline import files

# Rows of the base that are compared at a time: 128 MB of 4,096 features.
_BLOCK = 4096
# Queries that are compared with a block together, and pairs at a time.
_QUERIES = 256
_PAIRS = 2048


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
        # Without it the rows are nobody's, until it is written again.
        path.with_suffix(".npz").unlink(missing_ok=True)
    files.write_arrays(
        path.with_suffix(".npz"),
        labels=np.concatenate(labels),
        weights=weights,
        file_names=np.concatenate(names).astype(str),
    )
    return np.load(path, mmap_mode="r")


class SplitFeatures(typing.NamedTuple):
    """The features of a split.

    Attributes:
        rows: float32 `(n, features)`, mapped.
        labels: `(n,)`.
        positions: `(n,)`, of each row's record in the split: fewer than its
            records where damaged ones are left out.
    """

    rows: np.ndarray
    labels: np.ndarray
    positions: np.ndarray


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
        A `SplitFeatures`.
    """
    positions = run.whole_positions(split)
    path = run.workdir / "features" / f"{split}-{step:08d}.npy"
    labels = path.with_suffix(".npz")
    weights, count = fingerprint(model), len(positions)
    if positions[-1:].tolist() != [count - 1]:
        # Some are left out: which, is a part of whose features they are.
        weights += hashlib.blake2b(positions, digest_size=16).hexdigest()
    if not (path.exists() and labels.exists()) or _made_by(labels) != weights:
        dataset = run.make_eval_dataset(split, 1, file_names=True)
        with make_progress(count) as bar:
            write(path, make_extractor(model), dataset, count, bar, weights)
    with np.load(labels) as found:
        rows = np.load(path, mmap_mode="r")
        return SplitFeatures(rows, found["labels"], positions)


def fingerprint(model):
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
    need no more memory than a few blocks, whatever the number of queries.
    Products in float64 rule out what cannot be among the nearest, by a bound
    of their rounding; the others' differences are squared and summed.

    Args:
        queries: `(n, features)`.
        base: `(rows, features)`, in memory or mapped.
        count: Rows to find for each query.
        progress: Has `update(rows)`, or `None`.

    Returns:
        Positions int64 `(n, count)` and distances float64 `(n, count)`, nearest
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
    positions = np.full((len(queries), count), len(base), np.int64)
    squares = np.full((len(queries), count), np.inf)
    for start in range(0, len(base), _BLOCK):
        block = np.asarray(base[start : start + _BLOCK], np.float64)
        for first in range(0, len(queries), _QUERIES):
            some = slice(first, first + _QUERIES)
            rows = queries[some].astype(np.float64)
            number, row = _candidates(rows, block, squares[some, -1], count)
            found = _squared_distances(rows, number, block, row)
            positions[some], squares[some] = _merge(
                positions[some], squares[some], number, row + start, found
            )
        if progress is not None:
            progress.update(len(block))
        _forget(base)
    return positions, np.sqrt(squares)


def _candidates(queries, block, limits, count):
    """Returns the pairs of a query and a row that may be near enough.

    Args:
        queries: float64 `(n, features)`.
        block: float64 `(rows, features)`.
        limits: `(n,)`, squared distances above which nothing matters.
        count: Rows to find.

    Returns:
        Two arrays: numbers of queries, and of rows of the block.
    """
    lengths = np.einsum("ij,ij->i", queries, queries)[:, np.newaxis]
    sums = lengths + np.einsum("ij,ij->i", block, block)
    found = sums - 2 * (queries @ block.T)
    # A sum of so many products is off by their number times half the spacing
    # of float64 at most; four times that is on the safe side.
    bound = 4 * block.shape[1] * np.finfo(np.float64).eps * sums
    kth = min(found.shape[1], count) - 1
    nearest_upper = np.partition(found + bound, kth, axis=1)[:, kth]
    limits = np.minimum(limits, nearest_upper)[:, np.newaxis]
    return np.nonzero(found - bound <= limits)


def _squared_distances(queries, number, block, row):
    """Returns the squared distance of each pair, in float64."""
    found = np.empty(len(number))
    for start in range(0, len(number), _PAIRS):
        some = slice(start, start + _PAIRS)
        difference = queries[number[some]] - block[row[some]]
        found[some] = np.einsum("ij,ij->i", difference, difference)
    return found


def _merge(positions, squares, number, row, found):
    """Returns the nearest of those known and those found, in order.

    Args:
        positions: int64 `(n, count)`, of those known.
        squares: float64 `(n, count)`, their squared distances.
        number: `(pairs,)`, of the query of each pair found.
        row: `(pairs,)`, its row in the base.
        found: `(pairs,)`, its squared distance.
    """
    count = positions.shape[1]
    number = np.concatenate(
        [np.repeat(np.arange(len(positions)), count), number]
    )
    row = np.concatenate([positions.ravel(), row])
    found = np.concatenate([squares.ravel(), found])
    # Of equal distances the earlier row.
    order = np.lexsort((row, found, number))
    starts = np.searchsorted(number[order], np.arange(len(positions)))
    best = order[starts[:, np.newaxis] + np.arange(count)]
    return row[best], found[best]


def _forget(rows):
    """Gives back the memory of what was read of a mapped file."""
    while isinstance(rows, np.ndarray):
        rows = rows.base
    if isinstance(rows, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        rows.madvise(mmap.MADV_DONTNEED)
