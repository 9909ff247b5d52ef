"""Arrays to pictures."""

import numpy as np
import pytest
from PIL import Image

from alexnet_tf import figures


def test_kernels_stand_in_rows_of_sixteen_on_one_scale():
    kernels = np.zeros((11, 11, 3, 96))
    kernels[..., 0] = -1.0
    kernels[..., 17] = 3.0

    grid = figures.kernel_grid(kernels, scale=1)

    # Six rows and sixteen columns of 11 pixels, one apart.
    assert grid.shape == (6 * 12 - 1, 16 * 12 - 1, 3)
    assert np.all(grid[:11, :11] == 0)
    # The second row's second kernel; zero is a quarter of the way up.
    assert np.all(grid[12:23, 12:23] == 255)
    assert np.all(grid[:11, 12:23] == 64)


def test_equal_kernels_make_a_picture_too():
    grid = figures.kernel_grid(np.ones((2, 2, 3, 4)))

    assert grid.dtype == np.uint8


def test_batch_sheet_adds_the_mean_back():
    images = np.full((20, 4, 4, 3), -10.0)

    sheet = figures.batch_sheet(images, (100, 110, 120), count=3, columns=2)

    assert sheet.shape == (2 * 6 - 2, 2 * 6 - 2, 3)
    np.testing.assert_array_equal(sheet[0, 0], [90, 100, 110])
    np.testing.assert_array_equal(sheet[-1, -1], [255, 255, 255])


@pytest.mark.parametrize("count", [1, 5])
def test_guesses_are_drawn(tmp_path, count):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, 16, 16, 3), np.uint8)
    probabilities = rng.dirichlet(np.ones(3), count)

    figures.plot_guesses(
        tmp_path / "guesses.png",
        images,
        np.zeros(count, int),
        probabilities,
        ["a, first", "b", "c"],
    )

    with Image.open(tmp_path / "guesses.png") as picture:
        assert picture.width > 100
        # The right guess's bar is red, as in the paper.
        colours = {c for _, c in picture.convert("RGB").getcolors(10**6)}
        assert (255, 170, 170) in colours
        assert (170, 170, 255) in colours
