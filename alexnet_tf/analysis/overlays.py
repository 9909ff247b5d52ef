"""Explanations as pictures: the crop, and what speaks for its class."""

from typing import Any

import numpy as np

from alexnet_tf.analysis import publish

# Where the picture stays visible below the heat, and where it is hidden.
_OPACITY = 0.55
_SHOWN = 0.995


def draw(paths: Any, explanation: Any, caption: str = "") -> None:
    """Draws an explanation: the crop on the left, its reasons on the right.

    A map is laid over the crop in grey, so that all colour is the map's; it is
    brought to the crop's size bilinearly, and scaled by its maximum. What has
    a value for each pixel's colour is shown by itself around grey.

    Args:
        paths: Files to write, PNG, PDF or SVG by their endings.
        explanation: An `Explanation`.
        caption: See `publish.save`.
    """
    pyplot = publish.import_pyplot()
    figure, (left, right) = pyplot.subplots(
        1, 2, figsize=(6.4, 3.9), layout="constrained"
    )
    for axis in (left, right):
        axis.set_axis_off()
    left.imshow(explanation.crop)
    left.set_title(explanation.title, fontsize=11, loc="left")
    if explanation.values.ndim == 3:
        right.imshow(around_grey(explanation.values))
    else:
        _draw_heat(figure, right, explanation)
    if explanation.window is not None:
        for axis in (left, right):
            _outline(pyplot, axis, explanation.window)
    words = explanation.words[:1].upper() + explanation.words[1:]
    publish.save(figure, paths, f"{words}. {caption}".strip())


def around_grey(values: np.ndarray) -> np.ndarray:
    """Returns values of either sign as pixels: 0 is grey.

    Args:
        values: Float `(rows, columns, 3)`. The largest half of a hundredth in
            size are black or white: a few extreme ones would hide the others.

    Returns:
        uint8 of the same shape.
    """
    sizes = np.abs(values)
    most = np.quantile(sizes, _SHOWN, method="higher") or sizes.max()
    share = values / most if most > 0 else np.zeros_like(values)
    return np.round(127.5 + 127.5 * share.clip(-1, 1)).astype(np.uint8)


def heat_share(values: np.ndarray, size: int) -> np.ndarray:
    """Returns a map as shares of its maximum, as large as the crop.

    Args:
        values: Float `(rows, columns)`, 0 or more.
        size: Rows and columns of the crop.

    Returns:
        float32 `(size, size)`, 0 to 1; all 0 where the map is.
    """
    from PIL import Image

    most = float(values.max())
    share = values / most if most > 0 else np.zeros_like(values)
    grey = Image.fromarray(share.astype(np.float32))
    resized = grey.resize((size, size), Image.Resampling.BILINEAR)
    return np.asarray(resized).clip(0, 1)


def _draw_heat(figure, axis, explanation):
    """Lays a map over the crop in grey, with a scale at its side."""
    grey = explanation.crop.astype(np.float64).mean(axis=2)
    axis.imshow(grey, cmap="gray", vmin=0, vmax=255)
    heat = axis.imshow(
        heat_share(explanation.values, len(grey)),
        cmap=publish.HEAT,
        alpha=_OPACITY,
        vmin=0,
        vmax=1,
    )
    bar = figure.colorbar(heat, ax=axis, shrink=0.75, ticks=[0, 1])
    bar.ax.set_yticklabels(["0", f"{explanation.values.max():.2g}"], fontsize=8)


def _outline(pyplot, axis, window):
    """Draws the edge of a part of the crop."""
    rows, columns = window
    axis.add_patch(
        pyplot.Rectangle(
            (columns.start - 0.5, rows.start - 0.5),
            columns.stop - columns.start,
            rows.stop - rows.start,
            fill=False,
            edgecolor=publish.COLOURS[3],
            linewidth=1.5,
        )
    )
