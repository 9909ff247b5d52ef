"""How alike two representations are: RDMs, and linear CKA.

Activations are arrays `(images, ...)`, in memory or mapped, of the same images
in the same order. They are read in blocks of features, in float64.
"""

from collections.abc import Iterator

import numpy as np

_BLOCK_FEATURES = 1 << 15


def rdm(activations: np.ndarray) -> np.ndarray:
    """Returns the representational dissimilarity matrix of images.

    One less Pearson's correlation between the activations of every two images
    (Kriegeskorte, Mur and Bandettini 2008).

    Args:
        activations: `(n, ...)`.

    Returns:
        float64 `(n, n)`, symmetric, 0 to 2, with zeros in the diagonal.

    Raises:
        ValueError: There are fewer than two images or features, or an image
            whose activations are all the same has no correlation.
    """
    rows = _rows(activations)
    means = sum(block.sum(axis=1) for block in _blocks(rows)) / rows.shape[1]
    products = np.zeros((len(rows), len(rows)))
    for block in _blocks(rows):
        block -= means[:, np.newaxis]
        products += block @ block.T
    lengths = np.sqrt(np.diag(products))
    scale = np.abs(means) * np.sqrt(rows.shape[1])
    flat = np.flatnonzero(lengths <= 1e-12 * scale)
    if len(flat):
        raise ValueError(
            "Every image must move its activations, for a correlation. "
            f"Received: equal ones of images {flat[:5].tolist()}"
        )
    found = 1 - products / np.outer(lengths, lengths)
    np.fill_diagonal(found, 0)
    return found.clip(0, 2)


def compare_rdms(first: np.ndarray, second: np.ndarray) -> float:
    """Returns Spearman's correlation of two RDMs' upper triangles.

    Args:
        first: `(n, n)`, n of 3 or more.
        second: The same, of the same images: of another layer, network, seed
            or checkpoint, or of a brain.

    Returns:
        -1 to 1. Equal values share the mean of their ranks.

    Raises:
        ValueError: They are no RDMs of one size, or one of them is constant.
    """
    first, second = np.asarray(first), np.asarray(second)
    shape = first.shape
    if second.shape != shape or len(shape) != 2 or shape[0] != shape[1]:
        raise ValueError(
            "RDMs must be (n, n), of the same images. Received: "
            f"{shape} and {second.shape}"
        )
    if len(first) < 3:
        raise ValueError(
            f"RDMs must be of 3 images or more. Received: {len(first)}"
        )
    upper = np.triu_indices(len(first), 1)
    ranks = [_ranks(matrix[upper]) for matrix in (first, second)]
    centred = [r - r.mean() for r in ranks]
    lengths = [np.sqrt(c @ c) for c in centred]
    if not all(lengths):
        raise ValueError("An RDM must differ between pairs, to be ranked.")
    return float(centred[0] @ centred[1] / (lengths[0] * lengths[1]))


def linear_cka(first: np.ndarray, second: np.ndarray) -> float:
    """Returns linear centred kernel alignment.

    ||Y'X||_F^2 / (||X'X||_F ||Y'Y||_F) with centred columns (Kornblith et al.
    2019), by way of the images' products: memory grows with the square of
    their number, and not with the features.

    Args:
        first: `(n, ...)`.
        second: `(n, ...)`, of the same images, with other features perhaps.

    Returns:
        0 to 1: 1 for equal, rotated or scaled activations.

    Raises:
        ValueError: There are other images, fewer than two, or all of them
            move a layer equally.
    """
    x, y = _products(_rows(first)), _products(_rows(second))
    if len(x) != len(y):
        raise ValueError(
            f"Both must be of the same images. Received: {len(x)} and {len(y)}"
        )
    lengths = np.linalg.norm(x) * np.linalg.norm(y)
    if not lengths:
        raise ValueError("Activations must differ between images.")
    return float(np.sum(x * y) / lengths)


def _products(rows):
    """Returns the products of every two images, columns centred."""
    products = np.zeros((len(rows), len(rows)))
    for block in _blocks(rows):
        block -= block.mean(axis=0)
        products += block @ block.T
    return products


def _rows(activations):
    """Returns a row an image, not copied where it need not be."""
    array = np.asanyarray(activations)
    if array.ndim < 2 or len(array) < 2 or array[0].size < 2:
        raise ValueError(
            "Activations must be (n, ...), two images and two features or "
            f"more. Received: {array.shape}"
        )
    return array.reshape(len(array), -1)


def _blocks(rows) -> Iterator[np.ndarray]:
    """Yields some features of all images at a time, in float64."""
    for start in range(0, rows.shape[1], _BLOCK_FEATURES):
        yield rows[:, start : start + _BLOCK_FEATURES].astype(np.float64)


def _ranks(values):
    """Returns ranks; equal values share the mean of theirs."""
    _, inverse, counts = np.unique(
        values, return_inverse=True, return_counts=True
    )
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[inverse]
