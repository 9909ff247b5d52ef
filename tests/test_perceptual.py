"""LPIPS equals a forward pass that is written here in NumPy."""

import io
import pathlib
import tarfile

import keras
import numpy as np
import programs
import pytest
import simplejpeg
import tensorflow as tf
from PIL import Image

from alexnet_tf import analysis
from alexnet_tf.analysis.perceptual import LPIPSMetric
from alexnet_tf.weights import lpips as lpips_weights
from alexnet_tf.weights import torch_file

_TRUNK = (
    pathlib.Path(__file__).parents[2]
    / "shared"
    / "data"
    / "weights"
    / "alexnet_owt_trunk.npz"
)
needs_trunk = pytest.mark.skipif(
    not _TRUNK.exists(), reason=f"{_TRUNK} is not here: see shared/data"
)
# LPIPS 0.1: the input less this, over that (images of -1 to 1).
_SHIFT, _SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
_STRIDES, _PADDING = (4, 1, 1, 1, 1), (2, 2, 1, 1, 1)


def _windows(maps, size, stride):
    """Returns `(n, rows, columns, size, size, channels)`."""
    found = np.lib.stride_tricks.sliding_window_view(maps, (size, size), (1, 2))
    return found[:, ::stride, ::stride].transpose(0, 1, 2, 4, 5, 3)


def _features(images, weights):
    """Returns the maps behind the five rectifiers, in float64."""
    maps = (images / 127.5 - 1 - np.array(_SHIFT)) / np.array(_SCALE)
    found = []
    for number in range(1, 6):
        if number in (2, 3):
            maps = _windows(maps, 3, 2).max(axis=(3, 4))
        kernel = weights[f"conv{number}/kernel"].astype(np.float64)
        sides = [_PADDING[number - 1]] * 2
        maps = np.pad(maps, [[0, 0], sides, sides, [0, 0]])
        windows = _windows(maps, len(kernel), _STRIDES[number - 1])
        rows = windows.reshape(*windows.shape[:3], -1)
        maps = rows @ kernel.reshape(-1, kernel.shape[-1])
        maps = np.maximum(maps + weights[f"conv{number}/bias"], 0)
        found.append(maps)
    return found


def _reference(a, b, weights):
    """Returns the distances by the paper's formula, in NumPy."""
    total = 0
    for number, (x, y) in enumerate(
        zip(_features(a, weights), _features(b, weights), strict=True), 1
    ):
        x, y = (
            f / (np.sqrt((f**2).sum(-1, keepdims=True)) + 1e-10) for f in (x, y)
        )
        weighted = ((x - y) ** 2) @ weights[f"lpips{number}/kernel"]
        total = total + weighted.mean(axis=(1, 2))
    return total


@pytest.fixture(scope="module")
def weights():
    """Random kernels, and heads of 0 or more."""
    rng = np.random.default_rng(0)
    return {
        name: np.float32(
            rng.random(shape)
            if name.startswith("lpips")
            else rng.normal(0, np.sqrt(2 / max(1, np.prod(shape[:-1]))), shape)
        )
        for name, shape in lpips_weights.SHAPES.items()
    }


@pytest.fixture(scope="module")
def lpips(weights):
    return analysis.LPIPS(weights)


def _noise(count, size, seed=1):
    shape = (count, size, size, 3)
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


@pytest.mark.parametrize("size", [31, 64, 101])
def test_distance_is_the_papers_formula(lpips, weights, size):
    a, b = _noise(2, size), _noise(2, size, seed=2)

    found = lpips(a, b).numpy()

    np.testing.assert_allclose(found, _reference(a, b, weights), atol=1e-4)
    np.testing.assert_allclose(lpips(b, a), found, rtol=1e-5)


@pytest.fixture
def photographs(ilsvrc_mini):
    """Four photographs: uint8 `(4, 224, 224, 3)`, RGB."""
    crops = []
    with tarfile.open(ilsvrc_mini / "ILSVRC2012_img_val.tar") as archive:
        for member in archive:
            if member.isfile() and len(crops) < 4:
                data = io.BytesIO(archive.extractfile(member).read())
                image = Image.open(data).convert("RGB").resize((224, 224))
                crops.append(np.asarray(image))
    return np.stack(crops)


@needs_trunk
def test_distance_is_the_papers_on_photographs(photographs):
    lpips = analysis.LPIPS(_TRUNK)
    with np.load(_TRUNK) as file:
        arrays = dict(file)
    a, b = photographs[:2], photographs[2:]
    small = [x[:, ::3, ::3] for x in (a, b)]
    blurred = (a // 2 + np.roll(a, 2, axis=2) // 2).astype(np.uint8)

    for one, other in ((a, b), small, (a, blurred)):
        np.testing.assert_allclose(
            lpips(one, other), _reference(one, other, arrays), atol=1e-4
        )


def test_sizes_and_scales(lpips):
    large = _noise(1, 1024)
    assert float(lpips(large, 255 - large)[0]) > 0

    a, b = _noise(1, 64), _noise(1, 64, seed=2)
    expected = lpips(a, b)
    np.testing.assert_allclose(
        lpips(np.float32(a), tf.cast(b, tf.float16)), expected, rtol=1e-3
    )
    centred = analysis.LPIPS(lpips._arrays, value_range=(-1, 1))
    np.testing.assert_allclose(
        centred(a / 127.5 - 1, b / 127.5 - 1), expected, rtol=1e-4
    )
    np.testing.assert_allclose(centred(a, b), expected, rtol=1e-5)


def test_equal_images_have_no_distance_and_no_gradient(lpips):
    for images in (_noise(2, 40), np.zeros((2, 40, 40, 3), np.uint8)):
        variable = tf.Variable(tf.cast(images, tf.float32))
        with tf.GradientTape() as tape:
            distances = lpips(images, variable)
        np.testing.assert_array_equal(distances, 0)
        np.testing.assert_array_equal(tape.gradient(distances, variable), 0)


def test_gradient_is_that_of_differences(lpips, weights):
    a, b = np.float64(_noise(1, 35)), np.float64(_noise(1, 35, seed=2))
    direction = np.random.default_rng(3).normal(size=b.shape)
    variable = tf.Variable(b, dtype=tf.float32)
    with tf.GradientTape() as tape:
        distance = lpips(np.float32(a), variable)
    found = np.sum(tape.gradient(distance, variable).numpy() * direction)

    step = 1e-4
    ends = [_reference(a, b + s * direction, weights) for s in (step, -step)]
    expected = (ends[0] - ends[1])[0] / (2 * step)
    np.testing.assert_allclose(found, expected, rtol=1e-3)


def test_keras_trains_measures_and_saves_with_it(weights, tmp_path):
    np.savez(tmp_path / "lpips.npz", **weights)
    lpips = analysis.LPIPS(tmp_path / "lpips.npz")
    model = keras.Sequential(
        [keras.Input((32, 32, 3)), keras.layers.Conv2D(3, 1)]
    )
    model.compile("sgd", loss=lpips, metrics=[LPIPSMetric(lpips)])
    images = np.float32(_noise(3, 32))

    history = model.fit(images, images, 3, epochs=1, verbose=0).history
    loss, metric = model.evaluate(images, images, 2, verbose=0)

    expected = float(np.mean(lpips(images, model(images))))
    np.testing.assert_allclose([loss, metric], expected, rtol=1e-4)
    assert np.isfinite(history["loss"]).all()
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(
        again.evaluate(images, images, 3, verbose=0), expected, rtol=1e-4
    )


@pytest.fixture(scope="module")
def published(weights, tmp_path_factory):
    """The two files, as torchvision and LPIPS call what is in them."""
    folder = tmp_path_factory.mktemp("published")
    numbers = dict(zip((0, 3, 6, 8, 10), range(1, 6), strict=True))
    state = {"classifier.6.bias": np.zeros(3, np.float32)}
    for number, ours in numbers.items():
        kernel = weights[f"conv{ours}/kernel"].transpose(3, 2, 0, 1)
        state[f"features.{number}.weight"] = kernel
        state[f"features.{number}.bias"] = weights[f"conv{ours}/bias"]
    torch_file.write(folder / "alexnet.pth", state)
    heads = {
        f"lin{n}.model.1.weight": weights[f"lpips{n + 1}/kernel"].reshape(
            1, -1, 1, 1
        )
        for n in range(5)
    }
    torch_file.write(folder / "alex.pth", heads)
    return folder


def test_the_two_published_files_are_the_weights(published, weights):
    paths = [published / "alex.pth", published / "alexnet.pth"]

    found = lpips_weights.load(paths)

    assert set(found) == set(weights)
    for name, array in found.items():
        np.testing.assert_array_equal(array, weights[name])


def test_program_prints_four_decimals(published, lpips, tmp_path):
    a, b = _noise(1, 40)[0], _noise(1, 40, seed=2)[0]
    for name, image in (("a.png", a), ("b.png", b)):
        Image.fromarray(image).save(tmp_path / name)

    done = programs.run(
        "compare_images",
        f"--weights={published / 'alexnet.pth'},{published / 'alex.pth'}",
        tmp_path / "a.png",
        tmp_path / "b.png",
    )

    assert done.stdout == f"{float(lpips(a[None], b[None])[0]):.4f}\n"


def _compare(published, *files, status=1):
    weights = f"--weights={published / 'alexnet.pth'},{published / 'alex.pth'}"
    return programs.run("compare_images", weights, *files, status=status).stderr


def test_grey_and_cmyk_images_are_compared(published, tmp_path):
    rgb = Image.fromarray(_noise(1, 40)[0])
    for mode in ("L", "CMYK"):
        rgb.convert(mode).save(tmp_path / f"{mode}.jpg")

    _compare(published, tmp_path / "L.jpg", tmp_path / "CMYK.jpg", status=0)


def test_what_cannot_be_compared_is_refused(published, tmp_path):
    sizes = {"one.png": 1, "small.png": 40, "large.png": 64}
    for name, size in sizes.items():
        Image.fromarray(_noise(1, size)[0]).save(tmp_path / name)
    one, small, large = (tmp_path / name for name in sizes)
    (tmp_path / "none.jpg").write_bytes(
        simplejpeg.encode_jpeg(_noise(1, 40)[0])[:50]
    )

    assert "at least 31 pixels" in _compare(published, one, one)
    assert "40 x 40 pixels and" in _compare(published, small, large)
    assert "must be an image" in _compare(
        published, small, tmp_path / "none.jpg"
    )
    assert "no.png: No such file" in _compare(
        published, small, tmp_path / "no.png"
    )
    assert "Two image files" in _compare(published, small, status=2)


def test_half_of_the_weights_is_refused(published, weights):
    with pytest.raises(ValueError, match="Missing: lpips1/kernel.*alex.pth"):
        lpips_weights.load(published / "alexnet.pth")
    with pytest.raises(ValueError, match="conv2/kernel must have the shape"):
        analysis.LPIPS({**weights, "conv2/kernel": np.zeros(3)})
    with pytest.raises(ValueError, match="lpips3/kernel must be 0 or more"):
        analysis.LPIPS({**weights, "lpips3/kernel": np.full(384, -1.0)})
    with pytest.raises(FileNotFoundError, match="There is no no.npz"):
        lpips_weights.load("no.npz")
