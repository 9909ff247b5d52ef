"""The networks of the paper, of the 2012 program and of their descendants."""

import numpy as np
import pytest
import references
import tensorflow as tf

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
    model = alexnet_tf.build(network, num_classes, draw=False)

    assert model.count_params() == PARAMETERS[name, num_classes]
    if name in MAPS:
        kinds = networks.Conv | networks.Local | networks.MaxPool
        outputs = [
            _outputs(model.get_layer(layer.name))[0]
            for layer in network.layers
            if isinstance(layer, kinds)
        ]
        assert [output.shape[1] for output in outputs] == MAPS[name]


def test_every_network_is_counted():
    known = {k for k, v in vars(networks).items() if isinstance(v, _NETWORK)}

    # DEMO is nobody's but ours.
    assert known - {name for name, _ in PARAMETERS} == {"DEMO"}


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
    neurons = _count_neurons(alexnet_tf.build(networks.PAPER, 1000, draw=False))

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
            counts[layer.name] = sum(
                int(np.prod(output.shape[1:])) for output in _outputs(layer)
            )
    return counts


def _outputs(layer):
    """Returns each tower's output; Keras unpacks a list of one."""
    output = layer.output
    return output if isinstance(output, list) else [output]


# conv1 of 16 pixels: every layer of the paper on maps of 15, 7, 7, 3 and 1.
def _shrink(network):
    """Returns the network with narrow layers, for loops."""
    widths = {"conv1": 8, "conv2": 12, "conv3": 8, "conv4": 8, "conv5": 4}
    for name, filters in widths.items():
        network = network.replace(name, filters=filters, stddev="he")
    for name in ("norm1", "norm2"):
        network = network.replace(name, alpha=0.01)
    return network.replace("fc6", units=10, stddev="he").replace(
        "fc7", units=6, stddev="he"
    )


@pytest.mark.parametrize("name", ["PAPER", "ORIGINAL_2012"])
@pytest.mark.parametrize("portable", [False, True])
def test_every_layer_matches_the_equations(name, portable):
    network = _shrink(networks.named(name))
    model = alexnet_tf.build(network, 5, image_size=67, portable=portable)
    images = np.random.default_rng(0).normal(0, 50, (2, 67, 67, 3))
    arrays = {k: v.astype(float) for k, v in assign.to_arrays(model).items()}

    expected = _FORWARD[name](images, arrays)

    np.testing.assert_allclose(
        model(images.astype(np.float32)), expected, rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("name", ["PAPER", "ORIGINAL_2012"])
def test_gradients_match_finite_differences_of_the_equations(name):
    network = _shrink(networks.named(name))
    model = alexnet_tf.build(network, 5, image_size=67)
    rng = np.random.default_rng(1)
    images = rng.normal(0, 50, (2, 67, 67, 3))
    arrays = {k: v.astype(float) for k, v in assign.to_arrays(model).items()}
    weights = rng.normal(0, 1, (2, 5))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(weights * tf.cast(model(images), tf.float64))
    gradients = tape.gradient(loss, model.trainable_variables)

    for variable, gradient in zip(
        model.trainable_variables, gradients, strict=True
    ):
        name_of_array = variable.path
        direction = rng.normal(0, 1, variable.shape)
        sides = []
        for shift in (1e-6, -1e-6):
            moved = arrays[name_of_array] + shift * direction
            logits = _FORWARD[name](images, {**arrays, name_of_array: moved})
            sides.append(np.sum(weights * logits))
        slope = (sides[0] - sides[1]) / 2e-6
        found = np.sum(direction * gradient.numpy())
        size = np.linalg.norm(direction) * np.linalg.norm(gradient)
        assert size > 0, name_of_array
        assert found == pytest.approx(slope, abs=1e-4 * size), name_of_array


def _conv(maps, w, name, groups, strides=1, padding=(1, 1)):
    """A convolution of each group of maps, by the loop over windows."""
    kernels = np.split(w[f"{name}/kernel"], groups, axis=-1)
    biases = np.split(w[f"{name}/bias"], groups)
    parts = np.split(maps, groups, axis=-1) if groups > 1 else [maps]
    return np.concatenate(
        [
            references.convolution(x, k, b, strides, padding)
            for x, k, b in zip(parts, kernels, biases, strict=True)
        ],
        axis=-1,
    )


def _norm(maps, alpha):
    """§3.3 within each of two towers."""
    return np.concatenate(
        [
            references.equation_3_3(x, n=5, k=2.0, alpha=alpha, beta=0.75)
            for x in np.split(maps, 2, axis=-1)
        ],
        axis=-1,
    )


def _rectify(x):
    return np.maximum(x, 0)


def _pool(maps):
    return references.max_pool(maps, 3, 2)


def _top(maps, w):
    """The dense layers at test: all neurons are there, and count half."""
    x = maps.reshape(len(maps), -1)
    for name in ("fc6", "fc7"):
        x = 0.5 * _rectify(x @ w[f"{name}/kernel"] + w[f"{name}/bias"])
    return x @ w["fc8/kernel"] + w["fc8/bias"]


def _paper(images, w):
    maps = _rectify(_conv(images, w, "conv1", 1, 4, (0, 3)))
    maps = _pool(_norm(maps, 0.01))
    maps = _rectify(_conv(maps, w, "conv2", 2, padding=(2, 2)))
    maps = _pool(_norm(maps, 0.01))
    maps = _rectify(_conv(maps, w, "conv3", 1))
    maps = _rectify(_conv(maps, w, "conv4", 2))
    maps = _rectify(_conv(maps, w, "conv5", 2))
    return _top(_pool(maps), w)


def _original(images, w):
    maps = _norm(_conv(images, w, "conv1", 1, 4, (0, 3)), 0.01)
    maps = _rectify(_pool(maps))
    maps = _rectify(_conv(maps, w, "conv2", 2, padding=(2, 2)))
    maps = references.within_map_norm(_norm(maps, 0.01), 5, 1.0, 4e-5, 0.75)
    maps = _rectify(_conv(_pool(maps), w, "conv3", 1))
    maps = _rectify(_conv(maps, w, "conv4", 2))
    return _top(_rectify(_pool(_conv(maps, w, "conv5", 2))), w)


_FORWARD = {"PAPER": _paper, "ORIGINAL_2012": _original}


@pytest.mark.parametrize(
    "name", ["PAPER", "ORIGINAL_2012", "CAFFE", "CONV6", "NO_CROSS_TALK"]
)
def test_towers_apart_match_towers_together(name):
    network = _shrink(networks.named(name))
    together = alexnet_tf.build(network, 5, image_size=67)
    apart = alexnet_tf.build(
        network, 5, image_size=67, devices=("CPU:0", "CPU:1")
    )
    images = tf.random.stateless_normal((2, 67, 67, 3), (0, 1)) * 50

    found = []
    for model in (together, apart):
        with tf.GradientTape() as tape:
            tape.watch(images)
            logits = model(images)
            loss = tf.reduce_sum(logits**2)
        found.append((logits.numpy(), tape.gradient(loss, images).numpy()))
    (logits, gradient), (other_logits, other_gradient) = found

    np.testing.assert_allclose(other_logits, logits, rtol=1e-5, atol=1e-6)
    scale = abs(gradient).max()
    assert scale > 0
    np.testing.assert_allclose(other_gradient, gradient, atol=1e-5 * scale)


@pytest.mark.parametrize(
    ("name", "meetings"),
    [
        # Each reader takes the other tower's tensor; fc8 has one reader.
        ("PAPER", {"conv3": 2, "fc6": 2, "fc7": 2, "fc8": 1}),
        ("CONV6", {"conv3": 2, "conv6": 2, "fc6": 2, "fc7": 2, "fc8": 1}),
        ("NO_CROSS_TALK", {"fc8": 1}),
    ],
)
def test_data_crosses_where_towers_meet_and_nowhere_else(name, meetings):
    model = alexnet_tf.build(
        _shrink(networks.named(name)),
        5,
        image_size=67,
        devices=("CPU:0", "CPU:1"),
    )
    variables = [v.value for v in model.trainable_variables]

    @tf.function
    def step(images):
        logits = model(images, training=True)
        loss = tf.reduce_sum(logits**2)
        return tf.compat.v1.gradients(
            loss, variables, colocate_gradients_with_ops=True
        )

    graph = step.get_concrete_function(tf.TensorSpec((2, 67, 67, 3))).graph
    forward, backward = {}, set()
    for op in graph.get_operations():
        for tensor in op.inputs:
            ends = (tensor.op.device[-5:], op.device[-5:])
            # Only sizes and indices are integers.
            if len(set(ends)) == 1 or "" in ends or not _is_data(tensor):
                continue
            if op.name.startswith("gradients"):
                backward.add(tensor.name)
            else:
                place = op.name.split("all_towers_to_")[1].split("/")[0]
                place = place.split("_")[0]
                forward.setdefault(place, set()).add((tensor.name, ends[1]))
    assert {place: len(sent) for place, sent in forward.items()} == meetings
    # As many gradients go back, each through the merge that it came by.
    assert len(backward) == sum(meetings.values())
    assert all("all_towers_to_" in tensor for tensor in backward)


def _is_data(tensor):
    """Returns whether a tensor holds activations, and no bookkeeping."""
    return tensor.dtype.is_floating and tensor.op.type != "ReadVariableOp"


def test_towers_without_cross_talk_never_see_each_other():
    network = _shrink(networks.NO_CROSS_TALK)
    model = alexnet_tf.build(network, 5, image_size=67)
    arrays = assign.to_arrays(model)
    # The second tower's conv1 goes wild; the first half of fc7 must not care.
    images = np.random.default_rng(0).normal(0, 50, (1, 67, 67, 3))
    extract = alexnet_tf.feature_extractor(model, "fc7")
    before = extract(images.astype(np.float32)).numpy()
    arrays["conv1/kernel"][..., 4:] += 1
    assign.from_arrays(model, arrays)
    after = extract(images.astype(np.float32)).numpy()

    np.testing.assert_array_equal(before[:, :3], after[:, :3])
    assert abs(before[:, 3:] - after[:, 3:]).max() > 0


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
