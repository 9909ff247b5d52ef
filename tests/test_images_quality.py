import cv2
import numpy as np
import pytest
from PIL import Image
from references import psnr

from input_pipeline.conversion import images


def zone_plate(side):
    """Rings that get finer until, at the edge, each pixel is another ring."""
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    rings = 127.5 + 127.5 * np.cos(np.pi * (x**2 + y**2) / side)
    return np.repeat(np.round(rings).astype(np.uint8)[..., None], 3, axis=2)


def aliasing(small, side):
    """Contrast that is left where the rings are too fine for the result."""
    y, x = np.mgrid[: len(small), : len(small)] - (len(small) - 1) / 2
    # Cycles a pixel, of the small image.
    frequency = np.hypot(x, y) / len(small) * side / len(small)
    too_fine = (frequency > 0.5) & (np.hypot(x, y) < len(small) / 2)
    return small[too_fine].astype(float).std()


@pytest.mark.parametrize("factor", [8.15, 9, 12.5, 18])
def test_reducing_by_whole_numbers_first_changes_little(factor):
    rings = zone_plate(round(64 * factor))

    ours = images.scale(rings, 64)

    pillow = shrink_with_pillow(rings, Image.BILINEAR, 64)
    assert psnr(ours, pillow) >= 40


def shrink_with_pillow(image, method, size=128):
    """Returns an image of so many pixels squared."""
    return np.asarray(Image.fromarray(image).resize((size, size), method))


def test_plain_linear_interpolation_would_alias_more():
    rings = zone_plate(188)

    linear = cv2.resize(rings, (128, 128), interpolation=cv2.INTER_LINEAR)

    assert aliasing(linear, 188) > 2 * aliasing(images.scale(rings, 128), 188)


def photograph(side, seed):
    """Noise with the spectrum of photographs, about 1 / f ** 1.2."""
    generator = np.random.default_rng(seed)
    f = np.hypot(*np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side)))
    f[0, 0] = np.inf
    phases = np.exp(2j * np.pi * generator.random((3, side, side)))
    planes = np.fft.ifft2(phases / f**1.2).real
    planes = 128 + 50 * planes / planes.std()
    return np.clip(planes, 0, 255).astype(np.uint8).transpose(1, 2, 0).copy()


@pytest.mark.parametrize("side", [200, 300, 375, 500, 800])
def test_shrinking_is_close_to_pillows_bicubic(side):
    image = photograph(side, side)

    ours = images.scale(image, 256 if side > 256 else 128)

    pillow = Image.fromarray(image).resize(ours.shape[:2], Image.BICUBIC)
    assert psnr(ours, np.asarray(pillow)) >= 33


@pytest.mark.parametrize("side", [300, 375, 512, 1100])
def test_shrinking_does_not_shift(side):
    ramp = np.linspace(20, 230, side)
    image = np.repeat(np.tile(ramp, (side, 1))[..., None], 3, axis=2)

    small = images.scale(np.round(image).astype(np.uint8), 64)

    middles = (np.arange(64) + 0.5) * side / 64 - 0.5
    expected = np.interp(middles, np.arange(side), ramp)
    np.testing.assert_allclose(small[32, 4:-4, 0], expected[4:-4], atol=1.5)
