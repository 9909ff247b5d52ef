"""Decoded images give what records give."""

import dataclasses

import data_sets
import numpy as np
import pytest
from data_sets import train_batches

from input_pipeline import (
    dataset_info,
    machine,
    make_train_dataset,
    record_index,
)
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
    monkeypatch.setattr(machine, "free_memory_bytes", lambda: 1000)
    cached = dataclasses.replace(CONFIG, cache="memory")

    with pytest.raises(ValueError, match="must fit into four fifths of memory"):
        make_train_dataset(tiny_data_dir, cached, 0)


def damage(data_dir):
    """Breaks a training record; returns a function that mends it."""
    info = dataset_info.DatasetInfo.load(data_dir)
    index = record_index.load_index(data_dir, info, "train")
    path = index.paths[0]
    whole = path.read_bytes()
    offset = int(index.offset[1]) + 50
    path.write_bytes(
        whole[:offset] + bytes([whole[offset] ^ 1]) + whole[offset + 1 :]
    )
    return lambda: path.write_bytes(whole)


def test_a_cache_knows_which_records_it_left_out(tmp_path):
    data_sets.make_records(tmp_path / "data", train=12)
    config = dataclasses.replace(STILL, cache=str(tmp_path / "cache"))
    skip = dataclasses.replace(config, on_error="skip")
    mend = damage(tmp_path / "data")

    def count(config):
        reader_of = make_train_dataset(tmp_path / "data", config, 0)
        labels = np.concatenate(
            [batch[1] for batch in reader_of.take(12).as_numpy_iterator()]
        )
        return len(labels), len(list((tmp_path / "cache").glob("*.uint8")))

    count(skip)
    (pixels,) = (tmp_path / "cache").glob("*.uint8")
    assert pixels.stat().st_size == 11 * 48 * 48 * 3
    with pytest.raises(ValueError, match="Record 1 of .* must match its check"):
        count(config)
    mend()

    count(config)

    assert pixels.stat().st_size == 12 * 48 * 48 * 3


def test_a_full_disk_is_an_error_before_anything_is_decoded(
    tiny_data_dir, tmp_path, monkeypatch
):
    def full(descriptor, offset, size):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.posix_fallocate", full)
    config = dataclasses.replace(CONFIG, cache=str(tmp_path / "cache"))

    with pytest.raises(OSError, match="No space left") as caught:
        make_train_dataset(tiny_data_dir, config, 0)

    assert caught.value.filename.startswith(str(tmp_path / "cache/tiny-train"))
    assert not list((tmp_path / "cache").iterdir())


def test_an_address_is_no_folder(tiny_data_dir):
    config = dataclasses.replace(CONFIG, cache="gs://bucket/cache")

    with pytest.raises(ValueError, match="Received: gs://bucket/cache"):
        make_train_dataset(tiny_data_dir, config, 0)
