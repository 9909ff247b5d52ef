"""tools.doctor: a line each, and a status."""

import pytest
from programs import run

from alexnet_tf.doctor import folders
from alexnet_tf.training import checkpoint


def test_prints_a_line_for_each_thing():
    done = run("doctor")

    names = [line.split()[1] for line in done.stdout.splitlines()]
    for name in ("Python", "TensorFlow", "devices", "oneDNN", "memory"):
        assert name in names
    assert {"disk", "ports", "extras", "processor"} <= set(names)


def test_a_missing_folder_is_bad_and_status_1(tmp_path):
    done = run("doctor", f"--data_dir={tmp_path / 'x'}", status=1)

    assert "BAD   records" in done.stdout
    assert "Make it with: python -m tools.build_tfrecords" in done.stdout


@pytest.fixture
def run_dir(tmp_path):
    """What a run leaves, as far as the doctor reads it."""
    from alexnet_tf.config import Config
    from alexnet_tf.experiment import workdir

    workdir.write_config(tmp_path, Config())
    snapshot = checkpoint.Snapshot(7, {}, {}, {"best": None})
    checkpoint.write(tmp_path / "checkpoints", snapshot)
    return tmp_path


def test_a_workdir_says_how_far_it_is(run_dir):
    (found,) = folders.workdir(run_dir)

    assert found.words == f"{run_dir}: PAPER, step 7, nobody at work"
    assert not found.remedy


def test_a_damaged_checkpoint_has_its_remedy(run_dir):
    (run_dir / "checkpoints" / "00000007" / "state.json").write_text("{")

    (found,) = folders.workdir(run_dir)

    assert found.is_needed
    assert "Take another --checkpoint" in found.remedy
