"""Crops, mirrors, mean and lighting against NumPy."""

import numpy as np
import pytest
import references
import simplejpeg
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from input_pipeline import augmentation, statistics, transforms


def _images(count, size, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (count, size, size, 3), np.uint8)


def test_ten_crops_match_the_reference():
    images = _images(2, 20)

    crops = transforms.ten_crops(images, 12)

    expected = [references.ten_crops(image, 12) for image in images]
    np.testing.assert_array_equal(crops, expected)


def test_ten_crops_of_256_pixels_start_where_the_program_cuts():
    # Every pixel holds its row and column.
    rows, columns = np.mgrid[:256, :256]
    image = np.stack([rows, columns, rows * 0], axis=-1)[np.newaxis]

    crops = transforms.ten_crops(image).numpy()[0]

    # original-source 3.5: 0, 32 and 16.
    starts = [tuple(crop[0, 0, :2]) for crop in crops[:5]]
    assert starts == [(0, 0), (0, 32), (32, 0), (32, 32), (16, 16)]
    np.testing.assert_array_equal(crops[5:], crops[:5, :, ::-1])


def test_augmented_batch_matches_one_image_after_the_other():
    mean_image = np.random.default_rng(1).uniform(0, 255, (16, 16, 3))
    components = np.random.default_rng(2).normal(size=(3, 3))
    images = _images(4, 16)
    offsets = np.array([[0, 0], [4, 4], [1, 3], [2, 0]], np.int32)
    mirrored = np.array([False, True, True, False])
    light = np.random.default_rng(3).normal(size=(4, 3))
    crops = np.stack(
        [
            image[top : top + 12, left : left + 12]
            for image, (top, left) in zip(images, offsets, strict=True)
        ]
    )

    outputs = augmentation.augment_batch(
        crops,
        offsets,
        mirrored,
        (light @ components.T).astype(np.float32),
        mean_image.astype(np.float32),
    )

    for i, (top, left) in enumerate(offsets):
        # The mean comes off the whole image, before it is cut and mirrored.
        whole = images[i] - mean_image
        expected = whole[top : top + 12, left : left + 12]
        expected = expected[:, ::-1] if mirrored[i] else expected
        expected = expected + components @ light[i]
        np.testing.assert_allclose(outputs[i], expected, atol=1e-3)


def test_random_numbers_follow_from_seed_and_step():
    def draw(seed, step):
        drawn = augmentation.random_numbers(64, 33, seed, step, 0.1)
        return np.concatenate([np.reshape(drawn[k], -1) for k in sorted(drawn)])

    np.testing.assert_array_equal(draw(1, 5), draw(1, 5))
    assert not np.array_equal(draw(1, 5), draw(1, 6))
    assert not np.array_equal(draw(1, 5), draw(2, 5))


def test_random_crops_take_every_place_and_half_are_mirrored():
    drawn = augmentation.random_numbers(20_000, 33, 0, 0, 0.1)

    offsets = drawn["offsets"].numpy()
    for axis in range(2):
        counts = np.bincount(offsets[:, axis], minlength=33)
        assert len(counts) == 33
        # Each place is drawn 606 times; five standard deviations are 121.
        assert np.abs(counts - 20_000 / 33).max() < 125
    assert drawn["mirrored"].numpy().mean() == pytest.approx(0.5, abs=0.02)


def test_lighting_has_the_covariance_of_the_theory():
    components = np.random.default_rng(0).normal(size=(3, 3)) * 50
    black = tf.zeros((10_000, 1, 1, 3))

    shifts = transforms.pca_lighting(black, components, 0.1, (1, 2))

    covariance = np.cov(shifts.numpy().reshape(-1, 3).T)
    expected = 0.1**2 * components @ components.T
    # Of n draws a variance is off by sqrt(2 / n), 1.4%; five times that.
    scale = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    assert np.abs(covariance - expected).max() < 0.07 * scale.max()


def test_lighting_shifts_all_pixels_of_an_image_alike():
    images = tf.zeros((2, 4, 4, 3))

    shifted = transforms.pca_lighting(images, np.eye(3), 1.0, (1, 2)).numpy()

    assert np.ptp(shifted[0], axis=(0, 1)).max() == 0
    assert not np.allclose(shifted[0], shifted[1])


def test_lighting_of_the_true_imagenet_is_twelve_grey_levels():
    # original-source 3.4: deviations and axes of the 2012 program.
    deviations = np.array([121.78, 37.09, 19.72])
    axes = np.array(
        [
            [-0.5635, -0.7126, 0.4180],
            [-0.5762, -0.0235, -0.8170],
            [-0.5920, 0.7012, 0.3973],
        ]
    )
    known = statistics.Statistics(
        1, None, np.zeros(3), np.zeros((3, 3)), deviations**2, axes
    )

    components = transforms.lighting_components(known)

    lengths = np.linalg.norm(0.1 * components, axis=0)
    np.testing.assert_allclose(lengths, deviations / 10, rtol=1e-3)


def test_small_and_rounded_eigenvalues_keep_their_length():
    # Rounding may leave one a little below 0.
    values = np.array([4.0, 0.25, -1e-9])
    known = statistics.Statistics(
        1, None, np.zeros(3), np.zeros((3, 3)), values, np.eye(3)
    )

    components = transforms.lighting_components(known)

    np.testing.assert_allclose(components, np.diag([2.0, 0.5, 0.0]))


@pytest.mark.parametrize(("height", "width"), [(60, 80), (80, 60), (24, 40)])
def test_square_is_the_centre_of_the_image(height, width):
    # Left and right, or top and bottom, are white; the centre is grey.
    image = np.full((height, width, 3), 255, np.uint8)
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    image[top : top + side, left : left + side] = 128

    for encode in (_png, lambda x: simplejpeg.encode_jpeg(x, quality=100)):
        square = transforms.square_from_bytes(encode(image), 32).numpy()
        inside = square[4:-4, 4:-4]
        assert square.shape == (32, 32, 3)
        assert np.abs(inside.astype(int) - 128).max() <= 2


def test_square_of_the_right_size_is_left_alone():
    image = _images(1, 32)[0]

    square = transforms.square_from_bytes(_png(image), 32)

    np.testing.assert_array_equal(square, image)


@pytest.mark.parametrize("subsampling", ["444", "420"])
def test_decoding_matches_another_decoder(subsampling):
    # Noise is the hardest picture for a decoder that rounds early.
    jpeg = simplejpeg.encode_jpeg(
        _images(1, 64)[0], quality=90, colorsubsampling=subsampling
    )
    theirs = simplejpeg.decode_jpeg(jpeg)

    np.testing.assert_array_equal(transforms.decode(jpeg), theirs)
    if subsampling == "444":
        window = transforms.decode_window(jpeg, 5, 9, 40)
        np.testing.assert_array_equal(window, theirs[5:45, 9:49])


def _png(image):
    return tf.io.encode_png(image).numpy()


@settings(max_examples=30, deadline=None)
@given(
    size=st.integers(1, 12),
    margin=st.integers(0, 6),
    batch_size=st.integers(1, 9),
    seed=st.integers(0, 2**31 - 1),
    step=st.integers(0, 2**40),
    mean=st.sampled_from(["paper", "original"]),
)
def test_any_crop_is_the_window_less_its_mean(
    size, margin, batch_size, seed, step, mean
):
    whole = size + margin
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (batch_size, whole, whole, 3), np.uint8)
    mean_image = rng.normal(size=(whole, whole, 3)).astype(np.float32)
    numbers = augmentation.random_numbers(
        batch_size, margin + 1, seed, step, 0.0
    )
    offsets = numbers["offsets"].numpy()
    assert offsets.min() >= 0
    assert offsets.max() <= margin
    windows = [np.s_[t : t + size, x : x + size] for t, x in offsets]

    found = augmentation.augment_batch(
        np.stack([i[w] for i, w in zip(images, windows, strict=True)]),
        numbers["offsets"],
        numbers["mirrored"],
        numbers["light"],
        mean_image,
        mean=mean,
    )

    for i, (image, window) in enumerate(zip(images, windows, strict=True)):
        mirrored = np.s_[:, ::-1] if numbers["mirrored"][i] else np.s_[:]
        middle = slice(margin // 2, margin // 2 + size)
        if mean == "paper":
            expected = (image[window] - mean_image[window])[mirrored]
        else:
            expected = image[window][mirrored] - mean_image[middle, middle]
        np.testing.assert_allclose(found[i], expected, atol=1e-4)
