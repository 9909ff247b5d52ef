"""What units see and want, and the figures of it."""

import pathlib

import inside
import narrow
import numpy as np
import pytest
import runs
from programs import run
from runs import small_network  # noqa: F401, known by name

import alexnet_tf
from alexnet_tf import networks, weights
from alexnet_tf.analysis import top_images, units
from alexnet_tf.analysis.deconvnet import Deconvnet
from alexnet_tf.analysis.receptive_field import receptive_field
from alexnet_tf.experiment import drawing

MEAN = np.array([110.0, 120.0, 130.0])
COLOURS = np.diag([3000.0, 2500.0, 2000.0])


@pytest.fixture(scope="module")
def net():
    model = alexnet_tf.build(
        narrow.shrink(networks.PAPER), 3, image_size=67, native_ops_only=True
    )
    return Deconvnet(model, "conv3"), model


def _batches(images, size):
    for start in range(0, len(images), size):
        yield images[start : start + size], None


def test_the_images_that_move_a_map_most_come_first(net):
    net, model = net
    rng = np.random.default_rng(0)
    images = rng.normal(0, 50, (11, 67, 67, 3)).astype(np.float32)
    loops = inside.Forward(
        narrow.shrink(networks.PAPER), weights.to_arrays(model), images
    )
    strengths = loops.outputs["conv3"].max(axis=(1, 2))

    found = top_images.find_top_images(net, _batches(images, 4), [5, 1], 3)

    assert [one.channel for one in found] == [5, 1]
    for one in found:
        best = np.argsort(-strengths[:, one.channel], kind="stable")[:3]
        np.testing.assert_array_equal(one.positions, best)
        np.testing.assert_allclose(
            one.strengths, strengths[best, one.channel], rtol=1e-4
        )
        np.testing.assert_array_equal(one.crops, images[best])


def test_what_is_shown_is_cut_out_of_both(net):
    net, model = net
    rng = np.random.default_rng(1)
    images = rng.normal(0, 50, (2, 67, 67, 3)).astype(np.float32)
    (found,) = top_images.find_top_images(net, [(images,)], [2])
    # Conv1's field alone, to see a part of the image cut out.
    field = receptive_field(model, "conv1")

    shown, patches = top_images.show(net, found, field, MEAN)

    assert shown.shape == patches.shape == (2, 11, 11, 3)
    _, places, _ = net.project(found.crops, 2)
    for crop, place, patch in zip(found.crops, places, patches, strict=True):
        window = field.window(*place.tolist(), 67)
        expected = (crop[window] + MEAN).round().clip(0, 255)
        np.testing.assert_array_equal(patch, expected)


def test_an_empty_split_is_refused(net):
    with pytest.raises(ValueError, match="must be images in the split"):
        top_images.find_top_images(net[0], [], [0])


@pytest.fixture(scope="module")
def red_against_blue():
    """A network whose one map is red less blue, and whose classes are flat."""
    network = networks.Network(
        16, 1, (networks.Conv("conv1", 2, 3), networks.Dense("fc1"))
    )
    model = alexnet_tf.build(network, 2)
    arrays = weights.to_arrays(model)
    arrays["conv1/kernel"][..., 0, :] = [1 / 9, 0]
    arrays["conv1/kernel"][..., 1, :] = 0
    arrays["conv1/kernel"][..., 2, :] = [-1 / 9, 1 / 9]
    # Far below the rectifier: the gradient must be taken before it.
    arrays["conv1/bias"][:] = -1000
    weights.from_arrays(model, arrays)
    return model


def _maximize(model, chosen, seed=0, steps=120):
    return units.maximize(
        model,
        "conv1",
        chosen,
        mean_rgb=MEAN,
        covariance=COLOURS,
        steps=steps,
        seed=seed,
    )


def test_a_unit_gets_what_it_wants(red_against_blue):
    (image, blue), values = _maximize(red_against_blue, [0, 1], steps=250)

    # Red without blue; green, for which it does not care, stays.
    red_mean, green_mean, blue_mean = image.mean(axis=(0, 1))
    assert red_mean > 200
    assert blue_mean < 50
    assert abs(green_mean - MEAN[1]) < 40
    assert blue[..., 2].mean() > 200
    # The unit's value of what is returned: the middle of each window.
    inner = image[..., 0].astype(float) - image[..., 2]
    by_hand = [
        inner[y : y + 3, x : x + 3].mean() for y in range(14) for x in range(14)
    ]
    shift = MEAN[0] - MEAN[2]
    assert values[0] == pytest.approx(np.mean(by_hand) - shift - 1000, abs=0.1)


def test_a_seed_is_an_image(red_against_blue):
    first, _ = _maximize(red_against_blue, [0], seed=1, steps=3)
    again, _ = _maximize(red_against_blue, [0], seed=1, steps=3)
    other, _ = _maximize(red_against_blue, [0], seed=2, steps=3)

    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_units_that_are_not_there_are_refused(red_against_blue):
    for chosen, steps, words in (
        ([2], 1, "Maps of conv1 must be from 0 to 1. Received: 2"),
        ([], 1, "There must be units"),
        ([0], 0, "steps=0"),
    ):
        with pytest.raises(ValueError, match=words):
            _maximize(red_against_blue, chosen, steps=steps)
    with pytest.raises(ValueError, match="one of conv1, fc1. Received: fc9"):
        units.count_units(red_against_blue, "fc9")


@pytest.fixture(scope="module")
def workdir(tiny_data_dir, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(networks, "SMALL", runs.NETWORK, raising=False)
        config = runs.make_config(tiny_data_dir)
        config.training.total_steps = 2
        folder = tmp_path_factory.mktemp("run") / "run"
        runs.train(config, folder)
    return folder


def _figures(workdir, figure, *arguments, **how):
    return run(
        "make_figures", f"--workdir={workdir}", f"--figure={figure}",
        *arguments, **how,
    )  # fmt: skip


def test_figure_2_by_one_command(workdir):
    done = _figures(workdir, "deconvnet", "--units=3,0", "--formats=svg,png")

    svg, png = map(pathlib.Path, done.stdout.split())
    assert png.name == "figure_deconvnet.png"
    text = svg.read_text()
    assert "conv1, map 3" in text
    assert "Network SMALL, step 2 of" in text
    assert "validation split" in text


def test_units_by_one_command(workdir):
    # Classes by number and by name.
    done = _figures(
        workdir, "units", "--units=0,class 2", "--steps=2",
        f"--output={workdir / 'units.svg'}",
    )  # fmt: skip

    assert done.stdout.split() == [str(workdir / "units.svg")]
    text = (workdir / "units.svg").read_text()
    assert ">class 2: " in text
    assert "2 steps, seed 0" in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("units", "--units=class 9"), "one of the network's 3"),
        (("units", "--layer=conv9"), "The layer must be one of conv1"),
        (("units", "--layer=conv1", "--units=x"), "must be numbers from 0"),
        (("deconvnet", "--layer=fc7"), "one of conv1. Received: fc7"),
        (("deconvnet", "--split=nowhere"), "The split must be one of"),
        (("3", "--formats=gif"), "The formats must be of png, pdf, svg"),
        (("3", "--output=x.jpg"), "must be one of png, pdf, svg"),
    ],
)
def test_figures_that_cannot_be_are_refused(workdir, arguments, words):
    refused = _figures(workdir, *arguments, status=1)

    assert words in refused.stderr


def test_kernels_and_curves_of_a_run_say_what_they_are(workdir):
    for figure, words in (("3", "The 8 kernels of conv1"), ("curves", "nats")):
        path = workdir / f"{figure}.svg"
        _figures(workdir, figure, f"--output={path}")
        text = path.read_text()
        assert words in text
        assert "data: tiny, 3 classes" in text


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("CIFAR_FOUR_LAYER", "rectified linear units"),
        ("CIFAR_FOUR_LAYER_TANH", "tanh units"),
    ],
)
def test_figure_1_calls_units_by_their_plain_names(name, words):
    class Run:
        class config:  # noqa: N801
            make_network = staticmethod(lambda: networks.named(name))

    assert drawing._describe_units(Run) == words
