"""Hosts share batches and evaluations without a gap or an overlap."""

import dataclasses

import numpy as np
import pytest
from data_sets import train_batches

from input_pipeline import make_eval_dataset, make_train_dataset
from input_pipeline.data_config import DataConfig

CONFIG = DataConfig(batch_size=5, eval_batch_size=4, crop_size=40)


@pytest.mark.parametrize("num_hosts", [2, 4])
@pytest.mark.parametrize("cache", ["", "memory"])
def test_hosts_share_the_batches_of_one(tiny_data_dir, num_hosts, cache):
    config = dataclasses.replace(
        CONFIG, batch_size=8, same_crop_images=3, cache=cache
    )
    whole = train_batches(tiny_data_dir, 3, config)

    parts = [
        [
            (images.numpy(), labels.numpy())
            for images, labels in make_train_dataset(
                tiny_data_dir, config, 0, host=host, num_hosts=num_hosts
            ).take(3)
        ]
        for host in range(num_hosts)
    ]

    for step, (images, labels) in enumerate(whole):
        np.testing.assert_array_equal(
            np.concatenate([part[step][0] for part in parts]), images
        )
        np.testing.assert_array_equal(
            np.concatenate([part[step][1] for part in parts]), labels
        )


@pytest.mark.parametrize("num_hosts", [1, 2, 3, 5, 7])
def test_hosts_share_an_evaluation(tiny_data_dir, num_hosts):
    names = []
    for host in range(num_hosts):
        for *_, some in make_eval_dataset(
            tiny_data_dir,
            CONFIG,
            "validation",
            file_names=True,
            host=host,
            num_hosts=num_hosts,
        ):
            names += some.numpy().tolist()

    # Six images, perhaps on seven hosts.
    numbers = [0, 2, 4, 1, 3, 5]
    assert names == [f"validation-{n}.JPEG".encode() for n in numbers]


def test_hosts_must_share_evenly(tiny_data_dir):
    with pytest.raises(ValueError, match="divide evenly among the hosts"):
        make_train_dataset(tiny_data_dir, CONFIG, 0, num_hosts=2)
    with pytest.raises(ValueError, match="host must be at least 0 and below"):
        make_train_dataset(tiny_data_dir, CONFIG, 0, host=5, num_hosts=5)
