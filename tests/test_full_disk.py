"""A disk that really fills while a run trains: nothing is lost."""

import subprocess

import numpy as np
import pytest
from runs import (
    STEPS,
    Progress,
    make_config,
    read_lines,
    small_network,
    train,
    train_with,
)

import alexnet_tf
from alexnet_tf import weights
from alexnet_tf.training import checkpoint, summaries
from input_pipeline import files

__all__ = ["small_network"]


@pytest.fixture
def disk(tmp_path):
    """A disk of 4 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("disks can be mounted by root only, on Linux")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder):
    """Fills the disk to its last byte; returns what fills it."""
    path = folder / "filler"
    with open(path, "wb", buffering=0) as file:
        for size in (4096, 1):
            try:
                while file.write(bytes(size)):
                    pass
            except OSError:
                continue
    return path


class Filling(Progress):
    """Fills the disk after the fifth step."""

    def __init__(self, folder):
        super().__init__()
        self.folder = folder

    def update(self, steps, facts):
        super().update(steps, facts)
        if self.done == 5:
            self.filler = fill(self.folder)


def test_tensorboards_last_flush_meets_a_full_disk(disk, caplog):
    with summaries.SummaryWriter(disk, 0, float) as writer:
        writer.write("train", 1, {"loss": 1.0})
        writer.flush()
        fill(disk)
        for step in range(2, 400):
            writer.write("train", step, {"loss": 1.0})
        writer.histograms(9, {"conv1": np.ones(10)})
        writer.event(9, "save")

    assert caplog.text.count("Training goes on without") == 1
    lines = files.read_json_lines(disk / "metrics.jsonl")
    # Whole lines only, however full it was.
    assert [line["step"] for line in lines] == list(range(1, len(lines) + 1))


def test_what_a_person_has_changed_is_never_lost_silently(disk):
    with summaries.SummaryWriter(disk, 0, float) as writer:
        fill(disk)
        with pytest.raises(OSError, match="No space left"):
            writer.event(3, "drop", factor=0.1)


@pytest.mark.slow
def test_a_run_on_a_disk_that_fills_ends_with_what_it_had(
    tiny_data_dir, tmp_path, disk
):
    config = make_config(tiny_data_dir)
    train(config, tmp_path / "undisturbed")
    filling = Filling(disk)

    with pytest.raises(OSError, match="No space left"):
        train_with(filling, config, disk / "run")

    assert filling.done == STEPS
    assert checkpoint.steps(disk / "run" / "checkpoints")[-1] == 4
    filling.filler.unlink()
    train(config, disk / "run")
    assert "save" in {e["what"] for e in read_lines(disk / "run", "events")}
    expected = weights.to_arrays(alexnet_tf.load(tmp_path / "undisturbed"))
    found = weights.to_arrays(alexnet_tf.load(disk / "run"))
    for name, array in found.items():
        np.testing.assert_array_equal(array, expected[name], err_msg=name)
