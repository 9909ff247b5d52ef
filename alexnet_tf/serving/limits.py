"""How much a server takes, and what an image would cost it."""

import dataclasses

from input_pipeline import image_headers

# What a JPEG may have before its frame header; cameras write about ten.
_MAX_SEGMENTS = 1000
# Markers without a length: TEM and RST0 to RST7.
_BARE = {0x01, *range(0xD0, 0xD8)}
# Frame headers: SOF0 to SOF15, without DHT, JPG and DAC.
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_START_OF_SCAN, _END = 0xDA, 0xD9


@dataclasses.dataclass(frozen=True)
class Limits:
    """What a server takes; more is refused with the reason."""

    # Bytes of a body as it comes, chunked or not.
    body_bytes: int = 2**25
    # Bytes of all bodies that are held at once.
    bodies_bytes: int = 2**28
    # Bytes before the body: the request's line and headers.
    header_bytes: int = 2**14
    # Open connections; the one that waits longest for a request makes room.
    connections: int = 512
    # Seconds in which a request's line and headers must have come.
    header_seconds: float = 10.0
    # Images of a request.
    images: int = 256
    # Numbers, lists and texts of a JSON body, and numbers of an answer.
    values: int = 2**21
    # Images that are being decoded or wait for the network.
    waiting: int = 256
    # Seconds from a request's first byte to its answer.
    timeout_seconds: float = 30.0
    # Pixels times scans that are decoded among the others, in a twentieth of
    # a second, and the seconds of a processor that one such image may take.
    small_pixels: int = 2**22
    small_seconds: float = 1.0
    # Larger images are decoded one after another, apart.
    large_seconds: float = 10.0
    # Memory that a decoding process may take, beyond what it starts with.
    decoder_bytes: int = 3 * 2**30


def count_work(image_bytes):
    """Returns the pixels that decoding goes over: an image's, times scans.

    It reads headers only, and takes microseconds.

    Args:
        image_bytes: A file of any kind.

    Raises:
        ValueError: It is no JPEG or PNG, or one that is not to be decoded, as
            `image_headers.check` says within the model.
    """
    if image_bytes[:2] == b"\xff\xd8":
        height, width = _jpeg_size(image_bytes)
        scans = image_bytes.count(image_headers.SCAN)
        texts = 0
    elif image_bytes[:4] == b"\x89PNG" and len(image_bytes) >= 24:
        width = int.from_bytes(image_bytes[16:20])
        height = int.from_bytes(image_bytes[20:24])
        scans = 1
        texts = sum(map(image_bytes.count, image_headers.PACKED_TEXTS))
    else:
        raise ValueError("it begins as neither")
    pixels = height * width
    for what, number, most in (
        ("pixels", pixels, image_headers.MAX_PIXELS),
        ("scans", scans, image_headers.MAX_SCANS),
        ("pixels x scans", pixels * scans, image_headers.MAX_SCANNED_PIXELS),
        ("packed texts", texts, image_headers.MAX_PACKED_TEXTS),
    ):
        if number > most:
            raise ValueError(f"{number} {what}, more than {most}")
    return pixels * max(scans, 1)


def _jpeg_size(data):
    """Returns the height and width that a JPEG's frame header says."""
    place = 2
    for _ in range(_MAX_SEGMENTS):
        # What stands before a marker is skipped, as libjpeg does.
        place = data.find(b"\xff", place)
        while place >= 0 and data[place : place + 1] == b"\xff":
            place += 1
        marker = data[place] if 0 <= place < len(data) else _END
        if marker in (_END, _START_OF_SCAN):
            raise ValueError("it has no frame header")
        place += 1
        if marker in _BARE or marker == 0:
            continue
        if marker in _FRAMES:
            if len(data) < place + 7:
                raise ValueError("it ends in its frame header")
            return (
                int.from_bytes(data[place + 3 : place + 5]),
                int.from_bytes(data[place + 5 : place + 7]),
            )
        place += int.from_bytes(data[place : place + 2])
    raise ValueError(f"more than {_MAX_SEGMENTS} segments before its frame")
