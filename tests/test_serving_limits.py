"""What an image would cost, from its headers; which keys and sites may ask."""

import numpy as np
import pytest
import served
import tensorflow as tf

from alexnet_tf.serving import access, limits, refusal
from input_pipeline import image_headers


@pytest.mark.parametrize(
    ("file", "scans"),
    [
        (served.photograph(), 1),
        (served.photograph(kind="png"), 1),
        (served.photograph(mode="CMYK"), 1),
        # libjpeg's own script has ten.
        (served.jpeg_of_scans(20, 64), 30),
        (served.png_of_texts(3, 1), 1),
    ],
)
def test_work_is_pixels_times_scans(file, scans):
    height, width, _ = tf.io.decode_jpeg(file).shape

    assert limits.count_work(file) == height * width * scans


@pytest.mark.parametrize(
    "kind",
    [kind for kind in served.BAD if "first" not in kind and "half" not in kind],
)
def test_both_the_server_and_the_model_refuse_by_headers(kind):
    with pytest.raises(ValueError):
        limits.count_work(served.BAD[kind])
    with pytest.raises(tf.errors.InvalidArgumentError):
        image_headers.check(tf.constant(served.BAD[kind]))


def test_damaged_headers_are_read_as_libjpeg_reads_them():
    """Where both take a file, its size is the same."""
    rng = np.random.default_rng(0)
    whole = np.frombuffer(served.photograph(), np.uint8)
    agreed = 0
    for _ in range(300):
        data = whole.copy()
        places = rng.integers(0, 700, 3)
        data[places] = rng.integers(0, 256, 3)
        file = data.tobytes()
        try:
            there = tf.io.extract_jpeg_shape(file).numpy()
            here = limits.count_work(file)
        except (tf.errors.InvalidArgumentError, ValueError):
            continue
        scans = max(1, file.count(image_headers.SCAN))
        assert here == int(there[0]) * int(there[1]) * scans
        agreed += 1
    assert agreed > 30


def test_many_segments_are_not_read_for_ever():
    file = b"\xff\xd8" + b"\xff\xfe\x00\x02" * 10_000

    with pytest.raises(ValueError, match="more than 1000 segments"):
        limits.count_work(file)


def test_keys_are_read_and_short_ones_refused(tmp_path):
    path = tmp_path / "keys.txt"
    path.write_text("# of the class\n0123456789abcdef\n\nfedcba9876543210\n")

    assert access.read_keys(path) == ["0123456789abcdef", "fedcba9876543210"]
    for text in ("", "# none\n", "short\n"):
        path.write_text(text)
        with pytest.raises(ValueError, match="at least 16 characters"):
            access.read_keys(path)


@pytest.mark.parametrize(
    ("given", "allowed"),
    [
        (None, False),
        ("", False),
        ("Bearer", False),
        ("Bearer wrong", False),
        ("Basic 0123456789abcdef", False),
        ("Bearer 0123456789abcdef", True),
        ("bearer  0123456789abcdef ", True),
    ],
)
def test_a_key_is_checked(given, allowed):
    check = access.Access(["0123456789abcdef"]).check_key

    if allowed:
        check(given)
    else:
        with pytest.raises(refusal.Refusal, match="Authorization: Bearer KEY"):
            check(given)


@pytest.mark.parametrize(
    ("bound", "names", "host", "origin", "allowed"),
    [
        ("127.0.0.1", (), "localhost:8501", None, True),
        ("127.0.0.1", (), "127.0.0.1:8501", "http://127.0.0.1:8501", True),
        ("127.0.0.1", (), "localhost:8501", "http://localhost:1", False),
        ("::1", (), "[::1]:8501", None, True),
        # A name that its owner points to this machine.
        (
            "127.0.0.1",
            (),
            "evil.example:8501",
            "http://evil.example:8501",
            False,
        ),
        (
            "127.0.0.1",
            ("me.example",),
            "me.example",
            "https://me.example",
            True,
        ),
        ("0.0.0.0", (), "me.example", "https://me.example", True),
        ("0.0.0.0", (), "me.example", "https://evil.example", False),
        ("0.0.0.0", (), "me.example", "null", False),
    ],
)
def test_sites_are_told_apart(bound, names, host, origin, allowed):
    check = access.Access(host=bound, names=names).check_site

    if allowed:
        check(host, origin)
    else:
        with pytest.raises(refusal.Refusal):
            check(host, origin)
