"""The images that move a feature map most, and what each shows.

Figure 2 of Zeiler and Fergus, "Visualizing and Understanding Convolutional
Networks" (2013).
"""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from alexnet_tf.analysis import figures, overlays
from alexnet_tf.analysis.deconvnet import Deconvnet, check_channels
from alexnet_tf.analysis.receptive_field import ReceptiveField


@dataclasses.dataclass(frozen=True)
class TopImages:
    """The images of a split that move a feature map most, strongest first.

    Attributes:
        channel: Number of the map.
        crops: float32 `(n, size, size, 3)`, as the network sees them.
        strengths: float32 `(n,)`, the map's largest activation in each.
        positions: int64 `(n,)`, of the images in the split, from 0.
    """

    channel: int
    crops: np.ndarray
    strengths: np.ndarray
    positions: np.ndarray


def find_top_images(
    net: Deconvnet,
    dataset: Iterable[Any],
    channels: Sequence[int],
    count: int = 9,
    progress: Any = None,
) -> list[TopImages]:
    """Returns for each of some maps the images that move it most.

    Args:
        net: A `Deconvnet`.
        dataset: Yields `(crops, ...)`, crops as the network takes them.
        channels: Numbers of feature maps.
        count: Images a map; fewer where there are fewer.
        progress: Has `update(images)`, or `None`.

    Raises:
        ValueError: There are no images, or there is no such map.
    """
    channels = list(channels)
    check_channels(channels, net.channels, net.layer_name)
    found: dict[int, TopImages] = {}
    done = 0
    for crops, *_ in dataset:
        crops = np.asarray(crops, np.float32)
        peaks = net.peaks(crops)
        for channel in channels:
            new = TopImages(
                channel, crops, peaks[:, channel], done + np.arange(len(crops))
            )
            found[channel] = _merge(found.get(channel), new, count)
        done += len(crops)
        if progress is not None:
            progress.update(len(crops))
    if not done:
        raise ValueError("There must be images in the split. Found: none")
    return [found[channel] for channel in channels]


def _merge(known, new, count):
    """Returns the strongest of two; of equal ones the earlier image first."""
    parts = [part for part in (known, new) if part is not None]
    strengths = np.concatenate([part.strengths for part in parts])
    best = np.argsort(-strengths, kind="stable")[:count]
    # Only the best are copied: a batch is large.
    first = len(parts[0].strengths)
    crops = [
        parts[0].crops[i] if i < first else parts[1].crops[i - first]
        for i in best
    ]
    positions = np.concatenate([part.positions for part in parts])
    return TopImages(
        new.channel, np.stack(crops), strengths[best], positions[best]
    )


def show(
    net: Deconvnet, found: TopImages, field: ReceptiveField, mean_rgb: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Returns what moves a map in each of its images, and these.

    Args:
        net: A `Deconvnet`.
        found: One of what `find_top_images` returned.
        field: The layer's, which is what is cut out of both.
        mean_rgb: `(3,)`, added back for the eye.

    Returns:
        Projections and patches, each uint8 `(n, side, side, 3)`.
    """
    pixels, places, _ = net.project(found.crops, found.channel)
    size = found.crops.shape[1]
    windows = [field.window(row, column, size) for row, column in places]
    shown = [
        overlays.around_grey(values[window])
        for values, window in zip(pixels, windows, strict=True)
    ]
    patches = [
        figures.add_mean(crop[window], mean_rgb)
        for crop, window in zip(found.crops, windows, strict=True)
    ]
    return np.stack(shown), np.stack(patches)
