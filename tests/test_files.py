"""Files that are whole or not there, locks, and lines of JSON."""

import fcntl
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from input_pipeline import files


def _full_disk(descriptor):
    raise OSError(28, "No space left on device")


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    files.write_atomically(tmp_path / "file", b"old")

    monkeypatch.setattr("os.fsync", _full_disk)
    with pytest.raises(OSError, match="No space") as caught:
        files.write_atomically(tmp_path / "file", b"new")

    assert (tmp_path / "file").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]
    assert caught.value.filename == str(tmp_path / "file")


def test_a_folder_has_its_name_when_it_is_whole(tmp_path):
    with files.unfinished(tmp_path / "7") as folder:
        folder.mkdir()
        (folder / "part").write_text("new")
        assert not (tmp_path / "7").exists()

    assert os.listdir(tmp_path) == ["7"]
    assert (tmp_path / "7" / "part").read_text() == "new"


def _write_folder(path, text):
    with files.unfinished(path) as folder:
        folder.mkdir()
        (folder / "part").write_text(text)


def test_a_folder_replaces_the_one_before_or_leaves_it(tmp_path, monkeypatch):
    _write_folder(tmp_path / "7", "old")
    _write_folder(tmp_path / "7", "new")
    assert (tmp_path / "7" / "part").read_text() == "new"

    monkeypatch.setattr("os.fsync", _full_disk)
    with pytest.raises(OSError, match="No space"):
        _write_folder(tmp_path / "7", "lost")

    assert os.listdir(tmp_path) == ["7"]
    assert (tmp_path / "7" / "part").read_text() == "new"


def test_machines_that_share_a_folder_write_to_different_files(tmp_path):
    names = {files.make_temporary_path(tmp_path / "shard") for _ in range(3)}

    assert len(names) == 3
    assert all(name.match(".shard.*.tmp") for name in names)


def test_what_a_killed_process_left_is_removed(tmp_path):
    (tmp_path / "kept").touch()
    files.make_temporary_path(tmp_path / "file").touch()
    files.make_temporary_path(tmp_path / "folder").mkdir()

    files.remove_temporary(tmp_path)

    assert os.listdir(tmp_path) == ["kept"]


def test_arrays_come_back(tmp_path):
    files.write_arrays(tmp_path / "x.npz", a=np.arange(3), b=np.zeros((2, 2)))

    with np.load(tmp_path / "x.npz") as found:
        assert found["a"].tolist() == [0, 1, 2]
        assert found["b"].shape == (2, 2)


def test_a_lock_names_its_owner_and_ends_with_its_scope(tmp_path):
    path = tmp_path / "lock"
    assert files.lock_owner(path) is None
    with files.locked(path, str):
        assert files.lock_owner(path).startswith(f"process {os.getpid()} on ")
        with (
            pytest.raises(ValueError, match=f"it is process {os.getpid()}"),
            files.locked(path, lambda owner: f"it is {owner}"),
        ):
            pass
    assert files.lock_owner(path) is None


def test_a_lock_is_that_of_the_file_that_has_its_name(tmp_path, monkeypatch):
    path = tmp_path / "lock"
    flock = fcntl.flock

    def slow_flock(file, how):
        # Meanwhile the former owner removes the file, and another makes one.
        monkeypatch.setattr(fcntl, "flock", flock)
        path.unlink()
        path.touch()
        flock(file, how)

    monkeypatch.setattr(fcntl, "flock", slow_flock)

    with files.locked(path, str), pytest.raises(ValueError):
        files.locked(path, str).__enter__()


def test_a_path_begins_at_home_and_is_no_address():
    assert files.local_path("~/x") == pathlib.Path.home() / "x"
    with pytest.raises(ValueError, match="gs://b"):
        files.local_path("gs://b")


def test_torn_lines_of_json_are_left_out(tmp_path):
    path = tmp_path / "lines.jsonl"
    assert files.read_json_lines(path) == []
    files.append_json_line(path, {"step": 1})
    with open(path, "ab") as file:
        file.write(b'{"step": 2, "lo\n\xff\xfe\n')
    files.append_json_line(path, {"step": 3})

    assert files.read_json_lines(path) == [{"step": 1}, {"step": 3}]


def test_needs_no_tensorflow():
    code = (
        "import sys; from input_pipeline import files; "
        "sys.exit('tensorflow' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
