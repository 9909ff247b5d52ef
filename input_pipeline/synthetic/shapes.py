"""Shapes, textures and clouds as fields over the plane.

Lengths are in the unit of the coordinates. Fields are float32.
"""

import math

import cv2
import numpy as np

SHAPES = ("disc", "triangle", "star")
TEXTURES = ("striped", "dotted", "checked")

# Points of a shape, and the radius between them as a fraction of theirs.
_POINTS = {"triangle": (3, 0.5), "star": (5, 0.48)}
# Radius of each shape where all cover about the same area.
_RADII = {"disc": 1.0, "triangle": 1.35, "star": 1.35}


def distance(shape, x, y, radius, turn):
    """Returns the signed distance to a shape's edges, negative inside.

    Args:
        shape: One of `SHAPES`.
        x: Columns from the centre, broadcast with `y`.
        y: Rows from the centre, downwards.
        radius: Of the disc of about the same area.
        turn: Clockwise from the upright, in radians.
    """
    radius = radius * _RADII[shape]
    length = np.hypot(x, y)
    if shape == "disc":
        return length - radius
    # All edges are one edge, after folding the plane like a paper star.
    points, between = _POINTS[shape]
    half = math.pi / points
    angle = np.arctan2(y, x) + np.float32(math.pi / 2 - turn)
    angle = np.abs((angle + half) % (2 * half) - half)
    edge_x = radius * (between * math.cos(half) - 1)
    edge_y = radius * between * math.sin(half)
    cross = edge_y * (length * np.cos(angle) - radius)
    cross -= edge_x * length * np.sin(angle)
    return cross / math.hypot(edge_x, edge_y)


def inside(distance, softness):
    """Returns 1 inside, 0 outside, and a ramp `softness` wide between."""
    return np.clip(0.5 - distance / np.float32(softness), 0, 1)


def pattern(texture, x, y, pixel, rng):
    """Returns a texture from 0 to 1, with antialiased edges.

    Args:
        texture: One of `TEXTURES`.
        x: Columns, broadcast with `y`.
        y: Rows.
        pixel: Length of one pixel.
        rng: Chooses direction, phase and period. An 11 x 11 kernel with stride
            4 must resolve the texture, so that its period is 12 or more.
    """
    u, v = _rotate(x, y, rng.uniform(0, math.pi))
    phase_u, phase_v = rng.random(2)
    if texture == "striped":
        period = rng.uniform(12, 16)
        wave = _triangle_wave(u / period + phase_u)
        return inside(-(wave - 0.25) * period, pixel)
    if texture == "checked":
        period = rng.uniform(16, 20)
        u = (_triangle_wave(u / period + phase_u) - 0.25) * period
        v = (_triangle_wave(v / period + phase_v) - 0.25) * period
        u, v = 2 * inside(u, pixel) - 1, 2 * inside(v, pixel) - 1
        return 0.5 + 0.5 * u * v
    period = rng.uniform(14, 18)
    u = _triangle_wave(u / period + phase_u) * period
    v = _triangle_wave(v / period + phase_v) * period
    return inside(np.hypot(u, v) - 0.33 * period, pixel)


def clouds(rng, height, width, cells):
    """Returns smooth noise of about -1 to 1, `(height, width)`."""
    grid = rng.uniform(-1, 1, (cells, cells)).astype(np.float32)
    return cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)


def _triangle_wave(phase):
    """Returns the distance to the nearest whole number, 0 to 0.5."""
    return np.abs(phase - np.round(phase))


def _rotate(x, y, angle):
    cos, sin = np.float32(math.cos(angle)), np.float32(math.sin(angle))
    return cos * x + sin * y, cos * y - sin * x
