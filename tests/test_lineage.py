"""The networks of the paper, of the 2012 program and of their descendants."""

import numpy as np
import pytest

import alexnet_tf
from alexnet_tf import networks
from alexnet_tf.weights import assign

# (network, classes): parameters. original-source 1.3, 5.2 and 7.2, but for
# those whose sum stands here.
PARAMETERS = {
    ("PAPER", 1000): 60_965_224,
    ("ORIGINAL_2012", 1000): 60_965_224,
    ("NO_LRN", 1000): 60_965_224,
    ("NO_DROPOUT", 1000): 60_965_224,
    ("NON_OVERLAPPING", 1000): 60_965_224,
    ("HALF_WIDTH", 1000): 59_798_312,
    # Less conv3; conv4 then reads the 256 maps of both towers.
    ("NO_CONV3", 1000): 60_965_224
    - (9 * 256 * 384 + 384)
    + 9 * (256 - 192) * 384,
    ("NO_CONV4", 1000): 60_965_224 - (9 * 192 * 384 + 384),
    # fc6 then reads conv4's 384 maps of 6 x 6.
    ("NO_CONV5", 1000): 60_965_224
    - (9 * 192 * 256 + 256)
    + 36 * (384 - 256) * 4096,
    ("CONV6", 10_184): 99_182_152,
    ("CONV6", 1000): 61_555_304,
    ("CONV6_FALL_2011", 21_843): 110_605_267,
    # A tower: conv1 to conv5, fc6 and fc7 on its own 128 maps; then fc8.
    ("NO_CROSS_TALK", 1000): 2
    * (
        (11 * 11 * 3 * 48 + 48)
        + (25 * 48 * 160 + 160)
        + (9 * 160 * 192 + 192)
        + (9 * 192 * 192 + 192)
        + (9 * 192 * 128 + 128)
        + (36 * 128 * 4096 + 4096)
        + (4096 * 2048 + 2048)
    )
    + (4096 * 1000 + 1000),
    ("ONE_TOWER", 1000): 62_378_344,
    ("CAFFE", 1000): 60_965_224,
    ("CAFFENET", 1000): 60_965_224,
    ("TORCHVISION", 1000): 61_100_840,
    # ONE_TOWER with another border.
    ("PLAIN_227", 1000): 62_378_344,
    ("CIFAR_13", 10): 1_116_490,
    ("CIFAR_13_LRN", 10): 1_116_490,
    ("CIFAR_11", 10): 2_112_970,
    ("CIFAR_18", 10): 89_578,
    # Norms have no parameters.
    ("CIFAR_FOUR_LAYER", 10): 89_578,
    ("CIFAR_FOUR_LAYER_TANH", 10): 89_578,
}

# Rows of the map behind each convolution and pool; original-source 1.4, 5.2.
MAPS = {
    "PAPER": [55, 27, 27, 13, 13, 13, 13, 6],
    "ORIGINAL_2012": [55, 27, 27, 13, 13, 13, 13, 6],
    "NON_OVERLAPPING": [55, 28, 26, 13, 13, 13, 11, 6],
    "CONV6": [55, 27, 27, 13, 13, 13, 13, 6, 6],
    "CAFFE": [55, 27, 27, 13, 13, 13, 13, 6],
    "CAFFENET": [55, 27, 27, 13, 13, 13, 13, 6],
    "TORCHVISION": [55, 27, 27, 13, 13, 13, 13, 6],
    # (227 + 2 * 3 - 11) / 4 + 1 is 56 and a half.
    "PLAIN_227": [56, 27, 27, 13, 13, 13, 13, 6],
    "CIFAR_13": [24, 12, 12, 6, 6, 6],
    "CIFAR_18": [32, 16, 16, 8, 8, 4],
}


@pytest.mark.parametrize(("name", "num_classes"), PARAMETERS)
def test_network_has_the_parameters_on_record(name, num_classes):
    network = networks.named(name)
    model = alexnet_tf.build(network, num_classes, initialize=False)

    assert model.count_params() == PARAMETERS[name, num_classes]
    if name in MAPS:
        kinds = networks.Conv | networks.Local | networks.MaxPool
        outputs = [
            model.get_layer(layer.name).output
            for layer in network.layers
            if isinstance(layer, kinds)
        ]
        assert [output.shape[1] for output in outputs] == MAPS[name]


def test_every_network_is_counted():
    known = {k for k, v in vars(networks).items() if isinstance(v, _NETWORK)}

    # Those of the authors' other files are counted where these are read.
    read = {k for k in known if k.startswith(("LAYERS_", "ORIGINAL_"))}
    ours = {k for k in known if k.startswith(("DEMO", "TINY"))}
    assert known - {name for name, _ in PARAMETERS} <= read | ours


_NETWORK = networks.Network


def test_original_differs_from_the_paper_where_the_sheet_says():
    paper = {layer.name: layer for layer in networks.PAPER.layers}
    ours = {layer.name: layer for layer in networks.ORIGINAL_2012.layers}

    # original-source 1.4 and 2.
    assert [ours[f"conv{i}"].stddev for i in range(1, 6)] == [
        *(0.01, 0.01, 0.03, 0.03, 0.03)
    ]
    assert ours["norm1"].alpha == ours["norm2"].alpha == 1e-4 / 5
    assert ours["mapnorm2"].alpha == 1e-3 / 25
    assert ours["mapnorm2"].bias == 1
    assert ours["conv1"].activation == "none"
    assert ours["pool1"].activation == "relu"
    same = paper.keys() & ours.keys() - {
        *("conv1", "norm1", "pool1", "norm2"),
        *("conv3", "conv4", "conv5", "pool5"),
    }
    assert all(paper[name] == ours[name] for name in same)
    assert ours.keys() - paper.keys() == {"mapnorm2"}


def test_the_paper_counts_the_neurons_of_each_layer():
    shapes = {
        "conv1": (55, 55, 96),
        "conv2": (27, 27, 256),
        "conv3": (13, 13, 384),
        "conv4": (13, 13, 384),
        "conv5": (13, 13, 256),
        "fc6": (4096,),
        "fc7": (4096,),
        "fc8": (1000,),
    }
    neurons = _count_neurons(
        alexnet_tf.build(networks.PAPER, 1000, initialize=False)
    )

    assert neurons == {k: int(np.prod(v)) for k, v in shapes.items()}
    # The paper prints 253,440 for conv1: 55 * 48 * 96, one side of the map
    # taken for the kernels of a tower. No square map has so many.
    assert neurons["conv1"] == 290_400
    assert neurons["conv1"] != 55 * 48 * 96 == 253_440
    # "650,000 neurons": 659,272 of them, or 622,312 with the slip.
    assert sum(neurons.values()) == 659_272
    assert sum(neurons.values()) - 290_400 + 253_440 == 622_312


def _count_neurons(model):
    """Returns the outputs of each layer that has weights."""
    counts = {}
    for layer in model.layers:
        if layer.weights:
            counts[layer.name] = int(np.prod(layer.output.shape[1:]))
    return counts


@pytest.mark.parametrize("name", ["CAFFE", "CONV6", "TORCHVISION", "CIFAR_11"])
def test_first_weights_are_drawn_as_described(name):
    network = networks.named(name)
    model = alexnet_tf.build(network, 10)
    arrays = assign.to_arrays(model)

    for layer in network.layers:
        if f"{layer.name}/kernel" not in arrays:
            continue
        kernel, bias = (arrays[f"{layer.name}/{x}"] for x in ("kernel", "bias"))
        stddev = layer.stddev
        if stddev == "fan_in":
            # PyTorch's uniform draw within 1 / sqrt(n), of variance 1 / (3 n).
            inputs = np.prod(kernel.shape[:-1])
            limit = np.float32(1) / np.float32(np.sqrt(inputs))
            assert 0.9 * limit < abs(kernel).max() <= limit
            # Ten draws, all within a third: one time in 60,000.
            assert limit / 3 < abs(bias).max() <= limit
            stddev = limit / np.sqrt(3)
        else:
            np.testing.assert_array_equal(bias, np.float32(layer.bias))
        error = 5 / np.sqrt(2 * kernel.size)
        assert kernel.std() == pytest.approx(stddev, rel=error)
        assert abs(kernel.mean()) < 5 * stddev / np.sqrt(kernel.size)


def test_tiny_has_the_parameters_of_its_sum():
    model = alexnet_tf.build(networks.TINY, 100, initialize=False)

    convolutions = (
        (25 * 3 + 1) * 64
        + (25 * 32 + 1) * 128
        + (9 * 128 + 1) * 192
        + (9 * 96 + 1) * 192
        + (9 * 96 + 1) * 128
    )
    dense = (2 * 2 * 128 + 1) * 1024 + 1025 * 1024 + 1025 * 100
    assert model.count_params() == convolutions + dense
