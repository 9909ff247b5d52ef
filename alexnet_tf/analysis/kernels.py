"""What conv1's kernels look for, in numbers (§6.1, Figure 3)."""

import numpy as np


def statistics(kernels):
    """Returns how coloured and how fine each kernel is.

    Args:
        kernels: `(rows, columns, 3, n)`.

    Returns:
        A dict of arrays `(n,)`: "colour", the share of a kernel's energy that
        its grey part, the mean over channels, leaves over, from 0 to 1; and
        "frequency", the mean spatial frequency of its power spectrum without
        the constant, in cycles per pixel.
    """
    kernels = np.asarray(kernels, np.float64)
    energy = np.sum(kernels**2, axis=(0, 1, 2))
    grey = kernels.mean(axis=2)
    colour = 1 - 3 * np.sum(grey**2, axis=(0, 1)) / np.maximum(energy, 1e-30)
    power = np.sum(np.abs(np.fft.fft2(kernels, axes=(0, 1))) ** 2, axis=2)
    power[0, 0] = 0
    rows, columns = (np.fft.fftfreq(size) for size in kernels.shape[:2])
    radius = np.hypot(rows[:, np.newaxis], columns)[..., np.newaxis]
    total = np.maximum(power.sum(axis=(0, 1)), 1e-30)
    frequency = np.sum(power * radius, axis=(0, 1)) / total
    return {"colour": colour, "frequency": frequency}


def compare_towers(kernels, draws=10_000, seed=0):
    """Returns whether the towers' kernels differ by more than chance.

    Args:
        kernels: `(rows, columns, 3, n)`; the first half is the first tower's.
        draws: Of halves at random, against which the true ones are held.
        seed: Of the draws.

    Returns:
        A dict by name of `statistics`, of dicts: "towers", the two means;
        "p", the share of random halves whose means differ as much or more.
    """
    rng = np.random.default_rng(seed)
    count = np.shape(kernels)[-1]
    halves = np.stack([rng.permutation(count) for _ in range(draws)])
    found = {}
    for name, values in statistics(kernels).items():
        first, second = np.split(values, [count // 2])
        gap = abs(first.mean() - second.mean())
        mixed = values[halves]
        gaps = np.abs(
            mixed[:, : count // 2].mean(axis=1)
            - mixed[:, count // 2 :].mean(axis=1)
        )
        found[name] = {
            "towers": [float(first.mean()), float(second.mean())],
            # One more of each: the true halves are such a draw.
            "p": float((np.sum(gaps >= gap - 1e-15) + 1) / (draws + 1)),
        }
    return found
