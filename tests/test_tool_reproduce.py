"""The queue as a program: killed, resumed, asked, copied."""

import importlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import data_sets
import pytest
from programs import ROOT, run, run_python

from configs import reproduce

pytestmark = pytest.mark.slow

# A table of one short run, the 13% recipe in miniature: of 20 images 16 are
# trained on at first, and all after two epochs of four steps.
TABLE = """
import sys
from alexnet_tf.reproduction import queue, rows
row = rows.Row(
    "short", "a claim", "configs/cifar10_13pct.py", "tiny", 1, 0.1,
    changes={
        "data.batch_size": 4,
        "data.held_out_join_epochs": 2.0,
        "training.total_steps": 36,
        "training.eval_every_epochs": 1.0,
        "training.checkpoint_every_steps": 4,
        "training.log_every_steps": 2,
        "optimizer.boundaries_epochs": (4.0, 6.0),
    },
)
queue.Queue([row], sys.argv[1], "here", niceness=0, retry_seconds=0.1).run()
"""
# What two runs of one seed need not share.
OWN = ("hours", "cpu_hours", "resumed", "finished")


def begin(output_dir):
    """Starts the queue of the short table in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", TABLE, str(output_dir)],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(output_dir / "temporary")},
        stderr=subprocess.DEVNULL,
    )


def make_output_dir(folder):
    data_sets.make_records(folder / "data" / "tiny", 20, 6, image_size=32)
    (folder / "code").mkdir()
    (folder / "code" / "here").symlink_to(ROOT)
    (folder / "temporary").mkdir()
    return folder


def wait_for_step(output_dir, step):
    """Waits until a run has written figures of a step."""
    path = output_dir / "runs/short-seed0/metrics.jsonl"
    for _ in range(3000):
        if path.exists():
            lines = path.read_text().splitlines()
            if any(json.loads(line)["step"] >= step for line in lines[:-1]):
                return
        time.sleep(0.05)
    raise AssertionError(f"step {step} did not come")


def read(output_dir):
    """Returns the result, and the bytes of the last weights."""
    result = json.loads((output_dir / "results/short-seed0.json").read_text())
    (last,) = sorted((output_dir / "runs/short-seed0/checkpoints").glob("*36"))
    return result, (last / "weights.npz").read_bytes()


@pytest.mark.slow
def test_killed_three_times_it_ends_with_the_same_bytes(tmp_path):
    disturbed = make_output_dir(tmp_path / "disturbed")
    undisturbed = make_output_dir(tmp_path / "undisturbed")
    assert begin(undisturbed).wait(300) == 0

    for step in (6, 14, 26):
        process = begin(disturbed)
        wait_for_step(disturbed, step)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert begin(disturbed).wait(300) == 0

    (found, weights), (expected, its_weights) = map(
        read, (disturbed, undisturbed)
    )
    assert found["resumed"] == 3
    assert expected["resumed"] == 0
    for name in OWN:
        found.pop(name), expected.pop(name)
    assert found == expected
    assert weights == its_weights
    assert found["epochs"] > 2


def test_status_needs_no_queue(tmp_path):
    done = run("reproduce", f"--output_dir={tmp_path}", "--status")

    lines = done.stdout.splitlines()
    assert lines[0] == "to come  cifar13-seed0: 1.4 h left"
    assert lines[-1].endswith("if the machine has nothing else")
    assert list(tmp_path.iterdir()) == []


def test_one_row_can_be_asked_for(tmp_path):
    done = run(
        "reproduce", f"--output_dir={tmp_path}", "--status", "--rows=cifar11"
    )

    assert done.stdout.startswith("to come  cifar11-seed0: 6.5 h left\nabout 6")


def test_results_are_copied_once(tmp_path):
    results, copies = tmp_path / "out/results", tmp_path / "copies"
    results.mkdir(parents=True)
    (results / "a-seed0.json").write_text("{}\n")
    command = (
        "reproduce",
        f"--output_dir={tmp_path / 'out'}",
        f"--copy_to={copies}",
    )

    assert run(*command).stdout == f"{copies / 'a-seed0.json'}\n"
    assert run(*command).stdout == ""
    assert (copies / "a-seed0.json").read_text() == "{}\n"


def test_a_clone_of_the_revision_does_the_work(tmp_path):
    # Without records it ends at once, but from within the clone.
    checkout, out = tmp_path / "checkout", tmp_path / "out"
    subprocess.run(
        ["git", "clone", "--quiet", "--shared", str(ROOT), str(checkout)],
        check=True,
    )
    done = subprocess.run(
        [sys.executable, "-m", "tools.reproduce", f"--output_dir={out}"],
        cwd=checkout,
        capture_output=True,
        text=True,
        timeout=180,
    )

    assert done.returncode == 1
    assert "must hold the records of cifar10" in done.stderr
    (clone,) = (out / "code").iterdir()
    head = run_python(
        "-c",
        "import subprocess; print(subprocess.run(['git', 'rev-parse', 'HEAD'],"
        f"cwd={str(checkout)!r}, capture_output=True, text=True).stdout)",
    ).stdout.strip()
    assert head.startswith(clone.name)
    assert (clone / "tools" / "reproduce.py").exists()


def test_results_in_docs_are_of_rows_of_the_table():
    rows = {row.name: row for row in reproduce.ROWS}
    folder = pathlib.Path(ROOT) / "docs" / "results" / "reproduction"

    for path in folder.glob("*.json"):
        found = json.loads(path.read_text())
        row = rows[found["row"]]
        assert path.stem == found["name"]
        assert found["config"] == row.config
        assert importlib.import_module(
            row.config.removesuffix(".py").replace("/", ".")
        )
