"""Augmented on the device or on the host: the same batches, bit for bit."""

import dataclasses
import itertools

import numpy as np
import pytest
import tensorflow as tf
from data_sets import train_batches
from runs import PowerCut, make_config, open_new, small_network, train

import alexnet_tf
from alexnet_tf import weights
from alexnet_tf.training import strategy
from input_pipeline import make_augment, make_crop_dataset
from input_pipeline.data_config import DataConfig
from input_pipeline.statistics import Statistics

__all__ = ["small_network"]

CONFIG = DataConfig(batch_size=8, crop_size=40)
# 12 images an epoch: the second of three batches crosses its end.
CHANGES = {
    "paper": {},
    "literal eigenvalues": {"lighting": "eigenvalue"},
    "original_2012": {
        "lighting": "original",
        "lighting_epochs": 1.0,
        "mean": "original",
        "same_crop_images": 3,
    },
    "no lighting": {"lighting": "none"},
    "still": {"lighting": "none", "mirror": False, "random_crops": False},
    "whole records": {"crop_size": 48},
    "decoded": {"cache": "memory"},
    "held out": {"held_out_fraction": 0.25, "held_out_join_epochs": 1.0},
}
ONE = strategy.make_placement("one_device")
PLACEMENTS = {
    "one device": lambda: ONE,
    "two towers": lambda: strategy.make_placement(
        "one_device", ["CPU:1", "CPU:0"], 2
    ),
    "two replicas": lambda: strategy.make_placement(
        "mirrored", ["CPU:0", "CPU:1"]
    ),
}


def _augmented(data_dir, config, placement, first_step=0, count=3, **hosts):
    """Returns batches that the devices augment, whole, as NumPy has them."""
    augment = make_augment(config, Statistics.load(data_dir))
    batches = strategy.send_batches(
        make_crop_dataset(data_dir, config, 0, first_step, **hosts), placement
    )

    @tf.function
    def run(batch):
        return placement.strategy.run(lambda b: augment(*b), args=(batch,))

    local_results = placement.strategy.experimental_local_results
    found, iterator = [], iter(batches)
    for _ in range(count):
        parts = map(local_results, run(next(iterator)))
        found.append(tuple(np.concatenate(part) for part in parts))
    return found


def _assert_same(found, expected):
    for one, other in zip(found, expected, strict=True):
        for a, b in zip(one, other, strict=True):
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(a, b)


# Every change once, and the paper's and the authors' rules everywhere.
@pytest.mark.parametrize(
    ("change", "placement"),
    [
        *zip(CHANGES, itertools.cycle(PLACEMENTS), strict=False),
        *[("paper", p) for p in list(PLACEMENTS)[1:]],
        *[("original_2012", p) for p in list(PLACEMENTS)[:2]],
    ],
)
def test_devices_make_the_batches_of_the_host(tiny_data_dir, change, placement):
    config = dataclasses.replace(CONFIG, **CHANGES[change])

    found = _augmented(tiny_data_dir, config, PLACEMENTS[placement]())

    _assert_same(found, train_batches(tiny_data_dir, 3, config))


def test_it_begins_at_any_step(tiny_data_dir):
    expected = train_batches(tiny_data_dir, 3, CONFIG)

    found = _augmented(tiny_data_dir, CONFIG, ONE, first_step=2, count=1)

    _assert_same(found, expected[2:])


def test_hosts_augment_their_parts(tiny_data_dir):
    config = dataclasses.replace(CONFIG, **CHANGES["original_2012"])
    parts = [
        _augmented(tiny_data_dir, config, ONE, host=host, num_hosts=2)
        for host in range(2)
    ]

    joined = [
        tuple(map(np.concatenate, zip(*batches, strict=True)))
        for batches in zip(*parts, strict=True)
    ]

    _assert_same(joined, train_batches(tiny_data_dir, 3, config))


def test_batches_travel_as_bytes_to_the_first_device(tiny_data_dir):
    placement = PLACEMENTS["two towers"]()

    batches = make_crop_dataset(tiny_data_dir, CONFIG, 0)
    batch = next(iter(strategy.send_batches(batches, placement)))

    crops, _, numbers = batch
    # 40 x 40 pixels of three bytes; offsets, mirror, colours: 21 bytes.
    assert crops.numpy().nbytes == 8 * 40 * 40 * 3
    assert sum(n.numpy().nbytes for n in numbers.values()) == 8 * 21
    assert {t.device[-5:] for t in tf.nest.flatten(batch)} == {"CPU:1"}


@pytest.mark.parametrize(
    "name", ["one_device", pytest.param("mirrored", marks=pytest.mark.slow)]
)
def test_a_run_may_change_where_it_augments(tiny_data_dir, tmp_path, name):
    config = make_config(tiny_data_dir)
    config.data.batch_size = 4
    config.strategy = name
    config.data.augment_on = "host"
    train(config, tmp_path / "host")
    config.data.augment_on = "device"
    with pytest.raises(PowerCut):
        train(config, tmp_path / "both", 5)
    config.data.augment_on = "host"
    train(config, tmp_path / "both")

    expected = weights.to_arrays(alexnet_tf.load(tmp_path / "host"))
    found = weights.to_arrays(alexnet_tf.load(tmp_path / "both"))
    for key, array in found.items():
        np.testing.assert_array_equal(array, expected[key], err_msg=key)


def test_refuses_another_place(tiny_data_dir, tmp_path):
    config = make_config(tiny_data_dir)
    config.data.augment_on = "disk"

    with pytest.raises(ValueError, match="data.augment_on must be one of"):
        open_new(config, tmp_path)
