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

from input_pipeline import dataset_info

# Larger images are refused by their header. At 4 bytes a pixel, and as much
# again for a progressive file, one stays below 1 GiB of memory.
MAX_PIXELS = 2**26
MAX_FILE_BYTES = 2**28
# Progressive files have about ten. Thousands are an attack: each costs time.
_MAX_SCANS = 100
_START_OF_SCAN = (0xFF, 0xDA)
# Bytes times pixels. Below it, scans of ten bytes each take a few seconds.
_HARMLESS = 2**35
# What shrinks by twice as much and more is first reduced by a whole number, a
# mean of pixels, until about this factor is left. At records of 32 pixels and
# more that is 44 dB or more from the filter alone, on each of 400 photographs.
_LEFT_TO_SHRINK = 4.0
# Below this side, halved chroma would blur what little there is.
_HALVE_CHROMA_FROM_PIXELS = 128
_FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP")
_FILTERS = {
    "triangle": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
    dataset_info.BLUR_LINEAR: Image.Resampling.BILINEAR,
}

# Processes share the cores, not OpenCV's threads.
cv2.setNumThreads(1)


class ImageError(ValueError):
    """A file that is no image that we can take; says why."""


def convert(
    contents,
    image_size,
    jpeg_quality,
    resample="triangle",
    resize="shorter side",
):
    """Returns the JPEG for one record, its pixels, and what was odd.

    The shorter side becomes `image_size` and the centre is cut out. A JPEG
    that has that size already, or any where `image_size` is 0, stays as it is.

    Args:
        contents: Bytes of an image file, or uint8 `(height, width, 3)` RGB.
        image_size: Side in pixels; 0 keeps the size.
        jpeg_quality: From 1 to 100.
        resample: The filter; see `DatasetInfo`.
        resize: "shorter side" cuts the centre out; "squash" brings the whole
            image to the square, as Caffe's users do.

    Returns:
        A tuple of the JPEG's bytes, uint8 `(height, width, 3)` as they were
        before compression, and a few words, empty where nothing was odd.

    Raises:
        ImageError: The contents cannot be decoded, or only at a risk.
    """
    dataset_info.check_resize(resize)
    is_plain, what = False, ""
    image = contents
    if not isinstance(contents, np.ndarray):
        image, what = decode(contents)
        is_plain = not what
    height, width = image.shape[:2]
    if is_plain and (not image_size or height == width == image_size):
        return bytes(contents), image, what
    if image_size:
        if resize != "squash":
            image = centre_square(image)
        image = scale(image, image_size, resample)
        if 8 * min(height, width) < image_size and not what:
            what = f"enlarged from {width} x {height} pixels"
    return encode(image, jpeg_quality), image, what


def is_smaller(contents, image_size):
    """Returns whether an image that can be decoded has a smaller side.

    Args:
        contents: As of `convert`.
        image_size: Pixels.
    """
    if isinstance(contents, np.ndarray):
        return min(contents.shape[:2]) < image_size
    try:
        with Image.open(io.BytesIO(contents)) as image:
            return min(image.size) < image_size
    except OSError:
        # Pillow takes less than libjpeg does.
        return False


def decode(contents):
    """Returns uint8 `(height, width, 3)` RGB and what was odd about the file.

    Always at full size. What libjpeg can leave out of larger files (a half, a
    quarter) gains a quarter of the time at best, and some of 400 photographs
    came only within 27 dB of the same filter of the whole image.

    Args:
        contents: Bytes of an image file.

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
                return simplejpeg.decode_jpeg(contents), ""
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


def scale(image, size, resample="triangle"):
    """Returns an image brought to `size` times `size` pixels.

    The pixels that `transforms.square_from_bytes` gives, to rounding.

    Args:
        image: uint8 `(height, width, 3)`.
        size: Pixels.
        resample: The filter; see `DatasetInfo`.
    """
    dataset_info.check_resample(resample)
    image = np.ascontiguousarray(image)
    if resample == "area":
        if min(image.shape[:2]) > size:
            return cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)
        resample = "bicubic"
    scaled = Image.fromarray(image).resize(
        (size, size),
        _FILTERS[resample],
        reducing_gap=_LEFT_TO_SHRINK,
    )
    return np.asarray(scaled)


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
