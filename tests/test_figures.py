"""Arrays to pictures."""

import numpy as np
import pytest
from PIL import Image

from alexnet_tf.analysis import figures, kernels, plots, publish, sheets


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

    plots.plot_guesses(
        tmp_path / "guesses.png",
        images,
        np.zeros(count, int),
        probabilities,
        ["a, first", "b", "c"],
    )

    with Image.open(tmp_path / "guesses.png") as picture:
        assert picture.width > 100
        # The right guess's bar is orange, the others' are blue.
        colours = {c for _, c in picture.convert("RGB").getcolors(10**6)}
        assert (0xF5, 0xC8, 0x77) in colours
        assert (0xA8, 0xCB, 0xE8) in colours


def test_training_errors_are_drawn_and_compared(tmp_path):
    epochs = [1, 2, 3, 4, 5, 6]
    curves = {
        "relu": (epochs, [0.5, 0.25, 0.2, 0.15, 0.1, 0.1]),
        "tanh": (epochs, [0.7, 0.6, 0.5, 0.4, 0.3, 0.24]),
        "never": (epochs, [0.9] * 6),
    }

    reached = plots.plot_training_errors(tmp_path / "1.png", curves)

    assert reached == {"relu": 2.0, "tanh": 6.0, "never": None}
    with Image.open(tmp_path / "1.png") as picture:
        assert picture.width > 300


def test_neighbours_stand_beside_their_query():
    query = np.full((20, 20, 3), 50, np.uint8)
    near = [np.full((30, 40, 3), 100 + i, np.uint8) for i in range(3)]

    sheet = figures.neighbours_sheet(
        [query, query], [near, near], [["q", "a", "b", "c"]] * 2, side=32
    )

    colours = set(sheet[:, :, 0].ravel())
    assert {50, 100, 101, 102} <= colours
    assert sheet.shape[1] > sheet.shape[0]


def _wave(size, cycles, across=False):
    """Returns a grey cosine kernel of some cycles per pixel."""
    wave = np.cos(2 * np.pi * cycles * np.arange(size))
    plane = np.broadcast_to(wave, (size, size))
    plane = plane.T if across else plane
    return np.repeat(plane[..., np.newaxis], 3, axis=2)


def test_statistics_of_a_grey_wave_and_of_a_pure_colour():
    colour = np.zeros((8, 8, 3))
    # Red against green: no grey part at all.
    colour[..., 0], colour[..., 1] = 1.0, -1.0
    stack = [_wave(8, 0.25), _wave(8, 0.125, across=True), colour]

    found = kernels.statistics(np.stack(stack, axis=-1))

    np.testing.assert_allclose(found["colour"], [0, 0, 1], atol=1e-12)
    np.testing.assert_allclose(found["frequency"][:2], [0.25, 0.125])


def test_towers_that_specialise_are_told_from_those_that_do_not():
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(7, 7, 3, 48))
    grey = np.repeat(noise.mean(axis=2, keepdims=True), 3, axis=2)

    apart = kernels.compare_towers(np.concatenate([grey, noise], axis=-1))
    alike = kernels.compare_towers(rng.normal(size=(7, 7, 3, 96)))

    assert apart["colour"]["towers"][0] < 1e-9
    # No random half of 10,000 comes near.
    assert apart["colour"]["p"] < 0.001
    assert alike["colour"]["p"] > 0.01


def test_curves_are_drawn_with_what_happened(tmp_path):
    metrics = [
        {
            "split": split,
            "epoch": epoch,
            "loss": 2.0 / (epoch + 1),
            "top1_error": 0.5,
            "top5_error": 0.1,
        }
        for split in ("train", "validation")
        for epoch in (0, 1, 2)
    ]
    events = [{"what": "rate", "epoch": 1}, {"what": "save", "epoch": 2}]

    plots.plot_run(tmp_path / "curves.png", metrics, events)

    picture = Image.open(tmp_path / "curves.png")
    assert picture.size == (1500, 600)
    assert len(picture.convert("RGB").getcolors(2**20)) > 10


def test_arms_are_drawn_with_their_seeds_and_means(tmp_path):
    epochs = [1.0, 2.0]
    arms = {
        "one": [(epochs, [0.5, 0.4]), (epochs, [0.7, 0.6])],
        "other": [(epochs, [0.9, 0.8])],
    }

    plots.plot_arms(tmp_path / "arms.png", arms, "a title")

    assert Image.open(tmp_path / "arms.png").size == (900, 675)


def _luminance(colour):
    """Returns a colour's relative luminance, by WCAG 2's formula."""
    parts = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(
        parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4
    )
    return linear @ (0.2126, 0.7152, 0.0722)


def test_colours_are_okabe_and_itos_and_words_on_bars_are_read():
    # As published, less the yellow that is lost on white.
    assert set(publish.COLOURS) == {
        "#000000", "#E69F00", "#56B4E9", "#009E73",
        "#0072B2", "#D55E00", "#CC79A7",
    }  # fmt: skip
    for colour in (plots._RIGHT, plots._WRONG):
        # WCAG 2's contrast with black words: 7 is its highest demand.
        assert (_luminance(colour) + 0.05) / 0.05 > 7


def test_a_figure_comes_in_three_formats_with_its_caption(tmp_path):
    rng = np.random.default_rng(0)
    paths = publish.paths_of(tmp_path / "kernels")

    sheets.plot_kernels(paths, rng.normal(size=(5, 5, 3, 8)), 2, "Of a test.")

    assert [path.name for path in paths] == [
        "kernels.png",
        "kernels.pdf",
        "kernels.svg",
    ]
    assert Image.open(paths[0]).text["Description"] == "Of a test."
    assert paths[1].read_bytes().startswith(b"%PDF")
    text = paths[2].read_text()
    # Kernels have their numbers, towers their names, the figure its caption.
    for words in (">0<", ">7<", ">Tower 1<", ">Tower 2<", ">Of a test.<"):
        assert words in text
    # The same figure is the same file: no date, no random names.
    first = paths[2].read_bytes(), paths[1].read_bytes()
    rng = np.random.default_rng(0)
    sheets.plot_kernels(paths, rng.normal(size=(5, 5, 3, 8)), 2, "Of a test.")
    assert (paths[2].read_bytes(), paths[1].read_bytes()) == first


def test_titles_of_guesses_do_not_touch(tmp_path):
    long = "a class whose first name is longer than the picture is wide"
    images = np.zeros((4, 16, 16, 3), np.uint8)

    plots.plot_guesses(
        tmp_path / "guesses.svg",
        images,
        np.zeros(4, int),
        np.full((4, 3), 1 / 3),
        [long, "b", "c"],
    )

    text = (tmp_path / "guesses.svg").read_text()
    assert "a class whose first..." in text
    assert "longer than the picture" not in text


def test_legends_are_plain_words(tmp_path):
    metrics = [
        {"split": split, "epoch": epoch, "loss": 1.0, "top1_error": 0.5,
         "top5_error": 0.1}
        for split in ("train", "validation")
        for epoch in (0, 1)
    ]  # fmt: skip

    plots.plot_run(tmp_path / "curves.svg", metrics, [])

    text = (tmp_path / "curves.svg").read_text()
    assert "top-1 error, training" in text
    assert "top5_error" not in text
