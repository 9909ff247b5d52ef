"""Probabilities over one or ten crops; top-k errors (§4.1, §6)."""

import numpy as np
import tensorflow as tf

from input_pipeline.transforms import ten_crops

__all__ = [
    "errors",
    "make_predictor",
    "predict",
    "probabilities",
    "ten_crops",
    "topk_error",
]

# A probability of 0 in float32 would make the loss infinite.
_SMALLEST = np.finfo(np.float32).tiny


def probabilities(model, crops):
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


def make_predictor(model):
    """Returns `probabilities` of a model as a function of crops, compiled."""
    return tf.function(lambda crops: probabilities(model, crops))


def predict(predictor, dataset, progress=None, interruption=None):
    """Returns what a network thinks of every image of a dataset.

    Args:
        predictor: What `make_predictor` returned.
        dataset: Yields `(crops, labels)` or `(crops, labels, file_names)`.
        progress: Has `update(images)`, or `None`.
        interruption: An `interruption.Interruption` that is looked at
            between batches, or `None`.

    Returns:
        A dict of arrays: "probabilities" float32 `(n, classes)`, "labels"
        int32 `(n,)` and, where the dataset has them, "file_names".

    Raises:
        KeyboardInterrupt: The interruption was requested.
        ValueError: The dataset is empty.
    """
    batches = []
    for crops, *rest in dataset:
        if interruption is not None and interruption.requested:
            raise KeyboardInterrupt
        batches.append(
            [predictor(crops).numpy(), *(part.numpy() for part in rest)]
        )
        if progress is not None:
            progress.update(len(batches[-1][0]))
    if not batches:
        raise ValueError("There must be images to evaluate. Received: none")
    columns = [np.concatenate(c) for c in zip(*batches, strict=True)]
    names = ("probabilities", "labels", "file_names")
    return dict(zip(names, columns, strict=False))


def errors(probabilities, labels):
    """Returns the figures of Tables 1 and 2.

    Args:
        probabilities: `(n, classes)`.
        labels: `(n,)`, from 0.

    Returns:
        A dict of floats: "loss", the mean negative log-probability of the
        label in nats, "top1_error" and "top5_error" as fractions.
    """
    chosen = probabilities[np.arange(len(labels)), labels]
    return {
        "loss": float(-np.mean(np.log(np.maximum(chosen, _SMALLEST)))),
        "top1_error": topk_error(probabilities, labels, 1),
        "top5_error": topk_error(probabilities, labels, 5),
    }


def topk_error(probabilities, labels, k):
    """Returns the fraction of images whose label is not among the k best.

    Of equal probabilities the lower class index counts as the better one.

    Args:
        probabilities: `(n, classes)`.
        labels: `(n,)`, from 0.
        k: 1 or more.

    Raises:
        ValueError: There are no images, a label is no class, or `k` is less
            than 1.
    """
    probabilities, labels = np.asarray(probabilities), np.asarray(labels)
    if k < 1 or not len(labels):
        raise ValueError(
            "There must be images, and k must be 1 or more. "
            f"Received: {len(labels)} images, k={k}"
        )
    classes = probabilities.shape[1]
    if labels.min() < 0 or labels.max() >= classes:
        raise ValueError(
            f"Labels must be from 0 to {classes - 1}. "
            f"Received: {labels.min()} to {labels.max()}"
        )
    chosen = probabilities[np.arange(len(labels)), labels][:, np.newaxis]
    earlier = np.arange(classes) < labels[:, np.newaxis]
    ahead = (probabilities > chosen) | ((probabilities == chosen) & earlier)
    # Written so that an image without a number for its label is an error.
    hits = (ahead.sum(axis=1) < k) & ~np.isnan(chosen[:, 0])
    return float(1.0 - hits.mean())
