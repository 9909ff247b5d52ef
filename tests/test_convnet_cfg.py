"""The 2012 program's files: the networks that they say."""

import dataclasses

import convnet_files
import numpy as np
import pytest
from convnet_files import PAIRS, TRIPLES, original
from convnet_lineage import EARLY, FIRST, LINEAGE, NARROW, read

import alexnet_tf
from alexnet_tf import networks
from alexnet_tf.networks import convnet_cfg


@pytest.mark.parametrize("number", LINEAGE)
def test_file_has_the_parameters_on_record(number, tmp_path):
    on_record, changes = LINEAGE[number]

    definition = read(tmp_path, **changes)

    count = definition.parameters
    if isinstance(on_record, float):
        count = round(count / 1e6, 1)
    assert count == on_record


@pytest.mark.parametrize(
    ("network", "changes"),
    [
        (networks.ORIGINAL_2012, {}),
        (networks.CONV6, {"conv6": 128, "classes": 10_184}),
        (networks.CONV6_FALL_2011, LINEAGE["146-2011"][1]),
        (
            networks.NO_CROSS_TALK,
            {
                "conv": (48, 160, 192, 192, 128),
                "own_conv3": True,
                "dense6": 4096,
                "dense_reads": "own",
            },
        ),
        (networks.ORIGINAL_NON_OVERLAPPING, {"pool": 2}),
        (networks.ORIGINAL_NO_LRN, {"norms": False}),
        (networks.ORIGINAL_HALF_WIDTH, LINEAGE["145-half"][1]),
        (networks.LAYERS_120, EARLY | {"norm_first": False}),
        (networks.LAYERS_131, EARLY),
        (networks.LAYERS_135, EARLY | {"least": 2}),
        (networks.LAYERS_137, EARLY | {"least": 2, "contrast": "rnorm"}),
        (
            networks.LAYERS_141,
            EARLY | {"least": 2, "contrast": "rnorm", "conv6": 128},
        ),
    ],
    ids=[
        *("145", "146-2009", "146-2011", "150", "147", "148"),
        *("145-half", "120", "131", "135", "137", "141"),
    ],
)
def test_file_is_the_network_that_we_drew(network, changes, tmp_path):
    assert read(tmp_path, **changes).network == network


KINDS = {
    "120": {**EARLY, **NARROW},
    "116": {**FIRST, **NARROW, "towers": 4, "reads": PAIRS},
    "117": {**FIRST, **NARROW, "towers": 3},
    "145-half": {**NARROW, "towers": 1},
    "150": {**NARROW, "own_conv3": True, "dense_reads": "own"},
    "184-4gpu": {
        **NARROW,
        **{"towers": 4, "conv6": 16, "parts": (2, 1, 1, 1)},
        **{"reads": TRIPLES, "dense_reads": TRIPLES},
    },
}


@pytest.mark.parametrize("number", KINDS)
def test_model_has_the_files_parameters_wherever_its_towers_are(
    number, tmp_path
):
    path = original(**KINDS[number]).save(tmp_path)
    definition = convnet_cfg.read(path, image_size=96)
    network = definition.network
    images = np.random.default_rng(0).normal(0, 50, (2, 96, 96, 3))

    model = alexnet_tf.build(network, 5)
    apart = alexnet_tf.build(network, 5, devices=("CPU:0",) * network.towers)

    assert model.count_params() == definition.parameters
    assert apart.count_params() == definition.parameters
    np.testing.assert_allclose(
        model(images), apart(images), rtol=1e-4, atol=1e-6
    )


def test_definition_keeps_the_files_names_and_gpus(tmp_path):
    definition = read(tmp_path, conv6=128)

    assert definition.num_classes == 1000
    assert definition.gpus == (0, 1)
    assert definition.names["conv6"] == ("conv6a", "conv6b")
    assert definition.names["fc8"] == ("fc1000",)
    assert definition.copied == ()


def test_second_input_is_the_blurred_image(tmp_path):
    network = read(tmp_path, **EARLY).network

    conv2 = {layer.name: layer for layer in network.layers}["conv2"]
    # original-source 1.2, number 120: sd 4, 9 taps, every 4th pixel, 5 x 5 at
    # stride 2. 27 windows of it need 57 pixels of the image's 56.
    assert conv2.side == networks.LowResolution(5, 2, (0, 1), 0.01, 9, 4.0, 4)
    assert conv2.padding == 2


# layers-96: groups that each see half of every map below, drawn by lot.
RANDOM = FIRST | {
    "conv": (32, 128, 256, 256, 128),
    "norm_size": 9,
    "groups": (2, 2, 2),
}


def test_random_groups_see_half_of_every_towers_maps(tmp_path):
    definition = read(tmp_path, **RANDOM)

    layers = {layer.name: layer for layer in definition.network.layers}
    assert [layers[f"conv{i}"].random_groups for i in range(1, 6)] == [
        *(1, 2, 2, 2, 1)
    ]
    assert layers["conv3"].filters == 512
    # A tower: conv2 sees 16 of 32 maps and the image, conv3 64 of 128 maps of
    # both, conv4 128 of 256; conv1, conv5 and the rest all of theirs.
    convolutions = (
        32 * (121 * 3 + 1)
        + 128 * (25 * 16 + 25 * 3 + 1)
        + 256 * (9 * 2 * 64 + 1)
        + 256 * (9 * 128 + 1)
        + 128 * (9 * 256 + 1)
    )
    dense = 4096 * (36 * 256 + 1) + 4096 * 4097 + 1000 * 4097
    assert definition.parameters == 2 * convolutions + dense


def test_random_groups_are_built_on_one_device(tmp_path):
    narrow = RANDOM | NARROW
    definition = convnet_cfg.read(
        original(**narrow).save(tmp_path), image_size=96
    )

    model = alexnet_tf.build(definition.network, 5)

    assert model.count_params() == definition.parameters
    with pytest.raises(ValueError, match="random groups .* without devices"):
        alexnet_tf.build(definition.network, 5, devices=("CPU:0",) * 2)


def test_four_gpus_read_whom_the_file_says(tmp_path):
    network = read(tmp_path, **LINEAGE["153-4gpu"][1]).network

    layers = {layer.name: layer for layer in network.layers}
    assert network.towers == 4
    assert layers["conv3"].reads == layers["fc6"].reads == TRIPLES
    assert layers["conv4"].reads == "own tower"
    assert layers["fc8"].reads == "all towers"


def test_cifar_is_read(tmp_path):
    file = convnet_files.Writer(towers=1)
    file.size = 24
    file.conv("conv1", 64, 5, 1, 2, stddev=0.0001)
    file.pool("pool1")
    file.conv("conv2", 64, 5, 1, 2, stddev=0.01)
    file.pool("pool2")
    file.definition += _lines(
        "[local3a]", "type=local", "inputs=pool2a", "filters=32",
        "channels=64", "filterSize=3", "padding=1", "initW=0.04",
        "neuron=relu",
        "[local4a]", "type=local", "inputs=local3a", "filters=32",
        "channels=32", "filterSize=3", "padding=1", "initW=0.04",
        "neuron=relu",
    )  # fmt: skip
    file.below = ["local4a"]
    file.classes(10)

    definition = convnet_cfg.read(file.save(tmp_path), image_size=24)

    # original-source 5.2.
    assert definition.parameters == 1_116_490
    drawn = networks.CIFAR_13.layers
    last = dataclasses.replace(drawn[-1], name="fc6")
    assert definition.network.layers == (*drawn[:-1], last)


def _lines(*lines):
    return list(lines)
