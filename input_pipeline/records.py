"""The record format: the only module that names its fields.

A record is a `tf.train.Example`; a shard is a TFRecord file of them. Both are
written here byte by byte, so that workers need no TensorFlow and the same
images always make the same shards.
"""

import struct

import google_crc32c

# A record in a shard: length, its checksum, the payload, its checksum.
HEADER_BYTES = 12
FOOTER_BYTES = 4

# Keys of protocol buffers: field number and wire type. Every message of an
# Example has its contents in field 1, but for the value of a map entry (field
# 2) and the Int64List of a Feature (field 3).
_FIELD_1 = b"\x0a"
_FIELD_2 = b"\x12"
_FIELD_3 = b"\x1a"


def serialize(image, label, file_name, synset):
    """Returns one record as a serialized `tf.train.Example`.

    Args:
        image: Bytes of a JPEG file.
        label: Integer from 0; -1 where it is not known.
        file_name: As in the archive that the image comes from.
        synset: WordNet id or folder name of the class.
    """
    # Map entries are in the order of their names.
    return _message(
        _FIELD_1,
        b"".join(
            (
                _entry(b"file_name", _bytes_feature(file_name.encode())),
                _entry(b"image", _bytes_feature(image)),
                _entry(b"label", _int64_feature(label)),
                _entry(b"synset", _bytes_feature(synset.encode())),
            )
        ),
    )


def parse(serialized, foreign=False):
    """Returns the fields of one record or of a vector of records.

    Args:
        serialized: String tensor, `()` or `(n,)`.
        foreign: Whether `file_name` and `synset` may be missing, as in a set
            of TFDS; they are empty then.

    Returns:
        A dict of tensors of the same shape: `image` (string), `label`
        (int32), `file_name` and `synset` (strings).
    """
    import tensorflow as tf

    text = tf.io.FixedLenFeature((), tf.string)
    more = tf.io.FixedLenFeature((), tf.string, "") if foreign else text
    fields = tf.io.parse_example(
        serialized,
        {
            "image": text,
            "label": tf.io.FixedLenFeature((), tf.int64),
            "file_name": more,
            "synset": more,
        },
    )
    fields["label"] = tf.cast(fields["label"], tf.int32)
    return fields


def shard_name(name, split, index, count):
    """Returns the file name of shard `index` of `count`, as TFDS has it."""
    return f"{name}-{split}.tfrecord-{index:05d}-of-{count:05d}"


def frame(payload):
    """Returns `payload` with the lengths and checksums of TFRecord."""
    length = struct.pack("<Q", len(payload))
    return b"".join(
        (
            length,
            struct.pack("<I", masked_crc(length)),
            payload,
            struct.pack("<I", masked_crc(payload)),
        )
    )


def read_length(header):
    """Returns the length of the payload after a header, None if damaged."""
    if len(header) < HEADER_BYTES:
        return None
    length, crc = struct.unpack("<QI", header)
    return length if masked_crc(header[:8]) == crc else None


def masked_crc(contents):
    """Returns the checksum that TFRecord stores with `contents`."""
    crc = google_crc32c.value(contents)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def _entry(name, feature):
    """One entry of the map from names to features."""
    return _message(
        _FIELD_1, _message(_FIELD_1, name) + _message(_FIELD_2, feature)
    )


def _bytes_feature(value):
    return _message(_FIELD_1, _message(_FIELD_1, value))


def _int64_feature(value):
    # Negative numbers are written as their two's complement of 64 bits.
    packed = _varint(value & 0xFFFFFFFFFFFFFFFF)
    return _message(_FIELD_3, _message(_FIELD_1, packed))


def _message(key, contents):
    return key + _varint(len(contents)) + contents


def _varint(number):
    """Seven bits a byte, lowest first; the high bit says that more follow."""
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)
