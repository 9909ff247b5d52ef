"""One image to one image: crop, mirror, mean, lighting, ten crops (§4.1).

Whatever takes an image, in training, evaluation or a served model, prepares
it with the functions of this module.
"""

import tensorflow as tf

from input_pipeline import dataset_info

# TensorFlow's names of the filters; those that shrink are antialiased.
_METHODS = {
    "triangle": "bilinear",
    "bicubic": "bicubic",
    "lanczos": "lanczos3",
    dataset_info.BLUR_LINEAR: "bilinear",
}
# Left to itself TensorFlow decodes less exactly, and no faster: one and a half
# grey levels away from what other programs see in the same file.
_EXACT = {"channels": 3, "dct_method": "INTEGER_ACCURATE"}


def decode(image_bytes):
    """Returns the pixels of a JPEG, PNG or still GIF file.

    Args:
        image_bytes: String scalar.

    Returns:
        uint8 `(height, width, 3)`, RGB.
    """
    return tf.io.decode_jpeg(image_bytes, **_EXACT)


def decode_window(jpeg, top, left, size):
    """Returns a square of a JPEG file, and decodes no more than it must.

    Args:
        jpeg: String scalar; JPEG only.
        top: First row.
        left: First column.
        size: Rows and columns.

    Returns:
        uint8 `(size, size, 3)`, that part of `decode(jpeg)`. Where a file
        keeps colours at half the resolution, pixels at the border may differ
        by what their cut-off neighbours would have lent them.
    """
    crop = tf.image.decode_and_crop_jpeg(
        jpeg, tf.stack([top, left, size, size]), **_EXACT
    )
    return tf.ensure_shape(crop, (size, size, 3))


def square_from_bytes(
    image_bytes, size, resample="triangle", resize="shorter side"
):
    """Decodes a file and brings it to the size of the records (§2).

    To rounding what the converter makes of the file: tests hold the two to
    each other. EXIF orientation is ignored, there as here.

    Args:
        image_bytes: String scalar, the bytes of a JPEG or PNG of any size.
        size: Rows and columns of the result.
        resample: The filter; see `DatasetInfo`.
        resize: "shorter side" takes the central square of the image, "squash"
            all of it.

    Returns:
        uint8 `(size, size, 3)`.
    """
    dataset_info.check_resample(resample)
    dataset_info.check_resize(resize)
    image = decode(image_bytes)
    height, width = tf.shape(image)[0], tf.shape(image)[1]
    side = tf.minimum(height, width)
    if resize != "squash":
        top, left = (height - side) // 2, (width - side) // 2
        image = image[top : top + side, left : left + side]

    def scale(method):
        pixels = tf.image.resize(image, (size, size), method, antialias=True)
        return tf.cast(tf.clip_by_value(tf.round(pixels), 0, 255), tf.uint8)

    if resample != "area":
        return tf.ensure_shape(scale(_METHODS[resample]), (size, size, 3))
    square = tf.cond(
        side > size, lambda: scale("area"), lambda: scale("bicubic")
    )
    return tf.ensure_shape(square, (size, size, 3))


def center_crop(images, size):
    """Cuts the central square out of images `(..., height, width, 3)`."""
    top = (images.shape[-3] - size) // 2
    left = (images.shape[-2] - size) // 2
    return images[..., top : top + size, left : left + size, :]


def ten_crops(images: tf.Tensor, size: int = 224) -> tf.Tensor:
    """Cuts four corners and the centre out of each image, and mirrors them.

    Args:
        images: `(n, height, width, 3)`, such as 256 x 256.
        size: Rows and columns of a crop. Paper: 224.

    Returns:
        `(n, 10, size, size, 3)`: top left, top right, bottom left, bottom
        right, centre, then the same five mirrored.
    """
    images = tf.convert_to_tensor(images)
    bottom, right = images.shape[-3] - size, images.shape[-2] - size
    corners = [(0, 0), (0, right), (bottom, 0), (bottom, right)]
    crops = [
        images[:, top : top + size, left : left + size]
        for top, left in [*corners, (bottom // 2, right // 2)]
    ]
    crops = tf.stack(crops, axis=1)
    return tf.concat([crops, tf.reverse(crops, axis=[3])], axis=1)


def evaluation_crops(images, mean_image, size, crops, mean="paper"):
    """Returns what an evaluation sees of whole images (§4.1).

    Args:
        images: uint8 `(n, height, width, 3)`.
        mean_image: float32 `(height, width, 3)`.
        size: Rows and columns of a crop.
        crops: 1 for the centre, 10 for those of `ten_crops`.
        mean: See `augmentation.augment_batch`.

    Returns:
        float32 `(n, size, size, 3)`, or `(n, 10, size, size, 3)`.
    """
    images = tf.cast(images, tf.float32)
    if mean == "paper":
        images = images - mean_image
    if crops == 10:
        images = ten_crops(images, size)
    else:
        images = center_crop(images, size)
    if mean == "original":
        images = images - center_crop(mean_image, size)
    return images


def pca_lighting(
    images: tf.Tensor, components: tf.Tensor, stddev: float, seed: int
) -> tf.Tensor:
    """Shifts each image's colour along the data set's principal axes.

    Adds the same RGB offset `components @ z` to every pixel, with `z` drawn
    once per image from a normal distribution. It models a change in the
    intensity and colour of the light, §4.1. Compiled by XLA.

    Deviation: §4.1 scales each axis by its eigenvalue, a variance. On pixels
    in [0, 255] that drowns the image. We scale by the standard deviation, as
    the authors' program does.

    Args:
        images: float32 `(n, height, width, 3)`.
        components: `(3, 3)` from `lighting_components`. Column k is a
            principal axis of the RGB values, as long as their standard
            deviation on it.
        stddev: Standard deviation of `z`. Paper: 0.1.
        seed: Two integers.

    Returns:
        `(n, height, width, 3)`, not clipped to [0, 255].
    """
    light = tf.random.stateless_normal(
        (tf.shape(images)[0], 3), seed, stddev=stddev, alg="philox"
    )
    return _lighten(images, light, tf.cast(components, tf.float32))


@tf.function(jit_compile=True, autograph=False)
def _lighten(images, light, components):
    """Adds `components @ light` to every pixel of each image."""
    colours = tf.linalg.matvec(components, light)
    return images + colours[:, tf.newaxis, tf.newaxis, :]


def lighting_components(statistics, lighting="stddev"):
    """Returns the axes of `pca_lighting` from a data set's statistics.

    Args:
        statistics: A `statistics.Statistics`.
        lighting: "eigenvalue" makes each axis as long as the variance along
            it, as the paper is printed; all else as long as the standard
            deviation.

    Returns:
        float32 `(3, 3)` array.
    """
    lengths = statistics.eigenvalues.clip(min=0)
    if lighting != "eigenvalue":
        lengths = lengths**0.5
    return (statistics.eigenvectors * lengths).astype("float32")
