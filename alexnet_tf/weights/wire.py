"""Protocol buffers' wire format, as far as Caffe's files need it."""

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def fields(message):
    """Yields the fields of a message: its number and its value.

    Args:
        message: Bytes or a memoryview; nothing of it is copied.

    Yields:
        A field's number, and an integer where it is a number, or a memoryview
        where it is text, bytes, packed numbers or another message.

    Raises:
        ValueError: It is no such message, or is cut off.
    """
    message = memoryview(message)
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        kind = key & 7
        if kind == _VARINT:
            value, place = _varint(message, place)
        else:
            if kind == _BYTES:
                length, place = _varint(message, place)
            elif kind in (_FIXED32, _FIXED64):
                length = 4 if kind == _FIXED32 else 8
            else:
                raise ValueError(f"a field of unknown kind {kind}")
            value = message[place : place + length]
            place += length
            if len(value) < length:
                raise ValueError(
                    f"a field of {length} bytes, of which {len(value)} are "
                    "there"
                )
        yield key >> 3, value


def text(value):
    """Returns a field's value as text."""
    if isinstance(value, int):
        raise ValueError("a number in the place of text")
    return bytes(value).decode("utf-8")


def varints(value):
    """Returns the integers of a repeated field, packed or not."""
    if isinstance(value, int):
        return [value]
    found, place = [], 0
    while place < len(value):
        number, place = _varint(value, place)
        found.append(number)
    return found


def _varint(message, place):
    """Returns a number of variable length, and where it ends."""
    number = shift = 0
    while place < len(message) and shift < 64:
        byte = message[place]
        number |= (byte & 127) << shift
        place += 1
        if byte < 128:
            return number, place
        shift += 7
    raise ValueError("a number that does not end")
