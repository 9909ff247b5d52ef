"""The deconvnet, against a loop in NumPy."""

import inside
import narrow
import numpy as np
import pytest

import alexnet_tf
from alexnet_tf import networks, weights
from alexnet_tf.analysis import deconvnet

NETWORK = narrow.shrink(networks.PAPER)
SIZE = 67


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(1)
    return rng.normal(0, 50, (2, SIZE, SIZE, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def model():
    return _build()


@pytest.fixture(scope="module")
def loops(model, images):
    return inside.Forward(NETWORK, weights.to_arrays(model), images)


def _build(**how):
    # XLA would compile its norms again for every number of images.
    return alexnet_tf.build(
        NETWORK, 3, image_size=SIZE, native_ops_only=True, **how
    )


def _expected(loops, layer, number, channel):
    """Zeiler's way back, of one image's strongest activation of a map."""
    maps = loops.outputs[layer]
    place = np.unravel_index(
        maps[number, ..., channel].argmax(), maps.shape[1:3]
    )
    signal = np.zeros_like(maps)
    signal[(number, *place, channel)] = maps[(number, *place, channel)]
    pixels = loops.back((layer, signal), "images", "deconvnet")
    return pixels[number], place, maps[(number, *place, channel)]


@pytest.mark.parametrize(
    ("layer", "devices"),
    [
        ("conv1", None),
        ("conv5", None),
        ("conv4", ("CPU:0", "CPU:1")),
    ],
)
def test_projections_are_those_of_the_loop(
    model, images, loops, layer, devices
):
    network = model
    if devices:
        network = _build(devices=devices)
        weights.from_arrays(network, weights.to_arrays(model))
    answers = loops.outputs[layer].max(axis=(1, 2))
    # The first map that answers to both images, and the last.
    lively = np.flatnonzero((answers > 0).all(axis=0))
    channels = np.array([lively[0], lively[-1]])
    net = deconvnet.Deconvnet(network, layer)

    found = net.project(np.tile(images, (2, 1, 1, 1)), channels.repeat(2))

    assert net.channels == answers.shape[1]
    for row, (number, channel) in enumerate(
        (n, c) for c in channels for n in range(2)
    ):
        pixels, place, strength = _expected(loops, layer, number, channel)
        scale = np.abs(pixels).max()
        assert scale > 0
        np.testing.assert_allclose(found[0][row], pixels, atol=2e-5 * scale)
        assert tuple(found[1][row]) == tuple(place)
        assert found[2][row] == pytest.approx(strength, rel=1e-4)


def test_switches_add_where_windows_overlap():
    """One large value is the maximum of four windows."""
    network = networks.Network(
        5,
        1,
        (
            networks.MaxPool("pool1"),
            networks.Conv("conv1", 1, 2),
            networks.Dense("fc1"),
        ),
    )
    model = alexnet_tf.build(network, 2)
    # A bias, which must not come back.
    arrays = weights.to_arrays(model)
    arrays["conv1/kernel"][:, :, 0, 0] = [[1.0, 2.0], [3.0, 4.0]]
    arrays["conv1/kernel"][:, :, 1:] = 0.0
    arrays["conv1/bias"][:] = 5.0
    weights.from_arrays(model, arrays)
    image = np.zeros((1, 5, 5, 3), np.float32)
    image[0, 2, 2] = 3.0

    pixels, place, strength = deconvnet.Deconvnet(model).project(image, 0)

    assert strength[0] == 3 * (1 + 2 + 3 + 4) + 5
    assert place[0].tolist() == [0, 0]
    expected = np.zeros((5, 5))
    expected[2, 2] = strength[0] * (1 + 2 + 3 + 4)
    np.testing.assert_array_equal(pixels[0, :, :, 0], expected)


def test_a_map_that_does_not_answer_shows_nothing(model, images):
    arrays = weights.to_arrays(model)
    arrays["conv5/bias"] = arrays["conv5/bias"] - 1e6
    deaf = _build()
    weights.from_arrays(deaf, arrays)

    pixels, _, strength = deconvnet.Deconvnet(deaf).project(images, 1)

    assert not strength.any()
    assert not pixels.any()


def test_peaks_are_the_largest_activations(model, images, loops):
    found = deconvnet.Deconvnet(model, "conv4").peaks(images)

    expected = loops.outputs["conv4"].max(axis=(1, 2))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-3)


def test_what_is_not_there_is_refused(model, images):
    with pytest.raises(ValueError, match="conv4, conv5. Received: norm1"):
        deconvnet.Deconvnet(model, "norm1")
    with pytest.raises(ValueError, match="Maps of conv5 must be from 0 to 3"):
        deconvnet.Deconvnet(model).project(images, 4)
