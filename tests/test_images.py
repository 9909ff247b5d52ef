import io
import pathlib
import resource
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from input_pipeline.conversion import images
from tests import ilsvrc_miniature as miniature

QUIRKS = pathlib.Path("../shared/data/ilsvrc_mini/quirks")


def difference(one, two):
    """Mean absolute difference in grey levels."""
    return np.abs(one.astype(float) - two).mean()


def promise(width, height, jpeg):
    """Changes the size that a JPEG's header names."""
    start = jpeg.index(b"\xff\xc0") + 5
    size = struct.pack(">HH", height, width)
    return jpeg[:start] + size + jpeg[start + 4 :]


FILES = {
    "JPEG": {},
    "JPEG progressive": {"progressive": True},
    "JPEG L": {},
    "JPEG CMYK": {},
    "PNG": {},
    "PNG P": {},
    "PNG RGBA": {},
    "PNG 1": {},
    "GIF": {},
    "BMP": {},
    "WEBP": {},
}


def encode(kind):
    """Returns the bytes of a file, and what it should be decoded to."""
    format_, *mode = kind.split()
    mode = mode[0] if mode and mode[0] != "progressive" else "RGB"
    image = miniature.render()
    contents = miniature.encode(image, format_, mode, **FILES[kind])
    return contents, np.asarray(
        Image.fromarray(image).convert(mode).convert("RGB")
    )


@pytest.mark.parametrize("kind", FILES)
def test_files_are_decoded_by_content(kind):
    contents, expected = encode(kind)

    image, what = images.decode(contents)

    assert image.shape == (40, 60, 3)
    assert difference(image, expected) < 4
    plain = kind in ("JPEG", "JPEG progressive", "JPEG L")
    assert (what == "") == plain


def test_sixteen_bits_become_eight():
    grey = np.full((4, 4), 0x8040, np.uint16)
    contents = io.BytesIO()
    Image.fromarray(grey).save(contents, "PNG")

    image, _ = images.decode(contents.getvalue())

    np.testing.assert_array_equal(image, np.full((4, 4, 3), 0x80))


@pytest.mark.parametrize(
    ("size", "square"),
    [((40, 60), (0, 10)), ((61, 40), (10, 0)), ((41, 40), (0, 0))],
)
def test_the_centre_is_cut_out(size, square):
    image = np.random.default_rng(0).integers(0, 256, (*size, 3))
    top, left = square

    cut = images.centre_square(image)

    np.testing.assert_array_equal(cut, image[top : top + 40, left : left + 40])


@pytest.mark.parametrize(
    "size", [(1, 50), (50, 1), (1, 1), (16, 16), (17, 300), (300, 65), (9, 8)]
)
def test_any_size_becomes_the_asked_one(size):
    image = np.full((*size, 3), 90, np.uint8)

    jpeg, pixels, _ = images.convert(image, 16, 95)

    assert pixels.shape == (16, 16, 3)
    assert difference(pixels, 90) == 0
    assert difference(images.decode(jpeg)[0], 90) <= 1


def test_a_jpeg_of_the_right_size_is_not_compressed_again():
    jpeg = miniature.render_jpeg(0, 32, 32)

    assert images.convert(jpeg, 32, 50)[0] == jpeg
    assert images.convert(jpeg, 0, 50)[0] == jpeg
    assert images.convert(jpeg, 16, 50)[0] != jpeg


@pytest.mark.parametrize(("size", "halved"), [(32, False), (256, True)])
def test_chroma_is_halved_in_large_images_only(size, halved):
    jpeg = images.encode(miniature.render(0, size, size), 95)

    with Image.open(io.BytesIO(jpeg)) as image:
        assert image.layer[0][1:3] == ((2, 2) if halved else (1, 1))


@pytest.mark.parametrize(
    ("contents", "reason"),
    [
        (b"", "it is empty"),
        (b"<!DOCTYPE html><html></html>", "a web page"),
        (b"\n<html>404 Not Found", "a web page"),
        (b"hello", "it is no image"),
        (b"\xff\xd8", "cannot be decoded|header|image"),
        (miniature.render_jpeg(0, 200, 200)[:-300], "truncated"),
        (promise(65535, 65535, miniature.render_jpeg()), "4294836225 pixels"),
        (promise(16384, 16384, miniature.render_jpeg()), "16384 x 16384"),
    ],
)
def test_what_is_no_image_is_refused_with_a_reason(contents, reason):
    with pytest.raises(images.ImageError, match=reason):
        images.convert(contents, 16, 95)


def test_a_png_that_promises_too_much_is_refused():
    contents = bytearray(miniature.encode(miniature.render(), "PNG"))
    contents[16:24] = struct.pack(">II", 9_000, 9_000)
    contents[29:33] = struct.pack(">I", zlib.crc32(contents[12:29]))

    with pytest.raises(images.ImageError, match="9000 x 9000"):
        images.convert(bytes(contents), 16, 95)


def test_a_jpeg_of_very_many_scans_is_refused():
    # Not decoded far enough to see that they are empty.
    large = promise(8_000, 8_000, miniature.render_jpeg())

    with pytest.raises(images.ImageError, match="a JPEG of 201 scans"):
        images.decode(large + b"\xff\xda" * 200)


def test_a_file_of_absurd_length_is_refused(monkeypatch):
    monkeypatch.setattr(images, "MAX_FILE_BYTES", 100)

    with pytest.raises(images.ImageError, match="too many for an image"):
        images.decode(miniature.render_jpeg())


def test_what_libjpeg_warns_of_is_mended_and_listed():
    jpeg = miniature.render_jpeg()

    _, what = images.decode(jpeg[:-2] + b"\x00\x00" + jpeg[-2:])

    assert what == "" or what.startswith("read by Pillow")


def mutate(contents, generator):
    """Changes, removes or repeats a few bytes of a file."""
    contents = bytearray(contents)
    for _ in range(generator.integers(1, 6)):
        place = int(generator.integers(0, len(contents)))
        kind = generator.integers(0, 4)
        if kind == 0:
            contents[place] ^= 1 << generator.integers(0, 8)
        elif kind == 1:
            contents[place : place + 2] = generator.bytes(2)
        elif kind == 2:
            del contents[place : place + int(generator.integers(1, 40))]
        else:
            contents[place:place] = contents[place : place + 20]
        if not contents:
            break
    return bytes(contents)


def test_damaged_files_are_converted_or_refused():
    count = 10_000
    originals = [encode(kind)[0] for kind in FILES]
    generator = np.random.default_rng(count)
    refused = 0

    for i in range(count):
        contents = mutate(originals[i % len(originals)], generator)
        try:
            _, image, _ = images.convert(contents, 16, 95)
        except images.ImageError:
            refused += 1
        else:
            assert image.shape == (16, 16, 3)

    assert 0.1 * count < refused < 0.9 * count
    gibibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    assert gibibytes < 4  # this process has TensorFlow's, too


@pytest.mark.parametrize("promised", [(65_535, 65_535), (16_384, 16_384)])
def test_a_bomb_takes_no_memory(promised, tmp_path):
    path = tmp_path / "bomb.JPEG"
    path.write_bytes(promise(*promised, miniature.render_jpeg()))
    script = (
        "import resource, sys; from input_pipeline.conversion import images\n"
        "used = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before = used()\n"
        "try: images.convert(open(sys.argv[1], 'rb').read(), 16, 95)\n"
        "except images.ImageError: print(used() - before)\n"
    )

    result = subprocess.run(
        [sys.executable, "-c", script, path], capture_output=True, text=True
    )

    assert int(result.stdout) < 20 * 1024, result.stderr


@pytest.mark.skipif(
    not QUIRKS.is_dir(), reason="the folder ../shared/data is not here"
)
@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("n02105855_2933.JPEG", "PNG, made JPEG"),
        ("n01739381_1309.JPEG", "CMYK JPEG, made RGB"),
        ("n02447366_23489.JPEG", "CMYK JPEG, made RGB"),
        ("n03710193_90001.JPEG", "CMYK JPEG, made RGB"),
        ("n04254680_90002.JPEG", ""),
        ("n02110341_90004.JPEG", ""),
        ("n02138441_90005.JPEG", "enlarged from 500 x 1 pixels"),
        ("n03014705_90009.png", "PNG, made JPEG"),
        ("n03841143_90010.JPEG", ""),
        ("n01871265_90012.JPEG", ""),
        ("n02410509_90006.JPEG", "truncated"),
        ("n02641379_90007.JPEG", "it is empty"),
        ("n02835271_90008.JPEG", "it is a web page"),
        ("n09332890_90011.JPEG", "16384 x 16384"),
    ],
)
def test_real_odd_files_are_mended_or_refused(name, outcome):
    contents = (QUIRKS / name).read_bytes()

    if outcome in ("truncated", "it is empty", "it is a web page") or (
        outcome.startswith("16384")
    ):
        with pytest.raises(images.ImageError, match=outcome):
            images.convert(contents, 256, 95)
        return
    jpeg, image, what = images.convert(contents, 256, 95)

    assert what == outcome
    assert difference(images.decode(jpeg)[0], image) < 4
