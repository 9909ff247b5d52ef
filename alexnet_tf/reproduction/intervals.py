"""What some seeds and some images say of all seeds and all images."""

import base64

import numpy as np
from scipy import stats


def pack(wrong):
    """Returns which images were wrong, as text for a result's file.

    Args:
        wrong: `(images,)`, bool.
    """
    return base64.b64encode(np.packbits(wrong)).decode("ascii")


def unpack(text, count):
    """Returns which of `count` images were wrong, from `pack`."""
    packed = np.frombuffer(base64.b64decode(text), np.uint8)
    return np.unpackbits(packed, count=count).astype(bool)


def mean(values, level=0.95):
    """Returns a mean over seeds and images with its interval.

    Both are drawn from many: the variance of the mean is that of the seeds'
    means over the seeds plus that of the images' means over the images (the
    part that belongs to neither is counted twice, so the interval is rather
    too wide), with Satterthwaite's degrees of freedom. Of a single seed only
    the images' part is known.

    Args:
        values: `(seeds, images)`: errors, 0 or 1; or differences of errors on
            the same images by the same seeds, -1 to 1.
        level: Of confidence.

    Returns:
        A tuple of the mean and the interval's two ends.
    """
    values = np.asarray(values, float)
    parts = [
        (means.var(ddof=1) / len(means), len(means) - 1)
        for means in (values.mean(axis=1), values.mean(axis=0))
        if len(means) > 1
    ]
    variance = sum(part for part, _ in parts)
    centre = float(values.mean())
    if not variance:
        return centre, centre, centre
    freedom = variance**2 / sum(part**2 / count for part, count in parts)
    half = stats.t.ppf((1 + level) / 2, freedom) * variance**0.5
    return centre, float(centre - half), float(centre + half)
