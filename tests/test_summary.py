"""The table of a network, by arithmetic and on the command line."""

import programs
import pytest

import alexnet_tf
from alexnet_tf import networks, summary
from alexnet_tf.config import Config


def test_paper_costs_what_arithmetic_says():
    model = alexnet_tf.build(networks.PAPER, 1000, initialize=False)

    costs, parameters = {}, {}
    for row in summary.rows(model):
        costs[row.layer] = costs.get(row.layer, 0) + row.multiply_adds
        parameters[row.layer] = parameters.get(row.layer, 0) + row.parameters

    # Places times kernels times the inputs of one.
    assert {name: cost for name, cost in costs.items() if cost} == {
        "conv1": 55 * 55 * 96 * 11 * 11 * 3,
        "conv2": 27 * 27 * 256 * 5 * 5 * 48,
        "conv3": 13 * 13 * 384 * 3 * 3 * 256,
        "conv4": 13 * 13 * 384 * 3 * 3 * 192,
        "conv5": 13 * 13 * 256 * 3 * 3 * 192,
        "fc6": 6 * 6 * 256 * 4096,
        "fc7": 4096 * 4096,
        "fc8": 4096 * 1000,
    }
    assert sum(parameters.values()) == 60_965_224
    # §7 says that each convolution holds no more than 1% of them.
    shares = {name: n / 60_965_224 for name, n in parameters.items() if n}
    assert {n: round(100 * share, 2) for n, share in shares.items()} == {
        "conv1": 0.06,
        "conv2": 0.5,
        "conv3": 1.45,
        "conv4": 1.09,
        "conv5": 0.73,
        "fc6": 61.93,
        "fc7": 27.53,
        "fc8": 6.72,
    }


def test_local_layers_count_every_place():
    model = alexnet_tf.build(networks.CIFAR_13, 10, initialize=False)

    rows = {row.layer: row for row in summary.rows(model)}

    assert rows["local3"].map == (6, 6, 32)
    assert rows["local3"].multiply_adds == 6 * 6 * 32 * 3 * 3 * 64
    assert rows["local3"].parameters == 664_704


def test_towers_have_rows_and_devices_of_their_own():
    model = alexnet_tf.build(
        networks.DEMO, 10, devices=("CPU:0", "CPU:1"), initialize=False
    )

    devices = [
        row.device for row in summary.rows(model) if row.layer == "conv2"
    ]

    assert devices == ["CPU:0", "CPU:1"]


def test_dry_run_prints_and_touches_nothing(tmp_path):
    done = programs.run(
        "train",
        "--config=configs/ilsvrc2012.py",
        "--dry_run",
        "--config.changes=fc6.units=2048",
        f"--workdir={tmp_path / 'run'}",
    )

    assert "PAPER with fc6.units=2048: crops of 224 pixels, 1000" in done.stdout
    # 60,965,224 less half of fc6 and of fc7's inputs.
    parameters = 60_965_224 - 2048 * 9217 - 2048 * 4096
    assert f"{parameters:,}" in done.stdout.splitlines()[-1]
    assert not (tmp_path / "run").exists()


def test_training_needs_a_workdir():
    done = programs.run("train", "--config=configs/demo.py", status=1)

    assert "Training needs --workdir" in done.stderr


def test_a_config_changes_layers():
    config = Config(
        network="TORCHVISION",
        changes="conv1.filters=32, conv2.stddev=he,drop6.rate=0.25,"
        "conv1.padding=(1,2)",
    )
    layers = {layer.name: layer for layer in config.make_network().layers}

    assert layers["conv1"].filters == 32
    assert layers["conv1"].padding == (1, 2)
    assert layers["conv2"].stddev == "he"
    assert layers["drop6"].rate == 0.25


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ("fc6", "LAYER.FIELD=VALUE"),
        ("fc9.units=4", "Layers must be among conv1"),
        ("fc6.width=4", "A Dense has no field width"),
        ("fc6.units=many", "fc6.units must be like 4096"),
        ("fc6.name=fc9", "A Dense has no field name"),
    ],
)
def test_refuses_changes_that_do_not_fit(changes, words):
    with pytest.raises(ValueError, match=words):
        Config(changes=changes).make_network()
