import numpy as np
import pytest

from input_pipeline.synthetic import shapes

AXIS = np.arange(-60, 61, dtype=np.float32)
X, Y = AXIS[None, :], AXIS[:, None]


def area(shape, turn=0.0):
    return np.mean(shapes.distance(shape, X, Y, 30.0, turn) < 0)


@pytest.mark.parametrize("shape", shapes.SHAPES)
def test_distance_is_negative_inside_and_positive_outside(shape):
    distance = shapes.distance(shape, X, Y, 30.0, 0.0)

    assert distance[60, 60] < -10
    assert distance[[0, 0, -1, -1], [0, -1, 0, -1]].min() > 10


@pytest.mark.parametrize("shape", shapes.SHAPES)
def test_upright_shape_is_its_own_mirror_image(shape):
    distance = shapes.distance(shape, X, Y, 30.0, 0.0)

    np.testing.assert_allclose(distance, distance[:, ::-1], atol=1e-3)


@pytest.mark.parametrize("shape", ["triangle", "star"])
def test_upright_shape_has_its_point_on_top(shape):
    inside = shapes.distance(shape, X, Y, 30.0, 0.0) < 0

    widths = inside.sum(axis=1)
    top = np.flatnonzero(widths)[0]
    assert widths[top] <= 3
    assert AXIS[top] == pytest.approx(-1.35 * 30, abs=2)


def test_areas_are_those_of_geometry():
    triangle = 0.75 * np.sqrt(3) * 40.5**2
    star = 5 * 40.5 * (0.48 * 40.5) * np.sin(np.pi / 5)

    areas = [area(shape) * 121**2 for shape in ("disc", "triangle", "star")]

    assert areas == pytest.approx([np.pi * 30**2, triangle, star], rel=0.02)


@pytest.mark.parametrize("shape", shapes.SHAPES)
def test_rotation_keeps_the_area(shape):
    assert area(shape, turn=0.4) == pytest.approx(area(shape), rel=0.02)


@pytest.mark.parametrize("texture", shapes.TEXTURES)
def test_texture_fills_zero_to_one(texture):
    pattern = shapes.pattern(texture, X, Y, 1.0, np.random.default_rng(0))

    assert pattern.shape == (121, 121)
    assert pattern.min() == 0
    assert pattern.max() == 1
    assert 0.2 < pattern.mean() < 0.7


def test_stripes_have_one_direction_and_the_others_two():
    spectra = {texture: strongest_waves(texture) for texture in shapes.TEXTURES}

    assert spectra == {"striped": 1, "dotted": 2, "checked": 2}


def strongest_waves(texture):
    """Counts the directions of the strongest waves of a texture."""
    pattern = shapes.pattern(texture, X, Y, 1.0, np.random.default_rng(0))
    window = np.hanning(121)[:, None] * np.hanning(121)
    power = np.abs(np.fft.fft2((pattern - pattern.mean()) * window))
    rows, columns = np.nonzero(power > 0.6 * power.max())
    frequency = np.fft.fftfreq(121)
    angles = np.arctan2(frequency[rows], frequency[columns]) % np.pi
    return len({round(angle / 0.4) % 8 for angle in angles})
