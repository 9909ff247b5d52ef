"""Plain NumPy versions of the operations, float64, as the paper writes them."""

import numpy as np


def equation_3_3(a, n, k, alpha, beta):
    """The sum of §3.3, written as the loop it is."""
    channels = a.shape[-1]
    b = np.empty_like(a)
    for i in range(channels):
        lower, upper = max(0, i - n // 2), min(channels - 1, i + n // 2)
        energy = np.sum(a[..., lower : upper + 1] ** 2, axis=-1)
        b[..., i] = a[..., i] / (k + alpha * energy) ** beta
    return b


def within_map_norm(a, size, k, alpha, beta):
    """The 2012 program's norm over the window around each value of a map."""
    height, width = a.shape[1:3]
    r = size // 2
    b = np.empty_like(a)
    for y in range(height):
        for x in range(width):
            rows = slice(max(0, y - r), y + r + 1)
            columns = slice(max(0, x - r), x + r + 1)
            energy = np.sum(a[:, rows, columns] ** 2, axis=(1, 2))
            b[:, y, x] = a[:, y, x] / (k + alpha * energy) ** beta
    return b


def unshared_convolution(maps, kernel, bias, size, padding):
    """A convolution with another kernel at every place.

    Args:
        maps: `(n, height, width, channels)`.
        kernel: `(new_height, new_width, size ** 2 * channels, filters)`.
        bias: `(new_height, new_width, filters)`.
        size: Rows and columns of a window.
        padding: Zeros on every side.
    """
    sides = (padding, padding)
    maps = np.pad(maps, [(0, 0), sides, sides, (0, 0)])
    outputs = np.empty((len(maps), *bias.shape))
    for y in range(bias.shape[0]):
        for x in range(bias.shape[1]):
            window = maps[:, y : y + size, x : x + size].reshape(len(maps), -1)
            outputs[:, y, x] = window @ kernel[y, x] + bias[y, x]
    return outputs


def convolution(images, kernel, bias, strides, padding):
    """A convolution as the loop over windows that it is.

    Args:
        images: `(n, height, width, channels)`.
        kernel: `(rows, columns, channels, filters)`.
        bias: `(filters,)`.
        strides: Distance between windows.
        padding: Zeros before and behind the map.
    """
    images = np.pad(images, [(0, 0), padding, padding, (0, 0)])
    rows, columns = kernel.shape[:2]
    height = (images.shape[1] - rows) // strides + 1
    width = (images.shape[2] - columns) // strides + 1
    outputs = np.empty((len(images), height, width, kernel.shape[-1]))
    for y in range(height):
        for x in range(width):
            top, left = y * strides, x * strides
            window = images[:, top : top + rows, left : left + columns]
            outputs[:, y, x] = np.tensordot(window, kernel, axes=3) + bias
    return outputs


def max_pool(maps, size, strides):
    """The largest value of each window."""
    height = (maps.shape[1] - size) // strides + 1
    width = (maps.shape[2] - size) // strides + 1
    outputs = np.empty((len(maps), height, width, maps.shape[-1]))
    for y in range(height):
        for x in range(width):
            top, left = y * strides, x * strides
            window = maps[:, top : top + size, left : left + size]
            outputs[:, y, x] = window.max(axis=(1, 2))
    return outputs


def topk_error(probabilities, labels, k):
    """Share of images whose label is not among their k best classes."""
    wrong = 0
    for row, label in zip(probabilities, labels, strict=True):
        best = sorted(range(len(row)), key=lambda c: (-row[c], c))[:k]
        wrong += label not in best
    return wrong / len(labels)


def ten_crops(image, size):
    """The ten crops of §4.1, cut one by one."""
    bottom, right = image.shape[0] - size, image.shape[1] - size
    places = [(0, 0), (0, right), (bottom, 0), (bottom, right)]
    places.append((bottom // 2, right // 2))
    crops = [image[t : t + size, u : u + size] for t, u in places]
    return np.stack(crops + [crop[:, ::-1] for crop in crops])


def scaled(image, size, kernel, support):
    """An image brought to `size` squared, each pixel a weighted mean.

    Args:
        image: `(height, width, channels)`.
        size: Rows and columns of the result.
        kernel: Weight by distance, in pixels of the smaller image.
        support: Distance from which on it is 0.
    """

    def along(length):
        factor = length / size
        width = max(factor, 1)
        weights = np.zeros((size, length))
        for i in range(size):
            middle = (i + 0.5) * factor - 0.5
            for j in range(length):
                distance = abs(j - middle) / width
                if distance < support:
                    weights[i, j] = kernel(distance)
        return weights / weights.sum(axis=1, keepdims=True)

    rows, columns = along(image.shape[0]), along(image.shape[1])
    return np.einsum("ij,jkc,lk->ilc", rows, image.astype(float), columns)


def triangle(x):
    """Bilinear: falls from 1 to 0 within a pixel."""
    return 1 - x


def cubic(x):
    """Keys' cubic with a of -1/2."""
    if x < 1:
        return 1.5 * x**3 - 2.5 * x**2 + 1
    return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2


def lanczos(x):
    """Lanczos' window of three lobes."""
    return np.sinc(x) * np.sinc(x / 3)


def psnr(one, two):
    """Peak signal to noise ratio of two images of 0 to 255, in dB."""
    error = np.mean((one.astype(float) - two) ** 2)
    return np.inf if not error else 10 * np.log10(255**2 / error)
