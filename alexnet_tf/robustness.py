"""The measures of other people's test sets of ImageNet, as their papers say.

ImageNet-V2 (Recht et al. 2019), -Sketch (Wang et al. 2019), -R (Hendrycks et
al. 2021), -A (Hendrycks et al. 2021), -C (Hendrycks and Dietterich 2019), and
the reassessed labels ReaL (Beyer et al. 2020).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from alexnet_tf import evaluation

# Top-1 errors of AlexNet, torchvision's, each the mean of five severities: what
# a corruption's error is divided by. Hendrycks and Dietterich 2019, from
# github.com/hendrycks/robustness.
ALEXNET_ERRORS = {
    "gaussian_noise": 0.886428,
    "shot_noise": 0.894468,
    "impulse_noise": 0.922640,
    "defocus_blur": 0.819880,
    "glass_blur": 0.826268,
    "motion_blur": 0.785948,
    "zoom_blur": 0.798360,
    "snow": 0.866816,
    "frost": 0.826572,
    "fog": 0.819324,
    "brightness": 0.564592,
    "contrast": 0.853204,
    "elastic_transform": 0.646056,
    "pixelate": 0.717840,
    "jpeg_compression": 0.606500,
}
SEVERITIES = (1, 2, 3, 4, 5)


def match_classes(
    names: Sequence[str], synsets: Sequence[str], labels: np.ndarray
) -> np.ndarray:
    """Returns labels of a set as labels of a network, by WordNet id.

    Args:
        names: The set's classes, by its labels.
        synsets: The network's, by its own.
        labels: Of the set, any shape; -1 where there is none.

    Returns:
        int64 of the same shape; -1 stays.

    Raises:
        ValueError: The network does not know a class that has images.
    """
    known = {synset: label for label, synset in enumerate(synsets)}
    table = np.array([known.get(name, -1) for name in names] + [-1], np.int64)
    labels = np.asarray(labels)
    unknown = np.unique(labels[(labels >= 0) & (table[labels] < 0)])
    if len(unknown):
        shown = ", ".join(names[label] for label in unknown[:3])
        raise ValueError(
            "The network must know every class of the set that has images, by "
            f"WordNet id. Received: {len(unknown)} that it does not know, "
            f"such as {shown}"
        )
    return table[labels]


def restrict(
    probabilities: np.ndarray, labels: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns predictions among the classes that a set has, and no others.

    As ImageNet-A and -R are measured: their 200 classes compete.

    Args:
        probabilities: `(n, classes)`.
        labels: `(n,)`, from 0.

    Returns:
        Probabilities that sum to 1 again, `(n, those that occur)`; labels
        among those; and which classes they are, ascending.
    """
    classes, labels = np.unique(labels, return_inverse=True)
    kept = np.asarray(probabilities)[:, classes]
    # A network may give all of an image's probability to other classes.
    sums = kept.sum(axis=1, keepdims=True)
    return kept / np.maximum(sums, np.finfo(np.float32).tiny), labels, classes


def real_error(probabilities: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    """Returns the top-1 error by several right labels an image, or none.

    The best guess is right if it is among the labels; images without labels
    are left out (Beyer et al. 2020).

    Args:
        probabilities: `(n, classes)`.
        labels: `(n, most)`, filled up with -1.

    Returns:
        A dict: "top1_error", "top1_interval", "num_images" that have labels,
        "without_labels".

    Raises:
        ValueError: No image has a label.
    """
    labels = np.asarray(labels)
    has = (labels >= 0).any(axis=1)
    if not has.any():
        raise ValueError(
            f"Some images must have labels. Received: {len(labels)} without"
        )
    guesses = np.argmax(np.asarray(probabilities)[has], axis=1)
    right = (labels[has] == guesses[:, np.newaxis]).any(axis=1)
    error = float(1 - right.mean())
    return {
        "top1_error": error,
        "top1_interval": evaluation.interval(error, int(has.sum())),
        "num_images": int(has.sum()),
        "without_labels": int((~has).sum()),
    }


def corruption_errors(errors: Mapping[tuple[str, int], float]) -> dict:
    """Returns the corruption errors relative to AlexNet's, and their mean.

    Args:
        errors: Top-1 errors by corruption and severity, 1 to 5.

    Returns:
        A dict: "corruption_errors", by corruption, of those of the fifteen
        whose five severities are there; "mce", the mean of all fifteen, or
        `None`; "missing", what is needed for it as NAME_SEVERITY.
    """
    found, missing = {}, []
    for name, reference in ALEXNET_ERRORS.items():
        lacks = [s for s in SEVERITIES if (name, s) not in errors]
        missing += [f"{name}_{severity}" for severity in lacks]
        if not lacks:
            mean = np.mean([errors[name, s] for s in SEVERITIES])
            found[name] = float(mean / reference)
    return {
        "corruption_errors": found,
        "mce": None if missing else float(np.mean(list(found.values()))),
        "missing": missing,
    }
