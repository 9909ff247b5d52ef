"""The figures of an evaluation, and how they were come by."""

from collections.abc import Sequence
from typing import Any

from alexnet_tf import evaluation

# How the mean image is subtracted, in words.
_MEANS = {
    "paper": "mean image of the training split, at the crop's place",
    "original": "centre of the mean image of the training split",
}


def evaluate(
    classifier: Any, predictions: Any, ties: str = "class order"
) -> dict[str, Any]:
    """Returns the figures of an evaluation, as its file has them.

    Args:
        classifier: The `Classifier` that was evaluated.
        predictions: What `evaluation.predict` returned.
        ties: See `evaluation.topk_error`.

    Returns:
        A dict: what `evaluation.errors` and `evaluation.per_class` return,
        "top1_interval" and "top5_interval"; empty for images without labels.
    """
    return score(classifier.class_names, predictions, ties)


def score(
    class_names: Sequence[str], predictions: Any, ties: str = "class order"
) -> dict[str, Any]:
    """Returns what `evaluate` does, for classes by their names."""
    rows, labels = predictions["probabilities"], predictions["labels"]
    if not evaluation.has_labels(labels):
        return {}
    scores = evaluation.errors(rows, labels, ties)
    return {
        **scores,
        "top1_interval": evaluation.interval(scores["top1_error"], len(labels)),
        "top5_interval": evaluation.interval(scores["top5_error"], len(labels)),
        **evaluation.per_class(rows, labels, class_names),
    }


def describe_errors(scores: dict[str, Any], num_classes: int) -> str:
    """Returns errors in words, for people.

    Args:
        scores: What `evaluation.errors` returned.
        num_classes: With five or fewer, where top-5 is never wrong, it is
            left out.
    """
    words = [f"top-1 error {scores['top1_error']:.2%}"]
    if num_classes > 5:
        words.append(f"top-5 error {scores['top5_error']:.2%}")
    return ", ".join([*words, f"loss {scores['loss']:.4f}"])


def describe(
    classifier: Any, crops: int, ties: str = "class order"
) -> dict[str, Any]:
    """Returns how images come to a classifier: half of a protocol.

    Args:
        classifier: A `Classifier`.
        crops: 1 or 10.
        ties: See `evaluation.topk_error`.
    """
    size = classifier.image_size
    return {
        "resize": f"squashed to {size} x {size}"
        if classifier.resize == "squash"
        else f"shorter side to {size}, centre cut",
        "resample": classifier.resample,
        "mean": _MEANS[classifier.mean],
        "pixels": "0 to 255, RGB",
        "crop_size": classifier.crop_size,
        "views": "centre"
        if crops == 1
        else "four corners and centre, mirrored too; softmax averaged",
        "ties": ties,
    }
