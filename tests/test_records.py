import os
import pickle
import struct
import subprocess
import sys
import threading

import numpy as np
import pytest
import tensorflow as tf

from input_pipeline import dataset_info, record_index, records, shards

SYNSETS = ["n01440764", "n01443537"]


def example(image, label, file_name, synset):
    """The same record by TensorFlow's own protocol buffers."""

    def text(value):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))

    features = {
        "image": text(image),
        "label": tf.train.Feature(int64_list=tf.train.Int64List(value=[label])),
        "file_name": text(file_name.encode()),
        "synset": text(synset.encode()),
    }
    return tf.train.Example(features=tf.train.Features(feature=features))


def write_split(data_dir, counts, save_index=False):
    """Writes a train split with `counts` records a shard."""
    written, finished = [], []
    for i, count in enumerate(counts):
        name = records.shard_name("toy", "train", i, len(counts))
        with shards.ShardWriter(data_dir / name) as writer:
            for _ in range(count):
                n = len(written)
                written.append(
                    records.serialize(b"jpeg %d" % n * n, n, f"{n}.JPEG", "n")
                )
                writer.write(written[-1])
            finished.append(writer.finish())
    info = dataset_info.DatasetInfo(
        name="toy",
        image_size=8,
        num_classes=2,
        synsets=SYNSETS,
        class_names=["tench", "goldfish"],
        splits={
            "train": dataset_info.Split(
                sum(counts), [one.shard for one in finished]
            )
        },
    )
    if save_index:
        record_index.save_index(
            data_dir,
            "train",
            [one.size_bytes for one in finished],
            np.concatenate([one.offsets for one in finished]),
            np.concatenate([one.lengths for one in finished]),
        )
    return info, written


@pytest.mark.parametrize("label", [0, 1, 127, 128, 21_842, -1])
@pytest.mark.parametrize("size", [0, 1, 127, 128, 40_000])
def test_a_record_is_the_example_that_tensorflow_writes(label, size):
    fields = (b"\xff" * size, label, "n01440764_é.JPEG", "n01440764")

    serialized = records.serialize(*fields)

    expected = example(*fields).SerializeToString(deterministic=True)
    assert serialized == expected


def test_parse_gives_back_the_fields_of_one_record():
    serialized = records.serialize(b"jpeg", -1, "a.JPEG", "n01440764")

    fields = records.parse(tf.constant(serialized))

    assert fields["image"].numpy() == b"jpeg"
    assert fields["label"].numpy() == -1
    assert fields["label"].dtype == tf.int32
    assert fields["file_name"].numpy() == b"a.JPEG"
    assert fields["synset"].numpy() == b"n01440764"


def test_parse_gives_back_the_fields_of_many_records():
    many = [records.serialize(b"%d" % i, i, f"{i}", "n") for i in range(3)]

    fields = records.parse(tf.constant(many))

    assert list(fields["label"].numpy()) == [0, 1, 2]
    assert list(fields["image"].numpy()) == [b"0", b"1", b"2"]


def test_shards_are_named_as_tfds_names_them():
    name = records.shard_name("ilsvrc2012", "train", 7, 1024)

    assert name == "ilsvrc2012-train.tfrecord-00007-of-01024"


def test_tensorflow_reads_a_shard(tmp_path):
    info, written = write_split(tmp_path, [3])
    path = tmp_path / info.splits["train"].shards[0].file

    read = list(tf.data.TFRecordDataset(str(path)).as_numpy_iterator())

    assert read == written


def test_a_shard_without_finish_leaves_nothing_behind(tmp_path):
    with shards.ShardWriter(tmp_path / "shard") as writer:
        writer.write(b"record")

    assert list(tmp_path.iterdir()) == []


def test_a_shard_appears_under_its_name_when_finished(tmp_path):
    with shards.ShardWriter(tmp_path / "shard") as writer:
        writer.write(b"record")
        assert not (tmp_path / "shard").exists()
        finished = writer.finish()

    assert [path.name for path in tmp_path.iterdir()] == ["shard"]
    assert finished.size_bytes == (tmp_path / "shard").stat().st_size == 22


@pytest.mark.parametrize("save_index", [False, True])
def test_records_are_read_by_position(tmp_path, save_index):
    info, written = write_split(tmp_path, [3, 1, 2], save_index)

    index = record_index.load_index(tmp_path, info, "train")

    assert len(index) == 6
    assert list(index.shard) == [0, 0, 0, 1, 2, 2]
    assert (index.shard.dtype, index.offset.dtype) == (np.int32, np.int64)
    assert [index.read(i) for i in range(6)] == written


def test_a_copy_of_an_index_reads_too(tmp_path):
    info, written = write_split(tmp_path, [2, 1])
    index = record_index.load_index(tmp_path, info, "train")
    index.read(0)

    copy = pickle.loads(pickle.dumps(index))

    assert [copy.read(i) for i in range(3)] == written


def test_a_saved_index_of_other_shards_is_not_used(tmp_path):
    info, written = write_split(tmp_path, [2, 1], save_index=True)
    record_index.save_index(tmp_path, "train", [1, 2], [0, 0, 0], [1, 1, 1])

    index = record_index.load_index(tmp_path, info, "train")

    assert [index.read(i) for i in range(3)] == written


@pytest.mark.parametrize("contents", [b"", b"PK\x03\x04 not an archive"])
def test_a_broken_saved_index_is_not_used(tmp_path, contents):
    info, written = write_split(tmp_path, [2, 1], save_index=True)
    (tmp_path / "index-train.npz").write_bytes(contents)

    index = record_index.load_index(tmp_path, info, "train")

    assert [index.read(i) for i in range(3)] == written


def test_threads_read_the_same_as_one(tmp_path, monkeypatch):
    monkeypatch.setattr(record_index, "_max_open_files", lambda: 2)
    info, written = write_split(tmp_path, [4] * 6)
    index = record_index.load_index(tmp_path, info, "train")
    wrong = []
    open_before = len(os.listdir("/proc/self/fd"))

    def read_all(seed):
        order = np.random.default_rng(seed).permutation(len(index))
        for position in np.tile(order, 30):
            if index.read(position) != written[position]:
                wrong.append(position)

    threads = [threading.Thread(target=read_all, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []
    assert len(os.listdir("/proc/self/fd")) == open_before + 2


def test_a_damaged_record_is_named(tmp_path):
    info, _ = write_split(tmp_path, [3, 3], save_index=True)
    index = record_index.load_index(tmp_path, info, "train")
    damage(index.paths[1], int(index.offset[4]))

    with pytest.raises(ValueError, match="Record 1 of .*00001-of-00002"):
        index.read(4)


def test_a_record_cut_off_is_named(tmp_path):
    info, _ = write_split(tmp_path, [3], save_index=True)
    index = record_index.load_index(tmp_path, info, "train")
    os.truncate(index.paths[0], int(index.offset[2]) + 2)

    with pytest.raises(ValueError, match="Record 2 of"):
        index.read(2)


@pytest.mark.parametrize("keep_bytes", [5, 11])
def test_a_header_cut_off_is_named(tmp_path, keep_bytes):
    info, _ = write_split(tmp_path, [2])
    index = record_index.load_index(tmp_path, info, "train")
    start = int(index.offset[1]) - records.HEADER_BYTES
    os.truncate(index.paths[0], start + keep_bytes)

    with pytest.raises(ValueError, match="Record 1 of .* damaged or cut"):
        record_index.load_index(tmp_path, info, "train")


def test_a_damaged_header_is_named(tmp_path):
    info, _ = write_split(tmp_path, [3])
    index = record_index.load_index(tmp_path, info, "train")
    damage(index.paths[0], int(index.offset[1]) - records.HEADER_BYTES)

    with pytest.raises(ValueError, match="Record 1 of .* damaged or cut"):
        record_index.load_index(tmp_path, info, "train")


def test_a_length_beyond_the_file_is_damage(tmp_path):
    info, _ = write_split(tmp_path, [1])
    path = tmp_path / info.splits["train"].shards[0].file
    length = struct.pack("<Q", 2**63)
    header = length + struct.pack("<I", records.masked_crc(length))
    path.write_bytes(header + path.read_bytes()[12:])

    with pytest.raises(ValueError, match="damaged or cut off"):
        record_index.load_index(tmp_path, info, "train")


def test_a_shard_of_another_length_is_refused(tmp_path):
    info, _ = write_split(tmp_path, [3])
    index = record_index.load_index(tmp_path, info, "train")
    os.truncate(index.paths[0], int(index.offset[2]) - records.HEADER_BYTES)

    with pytest.raises(ValueError, match="must hold 3 records.*Found: 2"):
        record_index.load_index(tmp_path, info, "train")


def test_a_missing_shard_is_named(tmp_path):
    info, _ = write_split(tmp_path, [3])
    (tmp_path / info.splits["train"].shards[0].file).unlink()

    with pytest.raises(FileNotFoundError, match="toy-train.*is missing"):
        record_index.load_index(tmp_path, info, "train")


def test_an_unknown_split_is_refused(tmp_path):
    info, _ = write_split(tmp_path, [1])

    with pytest.raises(ValueError, match="must hold a test split"):
        record_index.load_index(tmp_path, info, "test")


def test_writing_records_needs_no_tensorflow():
    script = (
        "import sys; from input_pipeline import record_index, shards;"
        "assert 'tensorflow' not in sys.modules"
    )

    subprocess.run([sys.executable, "-c", script], check=True)


def damage(path, offset):
    """Flips one bit of a file."""
    contents = bytearray(path.read_bytes())
    contents[offset] ^= 1
    path.write_bytes(contents)
