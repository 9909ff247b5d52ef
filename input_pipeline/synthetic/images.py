"""One rendered image of a class, from a seed.

It shows one object before a cluttered background. A class is a shape,
a texture and a colour, and no two of the three tell all classes apart. Size,
position, rotation, light, tint and background vary, and no class changes in a
mirror.
"""

import colorsys
import dataclasses
import math

import cv2
import numpy as np
import simplejpeg

from input_pipeline.synthetic import shapes

# Lengths are given as on an image whose shorter side has this many pixels, the
# size of the demo's records.
REFERENCE_SIDE_PIXELS = 128
SPLITS = ("train", "validation")
# Another number whenever the same seed gives other images than before.
VERSION = 2


@dataclasses.dataclass(frozen=True)
class RenderedClass:
    """What the images of one class show.

    The synset is an invented one in WordNet's form.
    """

    synset: str
    texture: str
    colour: str
    shape: str

    @property
    def name(self):
        """Returns the class name, "striped red disc" for instance."""
        return f"{self.texture} {self.colour} {self.shape}"


# By label, which is the sorted order of the synsets.
CLASSES = (
    RenderedClass("n90000104", "striped", "red", "disc"),
    RenderedClass("n90001873", "dotted", "blue", "triangle"),
    RenderedClass("n90002410", "striped", "blue", "star"),
    RenderedClass("n90003352", "checked", "red", "triangle"),
    RenderedClass("n90004719", "dotted", "red", "disc"),
    RenderedClass("n90005268", "striped", "blue", "disc"),
    RenderedClass("n90006031", "dotted", "red", "triangle"),
    RenderedClass("n90007645", "checked", "blue", "triangle"),
    RenderedClass("n90008597", "striped", "red", "star"),
    RenderedClass("n90009926", "dotted", "blue", "disc"),
)

_HUES = {"red": (-0.04, 0.06), "blue": (0.54, 0.69)}
# Largest rotation from the upright either way, in turns.
_TURNS = {"disc": 0.0, "triangle": 0.08, "star": 0.1}
# Width of the plain edge that outlines each shape; without it a small network
# takes long to tell one shape from another.
_RIM = 5.0


def render_jpeg(seed, split, label, index):
    """Returns image `index` of a class in a split as the bytes of a JPEG.

    They depend on nothing but the arguments, so that any process may render
    any image.

    Args:
        seed: The data set's seed, 0 or more.
        split: One of `SPLITS`.
        label: Index into `CLASSES`.
        index: Number of the image within its class and split, from 0.
    """
    rng = np.random.default_rng([seed, SPLITS.index(split), label, index])
    image = render(label, rng)
    quality = int(rng.integers(80, 96))
    return simplejpeg.encode_jpeg(image, quality, colorsubsampling="420")


def render(label, rng, shorter_side_pixels=(120, 220), max_aspect=1.5):
    """Renders one image.

    Args:
        label: Index into `CLASSES`.
        rng: A `numpy.random.Generator`; the image is a function of its state.
        shorter_side_pixels: Smallest and largest length of the shorter side.
        max_aspect: Largest ratio of the longer side to the shorter.

    Returns:
        `(height, width, 3)` uint8, RGB.
    """
    if not 0 <= label < len(CLASSES):
        raise ValueError(
            f"label must be 0 to {len(CLASSES) - 1}. Received: label={label}"
        )
    shown = CLASSES[label]
    lower, upper = shorter_side_pixels
    shorter = int(rng.integers(lower, upper + 1))
    longer = round(shorter * rng.uniform(1.0, max_aspect))
    size = (shorter, longer) if rng.random() < 0.7 else (longer, shorter)

    canvas = _Canvas(*size)
    _paint_background(canvas, rng)
    _paint_distractors(canvas, rng)
    _paint_object(canvas, shown, rng)
    return _photograph(canvas, rng)


class _Canvas:
    """An image under the brush.

    `image` is `(height, width, 3)` float32, 0 to 1. `x` and `y` are the
    coordinates of its rows and columns from the centre, in reference pixels;
    `pixel` is the length of one pixel.
    """

    def __init__(self, height, width):
        self.pixel = REFERENCE_SIDE_PIXELS / min(height, width)
        self.x = _centred(width)[None, :] * self.pixel
        self.y = _centred(height)[:, None] * self.pixel
        self.image = np.empty((height, width, 3), np.float32)

    def window(self, x, y, radius):
        """Returns the slices of rows and columns within `radius` of a point."""
        rows = np.flatnonzero(np.abs(self.y[:, 0] - y) <= radius)
        columns = np.flatnonzero(np.abs(self.x[0] - x) <= radius)
        if not (len(rows) and len(columns)):
            return slice(0, 0), slice(0, 0)
        return (
            slice(rows[0], rows[-1] + 1),
            slice(columns[0], columns[-1] + 1),
        )


def _centred(length):
    return np.arange(length, dtype=np.float32) - np.float32((length - 1) / 2)


def _paint_background(canvas, rng):
    """Fills the canvas with a gradient, clouds and a faint texture."""
    height, width = canvas.image.shape[:2]
    first, second = _muted_colour(rng), _muted_colour(rng)
    angle = rng.uniform(0, 2 * math.pi)
    along = canvas.x * math.cos(angle) + canvas.y * math.sin(angle)
    mix = 0.5 + along / 180
    for cells in (3, 7, 16):
        strength = rng.uniform(0, 0.3)
        mix = mix + strength * shapes.clouds(rng, height, width, cells)
    if rng.random() < 0.6:
        texture = shapes.TEXTURES[rng.integers(3)]
        pattern = shapes.pattern(texture, canvas.x, canvas.y, canvas.pixel, rng)
        mix = mix + rng.uniform(0.05, 0.15) * (pattern - 0.5)
    mix = np.clip(mix, 0, 1)[..., None]
    canvas.image[:] = first + mix * (second - first)


def _paint_distractors(canvas, rng):
    """Adds muted shapes of every kind, texture and colour, smaller ones."""
    height, width = canvas.image.shape[:2]
    for _ in range(rng.integers(2, 6)):
        x = rng.uniform(-0.5, 0.5) * width * canvas.pixel
        y = rng.uniform(-0.5, 0.5) * height * canvas.pixel
        radius = rng.uniform(5, 14)
        base = _muted_colour(rng)
        other = base + rng.uniform(0.0, 0.15) * rng.choice((-1, 1))
        _paint_shape(
            canvas,
            rng,
            shape=shapes.SHAPES[rng.integers(3)],
            texture=shapes.TEXTURES[rng.integers(3)],
            colours=(base, np.clip(other, 0, 1)),
            centre=(x, y),
            radius=radius,
        )


def _paint_object(canvas, shown, rng):
    """Adds the object, on its shadow."""
    _paint_shape(
        canvas,
        rng,
        shape=shown.shape,
        texture=shown.texture,
        colours=_object_colours(shown.colour, rng),
        centre=rng.uniform(-14, 14, size=2),
        radius=rng.uniform(29, 40),
        shadow=rng.uniform(0.15, 0.6),
    )


def _paint_shape(
    canvas, rng, *, shape, texture, colours, centre, radius, shadow=0.0
):
    """Paints one textured and lit shape.

    Args:
        canvas: Painted on.
        rng: Chooses rotation, light, and the texture's scale and phase.
        shape: One of `shapes.SHAPES`.
        texture: One of `shapes.TEXTURES`.
        colours: Two arrays `(3,)`, RGB from 0 to 1.
        centre: `(x, y)`, in reference pixels.
        radius: Of the disc of about the same area, in reference pixels.
        shadow: Strength, from 0 to 1.
    """
    rows, columns = canvas.window(*centre, 1.35 * radius + 14)
    x = canvas.x[:, columns] - np.float32(centre[0])
    y = canvas.y[rows] - np.float32(centre[1])
    region = canvas.image[rows, columns]
    turn = 2 * math.pi * rng.uniform(-1, 1) * _TURNS[shape]
    light = rng.uniform(0, 2 * math.pi)
    light_x, light_y = math.cos(light), math.sin(light)

    if shadow:
        offset, softness = rng.uniform(3, 7), rng.uniform(4, 9)
        outside = shapes.distance(
            shape, x + offset * light_x, y + offset * light_y, radius, turn
        )
        shade = shadow * shapes.inside(outside, softness)
        region *= 1 - shade[..., None]

    pattern = shapes.pattern(texture, x, y, canvas.pixel, rng)
    paint = colours[0] + pattern[..., None] * (colours[1] - colours[0])
    slope = rng.uniform(0, 0.3) / radius
    paint *= (1 + slope * (x * light_x + y * light_y))[..., None]
    cover = shapes.distance(shape, x, y, radius, turn)
    rim = shapes.inside(-cover - _RIM, canvas.pixel)[..., None]
    paint += rim * (colours[0] - paint)
    cover = shapes.inside(cover, canvas.pixel)[..., None]
    region += cover * (paint - region)


def _muted_colour(rng):
    """Returns a dull colour of any hue, more often of the classes' hues."""
    hue = rng.random()
    if rng.random() < 0.6:
        hue = rng.uniform(*_HUES[rng.choice(list(_HUES))])
    return _rgb(hue, rng.uniform(0.1, 0.5), rng.uniform(0.3, 0.85))


def _object_colours(colour, rng):
    """Returns a strong and a pale colour of the family."""
    strong = _rgb(
        rng.uniform(*_HUES[colour]),
        rng.uniform(0.75, 1),
        rng.uniform(0.55, 0.95),
    )
    pale = _rgb(
        rng.uniform(*_HUES[colour]),
        rng.uniform(0.02, 0.2),
        rng.uniform(0.88, 1),
    )
    return strong, pale


def _rgb(hue, saturation, value):
    return np.array(colorsys.hsv_to_rgb(hue % 1, saturation, value), np.float32)


def _photograph(canvas, rng):
    """Lights, blurs and grains the canvas; returns it as uint8."""
    angle, strength = rng.uniform(0, 2 * math.pi), rng.uniform(0, 0.3)
    along = canvas.x * math.cos(angle) + canvas.y * math.sin(angle)
    light = rng.uniform(0.8, 1.1) + strength * along / 90
    image = canvas.image * light.astype(np.float32)[..., None]
    blur = rng.uniform(0, 0.6) / canvas.pixel
    if blur > 0.3:
        image = cv2.GaussianBlur(image, (0, 0), blur)
    grain = rng.standard_normal(image.shape, np.float32)
    image = image * 255 + np.float32(rng.uniform(1, 5)) * grain
    return np.clip(np.round(image), 0, 255).astype(np.uint8)
