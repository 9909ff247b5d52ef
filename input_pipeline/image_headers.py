"""What an image would cost, from its bytes, before it is decoded."""

import tensorflow as tf

# Some larger photographs exist; decoded they take 3 bytes a pixel.
MAX_PIXELS = 2**26
# A progressive JPEG goes over its whole image with every scan. libjpeg's own
# script has 10 scans, others up to about 20.
MAX_SCANS = 64
MAX_SCANNED_PIXELS = 2**30
SCAN = b"\xff\xda"
# libpng unpacks each of these chunks, to 8 MB at most, whoever wants it.
MAX_PACKED_TEXTS = 8
PACKED_TEXTS = (b"zTXt", b"iTXt", b"iCCP")
_BYTES = 32


def check(image_bytes, position=0, max_pixels=MAX_PIXELS):
    """Returns the bytes of an image that may be decoded.

    Args:
        image_bytes: String scalar: a JPEG or PNG file, whatever its name says.
        position: Of the image in its request, for the message.
        max_pixels: Rows times columns that may be decoded.

    Raises:
        tf.errors.InvalidArgumentError: It is no such file, or one that is
            large, goes over its pixels too often, or has more text than a
            photograph needs. Nothing has been decoded by then.
    """
    start = tf.io.decode_raw(image_bytes, tf.uint8, fixed_length=_BYTES)
    start = tf.cast(start, tf.int64)

    def begins(text):
        return tf.reduce_all(start[: len(text)] == list(text))

    is_jpeg, is_png = begins(b"\xff\xd8"), begins(b"\x89PNG")
    pixels = tf.case(
        [
            (is_jpeg, lambda: _jpeg_pixels(image_bytes)),
            (is_png, lambda: _number(start[16:20]) * _number(start[20:24])),
        ],
        default=lambda: tf.constant(-1, tf.int64),
    )
    scans = tf.cond(
        is_jpeg,
        lambda: _count(image_bytes, [SCAN]),
        lambda: tf.constant(0, tf.int64),
    )
    texts = tf.cond(
        is_png,
        lambda: _count(image_bytes, PACKED_TEXTS),
        lambda: tf.constant(0, tf.int64),
    )
    checks = [
        tf.debugging.Assert(
            pixels >= 0,
            ["An image must be a JPEG or PNG file. Image:", position],
        ),
        _at_most("pixels", pixels, max_pixels, position),
        _at_most("scans", scans, MAX_SCANS, position),
        _at_most(
            "scanned pixels", scans * pixels, MAX_SCANNED_PIXELS, position
        ),
        _at_most("packed texts", texts, MAX_PACKED_TEXTS, position),
    ]
    with tf.control_dependencies([c for c in checks if c is not None]):
        return tf.identity(image_bytes)


def _at_most(what, number, most, position):
    """Refuses a number that is too large."""
    return tf.debugging.Assert(
        number <= most,
        [
            f"An image must have at most so many {what}:",
            most,
            "Received:",
            number,
            "Image:",
            position,
        ],
    )


def _number(digits):
    """Returns an integer of bytes, the first of which counts most."""
    return tf.reduce_sum(
        digits * [256**power for power in reversed(range(digits.shape[0]))]
    )


def _jpeg_pixels(image_bytes):
    """Returns the size that a JPEG's frame header says."""
    shape = tf.cast(tf.io.extract_jpeg_shape(image_bytes), tf.int64)
    return shape[0] * shape[1]


def _count(image_bytes, patterns):
    """Returns how often some short strings of one length occur in a file.

    By themselves they hardly do: in a JPEG's coded pixels a byte 255 is never
    followed by a marker's, and in compressed ones four given bytes come once
    in four thousand million.
    """
    contents = tf.io.decode_raw(image_bytes, tf.uint8)
    length = len(patterns[0])
    starts = tf.maximum(tf.size(contents) - length + 1, 0)
    windows = [contents[i : starts + i] for i in range(length)]

    def occurs(pattern):
        equal = [w == byte for w, byte in zip(windows, pattern, strict=True)]
        return tf.math.count_nonzero(tf.reduce_all(tf.stack(equal), axis=0))

    return tf.add_n([occurs(pattern) for pattern in patterns])
