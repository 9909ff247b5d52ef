"""Requests that lie: a message for them, and the next one is answered."""

import pathlib

import numpy as np
import pytest
import served
import tensorflow as tf

from alexnet_tf.export import saved_model


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    version = served.make_version(tmp_path_factory.mktemp("export"))
    return tf.saved_model.load(str(version))


def _ask(model, *files):
    call = model.signatures["serving_default"]
    return call(image_bytes=tf.constant(list(files)))["probabilities"].numpy()


@pytest.mark.parametrize("kind", served.GOOD)
def test_odd_but_whole_images_are_answered(model, kind):
    probabilities = _ask(model, served.GOOD[kind])

    assert probabilities.shape == (1, 5)
    assert np.all(np.isfinite(probabilities))


@pytest.mark.parametrize("kind", served.BAD)
def test_bad_images_are_refused_and_the_next_is_answered(model, kind):
    with pytest.raises(tf.errors.InvalidArgumentError):
        _ask(model, served.BAD[kind])

    assert _ask(model, served.photograph()).shape == (1, 5)


@pytest.mark.parametrize("kind", ["huge PNG", "huge JPEG"])
def test_images_too_large_are_refused_before_memory_is_taken(model, kind):
    _ask(model, served.photograph())
    before = _peak_mb(reset=True)

    with pytest.raises(tf.errors.InvalidArgumentError, match="at most so many"):
        _ask(model, served.BAD[kind])

    # Its pixels alone would be 300 MB.
    assert _peak_mb() - before < 100


def _peak_mb(reset=False):
    """Returns the most memory held so far, or from now on."""
    if reset:
        # Linux: sets the peak back to what is held now.
        pathlib.Path("/proc/self/clear_refs").write_text("5")
    status = pathlib.Path("/proc/self/status").read_text()
    line = next(x for x in status.splitlines() if x.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def test_a_message_names_the_image_of_a_batch(model):
    good = served.photograph()

    with pytest.raises(tf.errors.InvalidArgumentError, match="Image:.*2"):
        _ask(model, good, good, served.BAD["text"], good)


def test_an_empty_batch_has_an_empty_answer(model):
    call = model.signatures["serving_default"]

    found = call(image_bytes=tf.constant([], tf.string))

    assert found["probabilities"].shape == (0, 5)


def test_mutations_of_a_jpeg_never_end_the_process(model):
    """Two thousand damaged files: an answer or a message for each."""
    rng = np.random.default_rng(0)
    whole = np.frombuffer(served.photograph(), np.uint8)
    answered = 0
    for _ in range(2000):
        data = whole.copy()
        places = rng.integers(0, len(data), rng.integers(1, 20))
        data[places] = rng.integers(0, 256, len(places))
        if rng.random() < 0.3:
            data = data[: rng.integers(1, len(data))]
        try:
            found = _ask(model, data.tobytes())
        except tf.errors.InvalidArgumentError:
            pass
        else:
            assert np.all(np.isfinite(found))
            answered += 1
    # Both must happen, or the test tries only one of them.
    assert 100 < answered < 1900
    assert _ask(model, served.photograph()).shape == (1, 5)


@pytest.mark.parametrize(
    "file",
    [
        # Three times libjpeg's own script, and a few texts such as editors
        # leave behind.
        served.jpeg_of_scans(20),
        served.png_of_texts(3, 1),
    ],
    ids=["scans", "texts"],
)
def test_a_photograph_may_have_scans_and_texts(model, file):
    assert _ask(model, file).shape == (1, 5)


@pytest.mark.parametrize(
    "signature", ["serving_default", "ten_crop", "features", "conv1"]
)
def test_a_signatures_twin_takes_what_preprocess_gives(model, signature):
    files = tf.constant([served.photograph(1), served.photograph(2, "png")])
    squares = model.signatures["preprocess"](image_bytes=files)
    expected = model.signatures[signature](image_bytes=files)

    twin = model.signatures[saved_model.tensor_name(signature)]
    found = twin(images=squares["images"])

    assert squares["crops"].shape == (2, 40, 40, 3)
    # The centre of 48 pixels, by hand.
    np.testing.assert_array_equal(
        squares["crops"], squares["images"][:, 4:44, 4:44]
    )
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values)
