"""Networks as data."""

import pytest

from alexnet_tf import networks


def test_paper_has_the_eight_layers_of_figure_2():
    weighted = [
        layer.name
        for layer in networks.PAPER.layers
        if isinstance(layer, networks.Conv | networks.Dense)
    ]

    assert weighted == [
        *("conv1", "conv2", "conv3", "conv4", "conv5"),
        *("fc6", "fc7", "fc8"),
    ]


def test_without_removes_layers():
    names = [layer.name for layer in networks.NO_LRN.layers]

    assert "norm1" not in names
    assert "norm2" not in names
    assert len(names) == len(networks.PAPER.layers) - 2


def test_replace_changes_one_layer():
    changed = networks.PAPER.replace("fc6", units=2048)

    differing = [
        new.name
        for new, old in zip(changed.layers, networks.PAPER.layers, strict=True)
        if new != old
    ]
    assert differing == ["fc6"]


def test_demo_has_the_layers_of_the_paper():
    def kinds(network):
        return [(layer.name, type(layer)) for layer in network.layers]

    assert kinds(networks.DEMO) == kinds(networks.PAPER)


def test_named_finds_every_network_and_no_other():
    assert networks.named("PAPER") is networks.PAPER
    with pytest.raises(ValueError, match="network must be one of .*PAPER"):
        networks.named("RESNET")


@pytest.mark.parametrize("change", [("without", {}), ("replace", {"bias": 0})])
def test_refuses_a_layer_that_is_not_there(change):
    method, fields = change
    with pytest.raises(ValueError, match="Layers must be among conv1"):
        getattr(networks.PAPER, method)("conv9", **fields)


def test_refuses_layers_of_one_name():
    layers = (networks.Dense("fc8"), networks.Dense("fc8"))
    with pytest.raises(ValueError, match="names must differ"):
        networks.Network(8, 1, layers)


def test_refuses_kernels_that_do_not_divide_into_towers():
    with pytest.raises(ValueError, match="conv1 must divide evenly"):
        networks.PAPER.replace("conv1", filters=97)


@pytest.mark.parametrize("stddev", [None, "wide"])
def test_refuses_a_deviation_that_is_none(stddev):
    with pytest.raises(ValueError, match=r"conv1\.stddev must be a number"):
        networks.PAPER.replace("conv1", stddev=stddev)


def test_insert_and_move_change_the_order_only():
    dropout = networks.Dropout("drop5")
    more = networks.PAPER.insert_behind("pool5", dropout)
    names = [layer.name for layer in more.layers]

    assert names[names.index("pool5") + 1] == "drop5"
    assert more.without("drop5") == networks.PAPER
    caffenet = [layer.name for layer in networks.CAFFENET.layers]
    assert caffenet[:6] == [
        *("conv1", "pool1", "norm1", "conv2", "pool2", "norm2")
    ]
    assert sorted(caffenet) == sorted(x.name for x in networks.CAFFE.layers)
