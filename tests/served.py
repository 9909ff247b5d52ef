"""A small exported model, and images that tell the truth or do not."""

import contextlib
import io
import json
import struct
import threading
import types
import urllib.error
import urllib.request
import zlib

import numpy as np
from PIL import Image
from runs import NETWORK

import alexnet_tf
from alexnet_tf import export
from input_pipeline import synthetic
from input_pipeline.statistics import Accumulator

NAMES = [f"class {i}" for i in range(6)]
SIZE = 48


def make_version(folder, spoil=False):
    """Exports a network of six classes with its first weights, or with nan."""
    sums = Accumulator(SIZE)
    rng = np.random.default_rng(0)
    for _ in range(3):
        sums.add(rng.integers(0, 256, (SIZE, SIZE, 3), np.uint8))
    model = alexnet_tf.build(NETWORK, 6, native_ops_only=True)
    if spoil:
        bias = model.get_layer("fc8").weights[-1]
        bias.assign(np.full(bias.shape, np.nan))
    return export.export(
        alexnet_tf.Classifier(model, sums.finish(), NAMES), folder
    )


@contextlib.contextmanager
def run_server(directory, **settings):
    """Serves from a thread; yields its addresses and what ends it."""
    from alexnet_tf.serving import server

    found = types.SimpleNamespace()
    ready, failed = threading.Event(), []

    def announce(port, grpc_port, stop):
        scheme = "https" if settings.get("tls") else "http"
        found.port, found.grpc_port, found.stop = port, grpc_port, stop
        found.http = f"{scheme}://127.0.0.1:{port}"
        found.grpc = f"grpc://127.0.0.1:{grpc_port}"
        ready.set()

    def serve():
        try:
            server.serve(server.Settings(str(directory), **settings), announce)
        except BaseException as error:
            failed.append(error)
        ready.set()

    settings = {"port": 0, "grpc_port": 0, "batch_size": 4, **settings}
    thread = threading.Thread(target=serve)
    thread.start()
    ready.wait()
    if failed:
        raise failed[0]
    found.thread = thread
    try:
        yield found
    finally:
        found.stop()
        thread.join(60)
        assert not thread.is_alive()


def ask(url, body=None, **headers):
    """Returns status, headers and body of a request."""
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
    request = urllib.request.Request(url, body, headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def photograph(seed=0, kind="jpeg", mode="RGB", **options):
    """Returns a rendered image as the bytes of a file."""
    image = Image.fromarray(
        synthetic.render(seed % 10, np.random.default_rng(seed))
    )
    contents = io.BytesIO()
    image.convert(mode).save(contents, kind, **options)
    return contents.getvalue()


def animation():
    """Returns a GIF of three frames."""
    frames = [
        Image.fromarray(synthetic.render(i, np.random.default_rng(i)))
        for i in range(3)
    ]
    contents = io.BytesIO()
    frames[0].save(contents, "gif", save_all=True, append_images=frames[1:])
    return contents.getvalue()


def deep_png():
    """Returns a PNG of 16 bits."""
    pixels = np.arange(40 * 40, dtype=np.uint16).reshape(40, 40) * 40
    contents = io.BytesIO()
    Image.fromarray(pixels).save(contents, "png")
    return contents.getvalue()


def _chunk(kind, data):
    """Returns a chunk of a PNG file."""
    check = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)


def huge_png(side=10_000):
    """Returns a small PNG file that says it is large."""
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(side * 3 + 1) * 10)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", head)
        + _chunk(b"IDAT", rows)
        + _chunk(b"IEND", b"")
    )


def png_of_texts(count, megabytes=7):
    """Returns a small PNG with packed texts, each of so many megabytes."""
    whole = photograph(kind="png")
    text = b"Comment\0\0" + zlib.compress(bytes(megabytes * 2**20), 9)
    return whole[:33] + _chunk(b"zTXt", text) * count + whole[33:]


def jpeg_of_scans(count, side=256):
    """Returns a progressive JPEG whose last scan comes so many times more."""
    image = synthetic.render(1, np.random.default_rng(1))
    image = Image.fromarray(image).resize((side, side))
    contents = io.BytesIO()
    image.save(contents, "jpeg", progressive=True)
    whole = contents.getvalue()
    last = whole.rindex(b"\xff\xda")
    return whole[:-2] + whole[last:-2] * count + whole[-2:]


def gif_of_frame(side=20_000):
    """Returns a GIF that says 1 x 1 and holds a frame of `side` squared."""
    head = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + bytes(6)
    frame = b"," + struct.pack("<HHHHB", 0, 0, side, side, 0)
    # LZW: clear, zeros, end; the rest of the frame is filled by the reader.
    return head + frame + b"\x02\x02\x44\x01\x00;"


def huge_jpeg(side=10_000):
    """Returns a small JPEG whose frame header says it is large."""
    data = bytearray(photograph())
    start = data.index(b"\xff\xc0") + 5
    data[start : start + 4] = struct.pack(">HH", side, side)
    return bytes(data)


GOOD = {
    "JPEG": photograph(),
    "PNG named JPEG": photograph(kind="png"),
    "CMYK": photograph(mode="CMYK"),
    "grey": photograph(mode="L"),
    "16-bit PNG": deep_png(),
    "1 x 1": (lambda b: (Image.new("RGB", (1, 1)).save(b, "png"), b)[1])(
        io.BytesIO()
    ).getvalue(),
}
BAD = {
    "nothing": b"",
    "text": b"no image at all",
    "half a JPEG": photograph()[:400],
    "a JPEG's first bytes": photograph()[:10],
    "a PNG's first bytes": photograph(kind="png")[:20],
    "animated GIF": animation(),
    "BMP": photograph(kind="bmp"),
    "huge PNG": huge_png(),
    "huge JPEG": huge_jpeg(),
    "JPEG of a thousand scans": jpeg_of_scans(1000),
    "PNG of a hundred texts": png_of_texts(100, 1),
    "GIF of a huge frame": gif_of_frame(),
    "still GIF": photograph(kind="gif"),
}
