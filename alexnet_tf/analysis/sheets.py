"""Figures of many small pictures, each with its number or name."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from alexnet_tf.analysis import figures, publish

# The authors' program draws sixteen kernels a row.
_KERNELS_A_ROW = 16
# Images of a feature map, as in the publication: three by three.
_TOP_A_ROW = 3
# What a small picture is enlarged to, in pixels, each value as a square.
_LEAST_PIXELS = 44
_SCREEN = 255


def plot_kernels(
    paths: Any, kernels: np.ndarray, towers: int = 1, caption: str = ""
) -> None:
    """Draws Figure 3: conv1's kernels on one scale, a block for each tower.

    Args:
        paths: Files to write, PNG, PDF or SVG by their endings.
        kernels: `(rows, columns, 3, n)`; the first tower's come first.
        towers: How many; divides the kernels.
        caption: See `publish.save`.
    """
    pyplot = publish.import_pyplot()
    low, high = kernels.min(), kernels.max()
    shades = (kernels - low) / max(high - low, 1e-12) * _SCREEN
    tiles = np.moveaxis(shades, -1, 0).round().astype(np.uint8)
    blocks = np.split(_enlarge(tiles), towers)
    rows = -(-len(blocks[0]) // _KERNELS_A_ROW)
    figure, axes = pyplot.subplots(
        towers,
        1,
        figsize=(8, 0.62 * rows * towers + 0.6),
        squeeze=False,
        layout="constrained",
    )
    for tower, (axis, block) in enumerate(zip(axes[:, 0], blocks, strict=True)):
        first = tower * len(block)
        names = [str(first + number) for number in range(len(block))]
        _draw_tiles(axis, block, _KERNELS_A_ROW, names, size=5)
        if towers > 1:
            axis.set_title(f"Tower {tower + 1}", fontsize=9, loc="left")
    publish.save(figure, paths, caption)


def plot_feature_maps(
    paths: Any,
    found: Sequence[tuple[str, np.ndarray, np.ndarray]],
    caption: str = "",
) -> None:
    """Draws Zeiler and Fergus' Figure 2: what moves feature maps.

    Args:
        paths: As of `plot_kernels`.
        found: For each map its title, projections and image patches, both
            uint8 `(n, side, side, 3)`, strongest first.
        caption: See `publish.save`.
    """
    pyplot = publish.import_pyplot()
    columns = min(2, len(found))
    rows = -(-len(found) // columns)
    figure, axes = pyplot.subplots(
        rows,
        2 * columns,
        figsize=(4.6 * columns, 2.5 * rows + 0.4),
        squeeze=False,
        layout="constrained",
    )
    for axis in axes.flat:
        axis.set_axis_off()
    for number, (title, shown, patches) in enumerate(found):
        row, column = divmod(number, columns)
        pair = axes[row, 2 * column : 2 * column + 2]
        for axis, pictures in zip(pair, (shown, patches), strict=True):
            tiles = _enlarge(pictures)
            axis.imshow(figures.tile(tiles, _TOP_A_ROW, gap=4))
        pair[0].set_title(title, fontsize=9, loc="left")
    publish.save(figure, paths, caption)


def plot_units(
    paths: Any,
    images: np.ndarray,
    names: Sequence[str],
    caption: str = "",
    columns: int = 5,
) -> None:
    """Draws what units want, each below its name.

    Args:
        paths: As of `plot_kernels`.
        images: uint8 `(n, size, size, 3)`.
        names: Of the units.
        caption: See `publish.save`.
        columns: Images a row.
    """
    pyplot = publish.import_pyplot()
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    figure, axes = pyplot.subplots(
        rows,
        columns,
        figsize=(1.9 * columns + 0.4, 2.15 * rows + 0.5),
        squeeze=False,
        layout="constrained",
    )
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, image, name in zip(axes.flat, images, names, strict=False):
        axis.imshow(image)
        axis.set_title(name, fontsize=8)
    publish.save(figure, paths, caption)


def _draw_tiles(axis, tiles, columns, names, size):
    """Draws pictures in rows, a small name below each."""
    gap = max(8, tiles.shape[1] // 4)
    axis.imshow(figures.tile(tiles, columns, gap=gap))
    axis.set_axis_off()
    side = tiles.shape[1]
    for number, name in enumerate(names):
        row, column = divmod(number, columns)
        axis.text(
            column * (side + gap) + side / 2,
            row * (side + gap) + side + 1,
            name,
            fontsize=size,
            ha="center",
            va="top",
        )


def _enlarge(tiles):
    """Returns pictures large enough to be seen, each value as a square."""
    scale = max(1, -(-_LEAST_PIXELS // tiles.shape[1]))
    return tiles.repeat(scale, axis=1).repeat(scale, axis=2)
