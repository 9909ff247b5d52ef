"""Many images through a compiled function, a batch at a time."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


def map_batches(
    function: Callable[..., Any],
    arrays: Sequence[np.ndarray],
    batch_size: int,
    progress: Any = None,
) -> list[np.ndarray]:
    """Returns what a function gives for all rows of arrays.

    Every batch has the same number of rows, as compiled functions want it: the
    last one is filled up, and what is too much is cut off.

    Args:
        function: Maps as many tensors as there are arrays to a tuple of
            tensors.
        arrays: All of n rows.
        batch_size: Rows that go through together at most.
        progress: Has `update(rows)`, or `None`.

    Returns:
        An array of n rows for each tensor.

    Raises:
        ValueError: There are no rows, or `batch_size` is less than 1.
    """
    count = len(arrays[0])
    if not count or batch_size < 1:
        raise ValueError(
            "There must be images, and batch_size must be 1 or more. "
            f"Received: {count} images, batch_size={batch_size}"
        )
    batch_size = min(batch_size, count)
    found: list[tuple] = []
    for start in range(0, count, batch_size):
        rows = np.arange(start, start + batch_size).clip(max=count - 1)
        found.append(function(*(np.asarray(a)[rows] for a in arrays)))
        if progress is not None:
            progress.update(min(batch_size, count - start))
    return [np.concatenate(parts)[:count] for parts in zip(*found, strict=True)]
