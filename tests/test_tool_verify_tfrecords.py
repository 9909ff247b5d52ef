import json
import os
import re
import shutil

import numpy as np
import programs
import pytest

from input_pipeline import record_index, records, shards
from input_pipeline.conversion import convert, verification
from input_pipeline.conversion.sources import ilsvrc
from input_pipeline.dataset_info import DatasetInfo
from tests import ilsvrc_miniature as miniature


@pytest.fixture(scope="module")
def converted(tmp_path_factory):
    archives = miniature.make(tmp_path_factory.mktemp("archives"))
    output_dir = tmp_path_factory.mktemp("converted")
    settings = convert.Settings("toy", 16, train_shards=2, validation_shards=1)
    convert.convert(ilsvrc.open_source(archives), settings, output_dir, {})
    return output_dir


@pytest.fixture
def data_dir(converted, tmp_path):
    return shutil.copytree(converted, tmp_path / "data")


def run(data_dir, status=0):
    return programs.run(
        "verify_tfrecords", f"--data_dir={data_dir}", status=status
    )


def shard_path(data_dir, split="train", index=1):
    return (
        data_dir / DatasetInfo.load(data_dir).splits[split].shards[index].file
    )


def rewrite(data_dir, **changes):
    """Writes another first record into a shard; sets its checksum right."""
    info = DatasetInfo.load(data_dir)
    index = record_index.load_index(data_dir, info, "train")
    fields = {
        "image": miniature.encode(miniature.render(0, 16, 16)),
        "label": 0,
        "file_name": "x.JPEG",
        "synset": "n01000001",
        **changes,
    }
    all_records = [records.serialize(**fields)]
    first = info.splits["train"].shards[0].num_images
    all_records += [index.read(i) for i in range(first + 1, len(index))]
    with shards.ShardWriter(index.paths[1]) as writer:
        for record in all_records:
            writer.write(record)
        finished = writer.finish()
    info.splits["train"].shards[1] = finished.shard
    info.save(data_dir)
    (data_dir / "index-train.npz").unlink()


@pytest.mark.parametrize("num_processes", [1, 2])
def test_what_the_converter_wrote_has_no_faults(converted, num_processes):
    counts = []

    faults = verification.verify(converted, num_processes, counts.append)

    assert faults == []
    assert sum(counts) == 18


def test_a_good_data_set_ends_with_status_zero(converted):
    result = run(converted)

    assert "18 records, no faults" in result.stdout


def test_a_changed_byte_is_named(data_dir):
    path = shard_path(data_dir)
    contents = bytearray(path.read_bytes())
    contents[100] ^= 1
    path.write_bytes(contents)

    result = run(data_dir, status=1)

    assert "checksum is not that of dataset.json" in result.stdout
    assert "record 0: it does not match its checksum" in result.stdout
    assert "2 faults" in result.stderr


def test_a_shard_cut_short_is_named(data_dir):
    path = shard_path(data_dir)
    os.truncate(path, path.stat().st_size - 5)

    faults = "\n".join(verification.verify(data_dir))

    assert "00001-of-00002, record 5: it is damaged or cut off" in faults
    assert "5 records instead of 6" in faults


def test_a_missing_shard_is_named(data_dir):
    shard_path(data_dir).unlink()

    faults = verification.verify(data_dir)

    assert faults == ["toy-train.tfrecord-00001-of-00002: it is missing"]


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"label": 4}, "its label is 4"),
        ({"label": -2}, "its label is -2"),
        ({"label": 1}, "its synset is not that of label 1"),
        ({"image": b"JPEG"}, "its image: it is no image"),
        ({"image": b""}, "its image: it is empty"),
        ({"image": miniature.render_jpeg()}, r"the shape \(40, 60, 3\)"),
    ],
)
def test_a_wrong_record_is_named(data_dir, changes, fault):
    rewrite(data_dir, **changes)

    faults = verification.verify(data_dir)

    assert len(faults) == 1
    assert faults[0].startswith("toy-train.tfrecord-00001-of-00002, record 0: ")
    assert re.search(fault, faults[0])


def test_a_stray_shard_is_named(data_dir):
    (data_dir / "toy-train.tfrecord-00000-of-00009").write_bytes(b"other")

    faults = verification.verify(data_dir)

    assert faults == [
        "toy-train.tfrecord-00000-of-00009: dataset.json does not name it"
    ]


def test_a_shard_is_read_record_by_record(data_dir, monkeypatch):
    def fail(self):
        raise MemoryError

    monkeypatch.setattr("pathlib.Path.read_bytes", fail)

    assert verification.verify(data_dir) == []


def test_a_wrong_count_of_the_statistics_is_named(data_dir):
    with np.load(data_dir / "statistics.npz") as saved:
        fields = {**saved, "count": 11}
    np.savez(data_dir / "statistics.npz", **fields)

    (fault,) = verification.verify(data_dir)

    assert fault == "statistics.npz: of 11 images instead of 12"


def test_missing_statistics_are_named(data_dir):
    (data_dir / "statistics.npz").unlink()

    (fault,) = verification.verify(data_dir)

    assert "There is no" in fault


def test_an_index_that_does_not_match_is_named(data_dir):
    with np.load(data_dir / "index-train.npz") as saved:
        fields = {**saved, "offsets": saved["offsets"] + 1}
    np.savez(data_dir / "index-train.npz", **fields)

    (fault,) = verification.verify(data_dir)

    assert "index-train.npz: it does not match" in fault


def test_a_folder_without_data_set_is_one_line(tmp_path):
    result = run(tmp_path, status=1)

    assert result.stderr.startswith("error: ")
    assert len(result.stderr.splitlines()) == 1


def test_a_changed_class_is_a_fault(data_dir):
    path = data_dir / "dataset.json"
    fields = json.loads(path.read_text())
    fields["synsets"][0] = "n00000001"
    path.write_text(json.dumps(fields))

    faults = verification.verify(data_dir)

    assert len(faults) == 3 + 1
    assert "its synset is not that of label 0" in faults[0]
