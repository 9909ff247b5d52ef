import numpy as np
import pytest

from input_pipeline import statistics
from input_pipeline.statistics import Accumulator, Statistics


def random_images(count, shape=(8, 8, 3), seed=0):
    generator = np.random.default_rng(seed)
    base = generator.integers(0, 256, (count, *shape[:2], 1))
    noise = generator.integers(-40, 41, (count, *shape))
    return np.clip(base + noise, 0, 255).astype(np.uint8)


def accumulate(images, image_size=8):
    accumulator = Accumulator(image_size)
    for image in images:
        accumulator.add(image)
    return accumulator


def assert_same(one, two):
    for name, value in vars(one).items():
        np.testing.assert_array_equal(value, getattr(two, name), name)


def test_statistics_match_numpy():
    images = random_images(20)

    result = accumulate(images).finish()

    pixels = images.reshape(-1, 3).astype(np.float64)
    covariance = np.cov(pixels.T, bias=True)
    assert result.count == 20
    np.testing.assert_allclose(result.mean_image, images.mean(0), rtol=1e-14)
    np.testing.assert_allclose(result.mean_rgb, pixels.mean(0), rtol=1e-14)
    np.testing.assert_allclose(result.covariance, covariance, rtol=1e-12)
    np.testing.assert_allclose(
        result.eigenvectors @ np.diag(result.eigenvalues),
        covariance @ result.eigenvectors,
        atol=1e-9,
    )


def test_eigenvalues_descend_and_eigenvectors_are_columns():
    result = accumulate(random_images(20)).finish()

    assert np.all(np.diff(result.eigenvalues) < 0)
    # Brightness varies most: one sign in the whole first column.
    assert np.all(result.eigenvectors[:, 0] > 0)
    assert np.all(result.eigenvectors.sum(axis=0) >= 0)


def test_two_pixels_by_hand():
    image = np.array([[[0, 0, 0], [2, 4, 6]]], np.uint8)

    result = accumulate([image], image_size=0).finish()

    np.testing.assert_array_equal(result.mean_rgb, [1, 2, 3])
    np.testing.assert_array_equal(
        result.covariance, [[1, 2, 3], [2, 4, 6], [3, 6, 9]]
    )
    np.testing.assert_allclose(result.eigenvalues, [14, 0, 0], atol=1e-12)


@pytest.mark.parametrize("parts", [1, 2, 3, 7])
def test_the_result_is_the_same_for_any_number_of_parts(parts):
    images = random_images(21)
    whole = accumulate(images).finish()

    merged = Accumulator(8)
    for i in reversed(range(parts)):
        merged.merge(accumulate(images[i::parts]))

    assert_same(merged.finish(), whole)


@pytest.mark.parametrize("value", [0, 255])
def test_extreme_images_are_summed_exactly(value):
    images = np.full((3, 64, 64, 3), value, np.uint8)

    result = accumulate(images, image_size=64).finish()

    np.testing.assert_array_equal(result.mean_rgb, [value] * 3)
    np.testing.assert_array_equal(result.covariance, np.zeros((3, 3)))


@pytest.mark.parametrize("shape", [(1, 1, 3), (1999, 1501, 3)])
def test_products_of_any_shape_are_exact(shape):
    image = np.random.default_rng(0).integers(200, 256, shape).astype(np.uint8)

    accumulator = accumulate([image], image_size=0)

    pixels = image.reshape(-1, 3).astype(np.int64)
    assert accumulator.sum_products == (pixels.T @ pixels).tolist()
    assert accumulator.sum_rgb == pixels.sum(axis=0).tolist()


def test_more_images_than_float32_can_count(monkeypatch):
    monkeypatch.setattr(statistics, "_EXACT_IMAGES", 4)
    images = random_images(10)

    result = accumulate(images).finish()

    np.testing.assert_allclose(result.mean_image, images.mean(0), rtol=1e-14)


def test_the_exact_number_of_images_fits_float32():
    total = np.float32(0)

    total += np.float32(255 * statistics._EXACT_IMAGES)

    assert int(total) == 255 * statistics._EXACT_IMAGES < 2**24


def test_images_of_many_sizes_have_no_mean_image(tmp_path):
    images = [random_images(1, (5, 9, 3))[0], random_images(1, (7, 2, 3))[0]]
    result = accumulate(images, image_size=0).finish()

    result.save(tmp_path)

    loaded = Statistics.load(tmp_path)
    assert loaded.mean_image is None
    assert_same(loaded, result)
    pixels = np.concatenate([image.reshape(-1, 3) for image in images])
    np.testing.assert_allclose(loaded.mean_rgb, pixels.mean(0), rtol=1e-14)


def test_what_is_saved_is_loaded(tmp_path):
    result = accumulate(random_images(3)).finish()

    result.save(tmp_path)

    assert_same(Statistics.load(tmp_path), result)
    with np.load(tmp_path / "statistics.npz") as saved:
        assert set(saved) == set(vars(result))


def test_an_image_of_another_size_is_refused():
    with pytest.raises(ValueError, match=r"shape \(8, 8, 3\)"):
        accumulate(random_images(1, (8, 9, 3)))


def test_statistics_of_other_sizes_do_not_merge():
    with pytest.raises(ValueError, match="one size"):
        Accumulator(8).merge(Accumulator(9))


def test_no_images_have_no_statistics():
    with pytest.raises(ValueError, match="one image or more"):
        Accumulator(8).finish()


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="statistics.npz.*build_tf"):
        Statistics.load(tmp_path)


@pytest.mark.parametrize("contents", [b"", b"PK\x03\x04 broken", b"text"])
def test_a_broken_file_is_named(tmp_path, contents):
    (tmp_path / "statistics.npz").write_bytes(contents)

    with pytest.raises(ValueError, match="statistics.npz must be"):
        Statistics.load(tmp_path)
