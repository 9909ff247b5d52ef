import pickle
from concurrent import futures

import pytest
from array_record.python import array_record_module

from input_pipeline import array_records


@pytest.fixture
def index(tmp_path):
    """Three files with 0 to 9, one of them empty."""
    paths = []
    for numbers in (range(4), range(0), range(4, 10)):
        paths.append(tmp_path / f"{len(paths)}.array_record")
        writer = array_record_module.ArrayRecordWriter(
            str(paths[-1]), "group_size:1"
        )
        for number in numbers:
            writer.write(b"%d" % number)
        writer.close()
    return array_records.load_index(paths, [4, 0, 6])


def test_records_are_read_by_position(index):
    assert len(index) == 10
    assert [index.read(i) for i in range(10)] == [b"%d" % i for i in range(10)]


def test_threads_read_at_once(index):
    positions = list(range(10)) * 50

    with futures.ThreadPoolExecutor(8) as pool:
        found = list(pool.map(index.read, positions))

    assert found == [b"%d" % i for i in positions]


def test_an_index_can_be_sent_to_another_process(index):
    assert pickle.loads(pickle.dumps(index)).read(7) == b"7"


def test_damage_is_named(index):
    path = index.paths[2]
    array_records._open.cache_clear()
    contents = bytearray(path.read_bytes())
    start = contents.index(b"9")
    contents[start - 20 : start + 20] = bytes(40)
    path.write_bytes(contents)

    with pytest.raises(ValueError, match="2.array_record must be whole"):
        [index.read(position) for position in range(4, 10)]


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="lost must be there"):
        array_records.load_index([tmp_path / "lost"], [1])
