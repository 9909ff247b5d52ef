"""One image file of any kind to one JPEG of the data set, §2.

Decoded by content, never by name. EXIF orientation is ignored, as in every
published ImageNet figure.
"""

import io
import warnings

import cv2
import numpy as np
import simplejpeg
from PIL import Image

# Larger images are refused by their header. At 4 bytes a pixel, and as much
# again for a progressive file, one stays below 1 GiB of memory.
MAX_PIXELS = 2**26
MAX_FILE_BYTES = 2**28
# Progressive files have about ten. Thousands are an attack: each costs time.
_MAX_SCANS = 100
_START_OF_SCAN = (0xFF, 0xDA)
# Bytes times pixels. Below it, scans of ten bytes each take a few seconds.
_HARMLESS = 2**35
# Scaled decoding aliases; this much further shrinking hides it.
_LEFT_TO_SHRINK = 2.05
# Images that shrink more are halved first: the blur would take too long.
_MAX_BLUR = 8
# Below this side, halved chroma would blur what little there is.
_HALVE_CHROMA_FROM_PIXELS = 128
_FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP")

# Processes share the cores, not OpenCV's threads.
cv2.setNumThreads(1)


class ImageError(ValueError):
    """A file that is no image that we can take; says why."""


def convert(contents, image_size, jpeg_quality):
    """Returns the JPEG for one record, its pixels, and what was odd.

    The shorter side becomes `image_size` and the centre is cut out. A JPEG
    that has that size already, or any where `image_size` is 0, stays as it is.

    Args:
        contents: Bytes of an image file, or uint8 `(height, width, 3)` RGB.
        image_size: Side in pixels; 0 keeps the size.
        jpeg_quality: From 1 to 100.

    Returns:
        A tuple of the JPEG's bytes, uint8 `(height, width, 3)` as they were
        before compression, and a few words, empty where nothing was odd.

    Raises:
        ImageError: The contents cannot be decoded, or only at a risk.
    """
    is_plain, what = False, ""
    image = contents
    if not isinstance(contents, np.ndarray):
        image, what = decode(contents, image_size)
        is_plain = not what
    height, width = image.shape[:2]
    side = min(height, width)
    if is_plain and (not image_size or height == width == image_size):
        return bytes(contents), image, what
    if image_size:
        image = resize(centre_square(image), image_size)
        if 8 * side < image_size and not what:
            what = f"enlarged from {width} x {height} pixels"
    return encode(image, jpeg_quality), image, what


def decode(contents, image_size=0):
    """Returns uint8 `(height, width, 3)` RGB and what was odd about the file.

    Args:
        contents: Bytes of an image file.
        image_size: What the shorter side is to become; far larger JPEGs are
            decoded at a half, a quarter or an eighth. 0 for the full size.

    Raises:
        ImageError: The contents cannot be decoded, or only at a risk.
    """
    if not contents:
        raise ImageError("it is empty")
    if len(contents) > MAX_FILE_BYTES:
        raise ImageError(f"it has {len(contents)} bytes, too many for an image")
    reason = ""
    if contents[:2] == b"\xff\xd8":
        try:
            header = simplejpeg.decode_jpeg_header(contents)
            height, width, colours, _ = header
            _check_size(width, height)
            _check_scans(contents, width * height)
            if colours not in ("CMYK", "YCCK"):
                return _decode_jpeg(contents, width, height, image_size), ""
        except ImageError:
            raise
        except (ValueError, MemoryError) as error:
            reason = str(error).strip()
    return _decode_with_pillow(contents, reason)


def encode(image, jpeg_quality):
    """Returns the bytes of a JPEG file.

    Args:
        image: uint8 `(height, width, 3)`, RGB.
        jpeg_quality: From 1 to 100.
    """
    small = min(image.shape[:2]) < _HALVE_CHROMA_FROM_PIXELS
    return simplejpeg.encode_jpeg(
        np.ascontiguousarray(image),
        quality=jpeg_quality,
        colorsubsampling="444" if small else "420",
    )


def centre_square(image):
    """Returns the largest square around the centre of the image."""
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return image[top : top + side, left : left + side]


def resize(square, size):
    """Returns a square image with sides of `size` pixels.

    Shrinks by a blur as wide as the factor and linear interpolation: no more
    aliasing than Pillow's BILINEAR, in a third of its time, and half of that
    of OpenCV's area mean, which aliases more. Enlarges by cubic interpolation.

    Args:
        square: uint8 `(side, side, 3)`.
        size: Pixels.
    """
    if square.shape[0] <= size:
        return cv2.resize(square, (size, size), interpolation=cv2.INTER_CUBIC)
    while square.shape[0] > _MAX_BLUR * size:
        half = square.shape[0] // 2
        square = cv2.resize(
            square[: 2 * half, : 2 * half],
            (half, half),
            interpolation=cv2.INTER_AREA,
        )
    taps = _blur_taps(square.shape[0] / size)
    blurred = cv2.sepFilter2D(
        square, -1, taps, taps, borderType=cv2.BORDER_REPLICATE
    )
    return cv2.resize(blurred, (size, size), interpolation=cv2.INTER_LINEAR)


def _blur_taps(factor):
    """Returns the weights of a pixel and its neighbours, by the factor.

    A box as wide as the factor up to 2, where interpolation makes a triangle
    of it; beyond, the triangle itself, a little wider for what interpolation
    lets through. The zone plates of the tests hold the two to their promise.
    """
    if factor <= 2:
        outer = (1 - 1 / factor) / 2
        return np.array([outer, 1 - 2 * outer, outer], np.float32)
    width = 1.05 * factor
    distances = np.arange(-int(width), int(width) + 1)
    taps = np.maximum(0, 1 - np.abs(distances) / width)
    return (taps / taps.sum()).astype(np.float32)


def _decode_jpeg(jpeg, width, height, image_size):
    """Decodes, at a part of the size where twice what is needed is left."""
    if image_size:
        needed = _LEFT_TO_SHRINK * image_size
        for part in (8, 4, 2):
            if min(width, height) >= part * needed:
                return simplejpeg.decode_jpeg(
                    jpeg,
                    min_width=-(-width // part),
                    min_height=-(-height // part),
                    min_factor=part,
                )
    return simplejpeg.decode_jpeg(jpeg)


def _decode_with_pillow(contents, reason):
    """Decodes what libjpeg-turbo alone refuses; says what is odd about it."""
    try:
        with warnings.catch_warnings():
            # Sizes are checked below, and more strictly.
            warnings.simplefilter("ignore")
            image = Image.open(io.BytesIO(contents), formats=_FORMATS)
            _check_size(*image.size)
            mode = image.mode
            if mode.startswith("I"):
                grey = np.clip(np.asarray(image) >> 8, 0, 255)
                pixels = np.repeat(grey.astype(np.uint8)[..., None], 3, axis=2)
            else:
                pixels = np.array(image.convert("RGB"))
    except ImageError:
        raise
    except Image.UnidentifiedImageError:
        raise ImageError(reason or _guess(contents)) from None
    except Exception as error:
        # Damaged bytes make Pillow raise errors of a dozen types.
        words = " ".join(str(error).split()) or type(error).__name__
        raise ImageError(f"it cannot be decoded: {words}") from None
    if image.format != "JPEG":
        return pixels, f"{image.format}, made JPEG"
    if mode not in ("RGB", "L"):
        return pixels, f"{mode} JPEG, made RGB"
    return pixels, f"read by Pillow: {reason}"


def _check_scans(jpeg, num_pixels):
    """Refuses a JPEG that would take minutes to decode."""
    if len(jpeg) * num_pixels < _HARMLESS:
        return
    codes = np.frombuffer(jpeg, np.uint8)
    first, second = _START_OF_SCAN
    count = np.count_nonzero((codes[1:] == second) & (codes[:-1] == first))
    if count > _MAX_SCANS:
        raise ImageError(f"it is a JPEG of {count} scans")


def _check_size(width, height):
    """Refuses an image by its header, before it takes memory."""
    if width < 1 or height < 1 or width * height > MAX_PIXELS:
        raise ImageError(
            f"it promises {width} x {height} pixels, and more than "
            f"{MAX_PIXELS} or none are refused"
        )


def _guess(contents):
    """Says what a file is that is no image."""
    start = bytes(contents[:64]).lstrip().lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        return "it is a web page, not an image"
    return "it is no image"
