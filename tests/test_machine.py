import os

import pytest

from input_pipeline import machine


@pytest.fixture
def groups(tmp_path):
    """Makes control groups and the list of those of a process."""

    def make(listing, **folders):
        for folder, numbers in folders.items():
            path = tmp_path / "root" / folder.replace("__", "/")
            path.mkdir(parents=True, exist_ok=True)
            for name, text in numbers.items():
                (path / name).write_text(text)
        (tmp_path / "listing").write_text(listing)
        return list(
            machine._free_of_groups(tmp_path / "listing", tmp_path / "root")
        )

    return make


def test_cores_are_those_that_the_process_may_use():
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert machine.count_cores() == 1
    finally:
        os.sched_setaffinity(0, before)


def test_a_container_has_what_its_limit_leaves(groups):
    limits = {
        "memory.max": "1000\n",
        "memory.current": "700\n",
        "memory.stat": "anon 500\nfile 200\ninactive_file 150\n",
    }

    assert groups("0::/box/job\n", box__job=limits) == [450]


def test_the_limits_of_the_groups_above_hold_too(groups):
    inner = {
        "memory.max": "max\n",
        "memory.current": "1\n",
        "memory.stat": "anon 1\n",
    }
    outer = {**inner, "memory.max": "11\n", "memory.current": "3\n"}

    assert groups("0::/box/job\n", box__job=inner, box=outer) == [8]


def test_the_first_version_of_control_groups_is_read(groups):
    limits = {
        "memory.limit_in_bytes": "100",
        "memory.usage_in_bytes": "120",
        "memory.stat": "cache 9\ntotal_inactive_file 30\n",
    }

    assert groups("5:cpu:/\n4:memory:/box\n", memory__box=limits) == [10]


def test_a_machine_without_groups_has_its_memory(groups):
    assert groups("0::/\n") == []
    assert machine.free_memory_bytes() > 0
