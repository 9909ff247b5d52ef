"""Damage ends a run, or is left out, named and counted."""

import dataclasses
import logging

import data_sets
import numpy as np
import pytest

from input_pipeline import make_eval_dataset, make_train_dataset, record_reader
from input_pipeline.data_config import DataConfig

CONFIG = DataConfig(
    batch_size=12,
    eval_batch_size=4,
    crop_size=40,
    random_crops=False,
    mirror=False,
    lighting="none",
)
SKIP = dataclasses.replace(CONFIG, on_error="skip")


class Index:
    """Records 0, 1, 2 ... of which some are damaged."""

    def __init__(self, count, damaged):
        self.count, self.damaged = count, damaged

    def __len__(self):
        return self.count

    def read(self, position):
        if position in self.damaged:
            raise ValueError(f"Record {position} is damaged")
        return str(position).encode()


def test_the_next_whole_record_stands_in():
    skipped = record_reader.Skipped()
    reader = record_reader.Reader(Index(5, {1, 2, 4}), skipped)

    assert reader.read_with_replacement([0, 1, 2, 3, 4]).tolist() == [
        b"0", b"3", b"3", b"3", b"0",
    ]  # fmt: skip
    assert reader.read([0, 1, 2, 3, 4]).tolist() == [b"0", b"3"]
    # Each counts once, however often it was met.
    assert skipped.count == 3


def test_all_records_damaged_is_an_error():
    reader = record_reader.Reader(Index(2, {0, 1}), record_reader.Skipped())

    with pytest.raises(ValueError, match="Some records must be whole"):
        reader.read_with_replacement([0])


def test_without_a_count_damage_is_an_error():
    with pytest.raises(ValueError, match="Record 1 is damaged"):
        record_reader.Reader(Index(2, {1})).read([0, 1])


def _damage(folder, shard, change):
    info = data_sets.make_records(folder)
    path = folder / info.splits["train"].shards[shard].file
    contents = bytearray(path.read_bytes())
    path.write_bytes(change(contents))
    return path


def _flip(contents):
    contents[len(contents) // 2] ^= 1
    return contents


def _cut(contents):
    return contents[: len(contents) // 2]


def test_a_flipped_bit_costs_one_record(tmp_path, caplog):
    path = _damage(tmp_path / "data", 1, _flip)
    skipped = record_reader.Skipped()

    with caplog.at_level(logging.WARNING):
        dataset = make_train_dataset(
            tmp_path / "data", SKIP, 0, skipped=skipped
        )
        images, _ = next(iter(dataset))

    assert skipped.count == 1
    assert path.name in caplog.text
    # Twelve places, eleven images.
    assert len({image.tobytes() for image in images.numpy()}) == 11


def test_a_cut_shard_costs_what_lies_behind(tmp_path):
    _damage(tmp_path / "data", 0, _cut)
    skipped = record_reader.Skipped()

    batches = list(
        make_eval_dataset(tmp_path / "data", SKIP, "train", skipped=skipped)
    )

    seen = sum(len(images) for images, _ in batches)
    # Six records stand in the shard, and half of its bytes are gone.
    assert 2 <= skipped.count <= 4
    assert seen == 12 - skipped.count


def test_a_cut_shard_is_named(tmp_path):
    path = _damage(tmp_path / "data", 0, _cut)

    with pytest.raises(ValueError, match=rf"Record \d of .*{path.name}.*cut"):
        make_train_dataset(tmp_path / "data", CONFIG, 0)


def test_a_decoded_cache_has_what_is_left(tmp_path):
    _damage(tmp_path / "data", 1, _flip)
    skipped = record_reader.Skipped()
    config = dataclasses.replace(SKIP, cache="memory", batch_size=11)

    images, _ = next(
        iter(make_train_dataset(tmp_path / "data", config, 0, skipped=skipped))
    )

    assert skipped.count == 1
    assert len({image.tobytes() for image in np.asarray(images)}) == 11


def test_one_count_serves_two_splits(tmp_path):
    info = data_sets.make_records(tmp_path / "data")
    skipped = record_reader.Skipped()
    for split in ("train", "validation"):
        path = tmp_path / "data" / info.splits[split].shards[0].file
        contents = bytearray(path.read_bytes())
        contents[200] ^= 1
        path.write_bytes(contents)

    for split in ("train", "validation"):
        for _ in range(2):
            list(
                make_eval_dataset(
                    tmp_path / "data", SKIP, split, skipped=skipped
                )
            )

    assert skipped.count == 2
