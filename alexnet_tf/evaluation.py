"""Probabilities over one or ten crops; top-k errors (§4.1, §6)."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from input_pipeline.transforms import ten_crops

__all__ = [
    "errors",
    "has_labels",
    "interval",
    "make_predictor",
    "per_class",
    "predict",
    "probabilities",
    "ten_crops",
    "topk_error",
]

TIES = ("class order", "original")
_BLOCK = 4096

# A probability of 0 in float32 would make the loss infinite.
_SMALLEST = np.finfo(np.float32).tiny


def probabilities(model: keras.Model, crops: tf.Tensor) -> tf.Tensor:
    """Returns the softmax outputs of a network, averaged over the crops.

    Args:
        model: Maps images to logits.
        crops: float32 `(n, size, size, 3)`, or `(n, 10, size, size, 3)`.

    Returns:
        float32 `(n, classes)`.
    """
    views = crops.shape[1] if crops.shape.rank == 5 else 1
    images = tf.reshape(crops, (-1, *crops.shape[-3:]))
    logits = tf.cast(model(images, training=False), tf.float32)
    softmax = tf.nn.softmax(logits)
    softmax = tf.reshape(softmax, (-1, views, softmax.shape[-1]))
    return tf.reduce_mean(softmax, axis=1)


def make_predictor(model: keras.Model) -> Callable[..., Any]:
    """Returns `probabilities` of a model as a function of crops, compiled."""
    return tf.function(
        lambda crops: probabilities(model, crops), autograph=False
    )


def predict(
    predictor: Callable[..., Any],
    dataset: tf.data.Dataset,
    progress: Any = None,
    interruption: Any = None,
    count: int | None = None,
) -> dict[str, np.ndarray]:
    """Returns what a network thinks of every image of a dataset.

    Args:
        predictor: What `make_predictor` returned.
        dataset: Yields `(crops, labels)` or `(crops, labels, file_names)`.
        progress: Has `update(images)`, or `None`.
        interruption: An `interruption.Interruption` that is looked at
            between batches, or `None`.
        count: Images of the dataset, if that is known: the probabilities are
            then put in their place at once, and never copied.

    Returns:
        A dict of arrays: "probabilities" float32 `(n, classes)`, "labels"
        int32 `(n,)` and, where the dataset has them, "file_names".

    Raises:
        KeyboardInterrupt: The interruption was requested.
        ValueError: The dataset is empty, or has more images than `count`.
    """
    rows: Any = None
    batches, done = [], 0
    for crops, *rest in dataset:
        if interruption is not None and interruption.requested:
            raise KeyboardInterrupt
        found = predictor(crops).numpy()
        if count is None:
            rows = [] if rows is None else rows
            rows.append(found)
        else:
            if rows is None:
                rows = np.empty((count, found.shape[1]), found.dtype)
            if done + len(found) > count:
                raise ValueError(
                    f"There must be {count} images. Received more than that."
                )
            rows[done : done + len(found)] = found
        done += len(found)
        batches.append([part.numpy() for part in rest])
        if progress is not None:
            progress.update(len(found))
    if not done:
        raise ValueError("There must be images to evaluate. Received: none")
    rows = np.concatenate(rows) if count is None else rows[:done]
    columns = [np.concatenate(c) for c in zip(*batches, strict=True)]
    names = ("labels", "file_names")
    return {"probabilities": rows, **dict(zip(names, columns, strict=False))}


def has_labels(labels: np.ndarray) -> bool:
    """Returns whether images have labels; a test split's are -1, all of them.

    Raises:
        ValueError: Some have one and others have none.
    """
    without = np.asarray(labels) < 0
    if without.any() and not without.all():
        raise ValueError(
            "All images of a split must have labels, or none. Received: "
            f"{int(without.sum())} of {len(without)} without"
        )
    return not bool(without.all())


def errors(
    probabilities: np.ndarray, labels: np.ndarray, ties: str = "class order"
) -> dict[str, float]:
    """Returns the figures of Tables 1 and 2.

    Args:
        probabilities: `(n, classes)`.
        labels: `(n,)`, from 0.
        ties: See `topk_error`.

    Returns:
        A dict of floats: "loss", the mean negative log-probability of the
        label in nats, "top1_error" and "top5_error" as fractions.
    """
    chosen = probabilities[np.arange(len(labels)), labels]
    return {
        "loss": float(-np.mean(np.log(np.maximum(chosen, _SMALLEST)))),
        "top1_error": topk_error(probabilities, labels, 1, ties),
        "top5_error": topk_error(probabilities, labels, 5, ties),
    }


def topk_error(
    probabilities: np.ndarray,
    labels: np.ndarray,
    k: int,
    ties: str = "class order",
) -> float:
    """Returns the fraction of images whose label is not among the k best.

    Args:
        probabilities: `(n, classes)`.
        labels: `(n,)`, from 0.
        k: 1 or more.
        ties: "class order": of equal probabilities the lower class counts as
            the better one. "original": labels that are equal to others share
            the places that are left, as the authors' program counts
            (src/layer_kernels.cu).

    Raises:
        ValueError: There are no images, a label is no class, or `k` is less
            than 1.
    """
    return float(1.0 - np.mean(_credits(probabilities, labels, k, ties)))


def is_wrong(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Returns for each image whether its best class is not its label, bool.

    Of equal probabilities the lower class counts as the better one.
    """
    return _credits(probabilities, labels, 1) == 0


def _credits(probabilities, labels, k, ties="class order"):
    """Returns for each image how far its label is among the k best."""
    probabilities, labels = np.asarray(probabilities), np.asarray(labels)
    if k < 1 or not len(labels):
        raise ValueError(
            "There must be images, and k must be 1 or more. "
            f"Received: {len(labels)} images, k={k}"
        )
    if ties not in TIES:
        raise ValueError(
            f"ties must be one of {', '.join(TIES)}. Received: {ties!r}"
        )
    classes = probabilities.shape[1]
    if labels.min() < 0 or labels.max() >= classes:
        raise ValueError(
            f"Labels must be from 0 to {classes - 1}. "
            f"Received: {labels.min()} to {labels.max()}"
        )
    # By blocks, as masks of 50,000 x 1,000 take more memory than the figures.
    found = []
    for start in range(0, len(labels), _BLOCK):
        rows = probabilities[start : start + _BLOCK]
        mine = labels[start : start + _BLOCK, np.newaxis]
        chosen = np.take_along_axis(rows, mine, axis=1)
        higher = (rows > chosen).sum(axis=1)
        equal = rows == chosen
        if ties == "original":
            credit = ((k - higher) / equal.sum(axis=1).clip(1)).clip(0, 1)
        else:
            earlier = equal & (np.arange(classes) < mine)
            credit = (higher + earlier.sum(axis=1) < k).astype(float)
        # Written so that an image without a number for its label is an error.
        found.append(np.where(np.isnan(chosen[:, 0]), 0.0, credit))
    return np.concatenate(found)


def interval(error: float, count: int) -> tuple[float, float]:
    """Returns Wilson's 95% interval of an error found on `count` images.

    Args:
        error: A fraction.
        count: Images, 1 or more.
    """
    z = 1.959964
    centre = (error + z * z / (2 * count)) / (1 + z * z / count)
    half = (z / (1 + z * z / count)) * np.sqrt(
        error * (1 - error) / count + (z / (2 * count)) ** 2
    )
    return float(max(0.0, centre - half)), float(min(1.0, centre + half))


def per_class(
    probabilities: np.ndarray, labels: np.ndarray, class_names: Sequence[str]
) -> dict[str, Any]:
    """Returns what goes wrong, by class.

    Args:
        probabilities: `(n, classes)`.
        labels: `(n,)`, from 0.
        class_names: By label.

    Returns:
        A dict: "classes", a list of dicts `name`, `images`, `top1_error` for
        the classes that have images; "confused", the ten pairs of a class
        and a wrong guess that come most often, as dicts `label`, `guess`,
        `images`.
    """
    labels = np.asarray(labels, np.int64)
    classes = len(class_names)
    guesses = np.argmax(probabilities, axis=1)
    totals = np.bincount(labels, minlength=classes)
    hits = np.bincount(labels[labels == guesses], minlength=classes)
    # Only the pairs that occur: a table would grow with classes squared.
    pairs, images = np.unique(
        (labels * classes + guesses)[labels != guesses], return_counts=True
    )
    most = np.lexsort((pairs, -images))[:10]
    return {
        "classes": [
            {
                "name": class_names[int(c)],
                "images": int(totals[c]),
                "top1_error": float(1 - hits[c] / totals[c]),
            }
            for c in np.flatnonzero(totals)
        ],
        "confused": [
            {
                "label": class_names[pair // classes],
                "guess": class_names[pair % classes],
                "images": int(count),
            }
            for pair, count in zip(pairs[most], images[most], strict=True)
        ],
    }
