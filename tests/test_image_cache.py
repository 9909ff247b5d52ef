"""Decoded images give what records give."""

import dataclasses

import data_sets
import numpy as np
import pytest
from data_sets import train_batches

from input_pipeline import image_cache, make_train_dataset
from input_pipeline.data_config import DataConfig

CONFIG = DataConfig(batch_size=5, eval_batch_size=4, crop_size=40)
STILL = dataclasses.replace(
    CONFIG, random_crops=False, mirror=False, lighting="none"
)


@pytest.mark.parametrize("place", ["memory", "folder"])
def test_a_decoded_cache_gives_the_same_batches(tiny_data_dir, tmp_path, place):
    place = place if place == "memory" else str(tmp_path / "cache")
    # Whole images: at the border of a window colours are decoded otherwise.
    config = dataclasses.replace(CONFIG, crop_size=48)
    cached = dataclasses.replace(config, cache=place)

    for again in range(2):
        for a, b in zip(
            train_batches(tiny_data_dir, 3, config, first_step=again),
            train_batches(tiny_data_dir, 3, cached, first_step=again),
            strict=True,
        ):
            np.testing.assert_array_equal(a[0], b[0])
            np.testing.assert_array_equal(a[1], b[1])


def test_a_decoded_cache_gives_the_same_crops(tiny_data_dir):
    cached = dataclasses.replace(CONFIG, cache="memory")

    for a, b in zip(
        train_batches(tiny_data_dir, 3, CONFIG),
        train_batches(tiny_data_dir, 3, cached),
        strict=True,
    ):
        inner = np.s_[:, 2:-2, 2:-2]
        np.testing.assert_array_equal(a[0][inner], b[0][inner])


def test_a_decoded_cache_is_not_taken_for_another_set(tmp_path):
    place = str(tmp_path / "cache")
    config = dataclasses.replace(STILL, cache=place, batch_size=12)
    data_sets.make_records(tmp_path / "a")
    data_sets.make_records(tmp_path / "b", classes=2)

    first, second = (train_batches(tmp_path / n, 1, config)[0] for n in "ab")

    assert set(first[1]) == {0, 1, 2}
    assert set(second[1]) == {0, 1}


def test_images_that_do_not_fit_into_memory_are_refused(
    tiny_data_dir, monkeypatch
):
    monkeypatch.setattr(image_cache, "_free_memory_bytes", lambda: 1000)
    cached = dataclasses.replace(CONFIG, cache="memory")

    with pytest.raises(ValueError, match="must fit into four fifths of memory"):
        make_train_dataset(tiny_data_dir, cached, 0)
