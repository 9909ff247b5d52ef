"""How large an image is, from its first bytes, before it is decoded."""

import tensorflow as tf

# Some larger photographs exist; decoded they take 3 bytes a pixel.
MAX_PIXELS = 2**26
_BYTES = 32


def check(image_bytes, index=0, max_pixels=MAX_PIXELS):
    """Returns the bytes of an image that may be decoded.

    Args:
        image_bytes: String scalar: a JPEG, PNG or GIF file, whatever its name
            says.
        index: Of the image in its request, for the message.
        max_pixels: Rows times columns that may be decoded.

    Raises:
        tf.errors.InvalidArgumentError: It is no such file, or it says that it
            is larger. Nothing has been decoded by then.
    """
    start = tf.io.decode_raw(image_bytes, tf.uint8, fixed_length=_BYTES)
    start = tf.cast(start, tf.int64)

    def begins(text):
        return tf.reduce_all(start[: len(text)] == list(text))

    pixels = tf.case(
        [
            (begins(b"\xff\xd8"), lambda: _jpeg_pixels(image_bytes)),
            (
                begins(b"\x89PNG"),
                lambda: _number(start[16:20], 1) * _number(start[20:24], 1),
            ),
            (
                begins(b"GIF8"),
                lambda: _number(start[6:8], -1) * _number(start[8:10], -1),
            ),
        ],
        default=lambda: tf.constant(-1, tf.int64),
    )
    checks = [
        tf.debugging.Assert(
            pixels >= 0,
            ["An image must be a JPEG, PNG or GIF file. Image:", index],
        ),
        tf.debugging.Assert(
            pixels <= max_pixels,
            [
                "An image must have at most so many pixels:",
                max_pixels,
                "Received:",
                pixels,
                "Image:",
                index,
            ],
        ),
    ]
    with tf.control_dependencies([c for c in checks if c is not None]):
        return tf.identity(image_bytes)


def _number(digits, step):
    """Returns an integer of bytes, the last (1) or the first (-1) smallest."""
    return tf.reduce_sum(
        digits[::step]
        * [256**power for power in reversed(range(digits.shape[0]))]
    )


def _jpeg_pixels(image_bytes):
    """Returns the size that a JPEG's frame header says."""
    shape = tf.cast(tf.io.extract_jpeg_shape(image_bytes), tf.int64)
    return shape[0] * shape[1]
