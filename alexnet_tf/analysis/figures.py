"""Arrays to pictures: kernels, batches, contact sheets (§6.1)."""

import io

import numpy as np

from input_pipeline import files

# The authors' program draws sixteen kernels a row, a pixel apart.
_KERNELS_A_ROW = 16
_SCREEN = 255
# Of a contact sheet, in pixels.
_GAP = 6
_FONT = 11
_LINE = 14


def kernel_grid(kernels, scale=None):
    """Returns Figure 3: the kernels of conv1 on one scale for all.

    Args:
        kernels: `(rows, columns, 3, n)`; the first half is the first tower's.
        scale: Screen pixels a side of each weight; if `None`, 4, or what
            makes smaller kernels as large as the paper's.

    Returns:
        uint8 `(height, width, 3)`.
    """
    scale = scale or max(4, 44 // len(kernels))
    low, high = kernels.min(), kernels.max()
    shades = (kernels - low) / max(high - low, 1e-12) * _SCREEN
    tiles = np.moveaxis(shades, -1, 0).round().astype(np.uint8)
    return tile(tiles.repeat(scale, 1).repeat(scale, 2), _KERNELS_A_ROW)


def tile(images, columns, gap=1):
    """Returns images side by side, in rows, on white.

    Args:
        images: uint8 `(n, height, width, 3)`.
        columns: Images a row.
        gap: Pixels between them.
    """
    count, height, width, _ = images.shape
    columns = min(columns, count)
    rows = -(-count // columns)
    sheet = np.full(
        (rows * (height + gap) - gap, columns * (width + gap) - gap, 3),
        _SCREEN,
        np.uint8,
    )
    for number, image in enumerate(images):
        top = number // columns * (height + gap)
        left = number % columns * (width + gap)
        sheet[top : top + height, left : left + width] = image
    return sheet


def batch_sheet(images, mean_rgb, count=16, columns=8):
    """Returns the first images of an augmented batch, as the network sees it.

    Args:
        images: float32 `(n, height, width, 3)`, less the mean.
        mean_rgb: `(3,)`, added back for the eye.
        count: Images to show.
        columns: Images a row.
    """
    return tile(add_mean(images[:count], mean_rgb), columns, gap=2)


def add_mean(images, mean_rgb):
    """Returns images less their mean as uint8 pixels for the eye.

    Args:
        images: float32 `(..., 3)`, less the mean.
        mean_rgb: `(3,)`.
    """
    pixels = np.asarray(images) + np.asarray(mean_rgb)
    return pixels.round().clip(0, _SCREEN).astype(np.uint8)


def contact_sheet(strips, captions, columns, side=128):
    """Returns strips of pictures with words under each, in rows, on white.

    A strip is an image and what became of it. Its pictures are drawn on one
    scale, so that a crop is as much smaller as it shows less.

    Args:
        strips: Sequence of lists of uint8 `(size, size, 3)`. Every strip has
            the sizes of the first one.
        captions: For each strip a list of texts of up to two lines, one for
            each picture. What does not fit under a picture is left out.
        columns: Strips a row.
        side: Screen pixels a side of each strip's first picture.

    Returns:
        uint8 `(height, width, 3)`.
    """
    from PIL import Image, ImageDraw, ImageFont

    scale = side / len(strips[0][0])
    sides = [round(len(picture) * scale) for picture in strips[0]]
    width = sum(sides) + (len(sides) + 1) * _GAP
    height = max(sides) + 2 * _LINE + 2 * _GAP
    columns = min(columns, len(strips))
    rows = -(-len(strips) // columns)
    sheet = Image.new(
        "RGB", (columns * width + _GAP, rows * height + _GAP), "white"
    )
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(_FONT)
    for number, strip in enumerate(strips):
        left = number % columns * width + _GAP
        bottom = number // columns * height + _GAP + max(sides)
        for picture, text, size in zip(
            strip, captions[number], sides, strict=True
        ):
            drawn = Image.fromarray(picture).resize((size, size))
            sheet.paste(drawn, (left, bottom - size))
            for row, line in enumerate(text.splitlines()):
                draw.text(
                    (left, bottom + 2 + row * _LINE),
                    _fit(line, size, font),
                    "black",
                    font,
                )
            left += size + _GAP
    return np.asarray(sheet)


def _fit(text, width, font):
    """Returns as much of a line as is no wider than `width`."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "...") > width:
        text = text[:-1]
    return text.rstrip() + "..."


def save_png(path, image):
    """Writes a uint8 image `(height, width, 3)` as a PNG file."""
    from PIL import Image

    contents = io.BytesIO()
    Image.fromarray(image).save(contents, "png")
    files.write_atomically(path, contents.getvalue())


def neighbours_sheet(queries, neighbours, captions, side=128):
    """Returns Figure 4, right: each query, and the images nearest to it.

    Args:
        queries: Sequence of uint8 `(height, width, 3)`.
        neighbours: For each query a sequence of such images, nearest first.
        captions: For each query a list of texts: its own, then theirs.
        side: Screen pixels a side of every picture.

    Returns:
        uint8 `(height, width, 3)`, a row for each query.
    """
    from PIL import Image

    strips = [
        [
            np.asarray(Image.fromarray(picture).resize((side, side)))
            for picture in (query, *near)
        ]
        for query, near in zip(queries, neighbours, strict=True)
    ]
    return contact_sheet(strips, captions, columns=1, side=side)


def short(class_name):
    """Returns the first of a class's synonyms."""
    return class_name.split(",")[0]
