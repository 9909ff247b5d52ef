import os
import pathlib
import signal
import subprocess
import sys
import time

import programs
import pytest

from input_pipeline.dataset_info import DatasetInfo
from tests import ilsvrc_miniature as miniature

SIZES = ["--image_size=16", "--train_shards=4", "--validation_shards=2"]


def command(*arguments):
    return [sys.executable, "-m", "tools.build_tfrecords", *arguments]


def run(*arguments, status=0):
    return programs.run("build_tfrecords", *arguments, status=status)


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    return miniature.make(tmp_path_factory.mktemp("archives"))


def flags(archives, output_dir):
    return [f"--ilsvrc_dir={archives}", f"--output_dir={output_dir}", *SIZES]


def test_a_second_run_finds_nothing_to_do(archives, tmp_path):
    first = run(*flags(archives, tmp_path), "--num_processes=2")
    second = run(*flags(archives, tmp_path))
    other = run(
        *flags(archives, tmp_path),
        "--jpeg_quality=90",
        "--resample=area",
        status=1,
    )

    assert "train: 12 images in 4 shards" in first.stdout
    assert first.stdout == second.stdout
    assert "already complete" in second.stderr
    assert "jpeg_quality=95 there and 90 here" in other.stderr
    assert "resample=triangle there and area here" in other.stderr
    assert len(other.stderr.splitlines()) == 1
    assert DatasetInfo.load(tmp_path).name == "ilsvrc2012"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "one of --ilsvrc_dir"),
        (["--ilsvrc_dir=a", "--image_dir=b", "--output_dir=c"], "one of"),
        (["--image_dir=b"], "Give --output_dir"),
        (["--image_dir=b", "--output_dir=c", "--num_processes=0"], "positive"),
        (["--image_dir=b", "--output_dir=c", "--on_error=pray"], "on_error"),
    ],
)
def test_wrong_usage_ends_with_status_two(arguments, words):
    result = run(*arguments, status=2)

    assert words in result.stdout + result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--ilsvrc_dir=lost"], "none at lost"),
        (["--image_dir=lost"], "none at lost"),
        (["--ilsvrc_dir=x", "--validation_fraction=0.5"], "belongs to --image"),
        (["--image_dir=x", "--check_archives"], "belongs to --ilsvrc_dir"),
    ],
)
def test_what_the_user_can_mend_is_one_line(tmp_path, arguments, words):
    result = run(*arguments, f"--output_dir={tmp_path}/out", status=1)

    assert result.stderr.startswith("error: ")
    assert words in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_kill_leaves_no_process_and_no_difference(archives, tmp_path):
    jpeg = miniature.render_jpeg(0, 640, 480)
    many = [(f"n01000001_{i}.JPEG", jpeg) for i in range(400)]
    archives = miniature.make(tmp_path / "in", train={"n01000001": many})
    out, whole = tmp_path / "out", tmp_path / "whole"
    run(*flags(archives, whole), "--num_processes=1")
    with subprocess.Popen(
        command(*flags(archives, out), "--num_processes=2"),
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        deadline = time.monotonic() + 30
        while not list(out.glob("*train*")) and time.monotonic() < deadline:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)

    wait_until_gone(process.pid)
    assert list(out.glob("*train*"))
    assert not (out / "dataset.json").exists()
    run(*flags(archives, out), "--num_processes=2")

    assert {p.name: p.read_bytes() for p in out.iterdir()} == {
        p.name: p.read_bytes() for p in whole.iterdir()
    }


def test_a_killed_worker_is_one_line_that_names_the_file(tmp_path):
    jpeg = miniature.render_jpeg(0, 640, 480)
    many = [(f"n01000001_{i}.JPEG", jpeg) for i in range(600)]
    archives = miniature.make(tmp_path / "in", train={"n01000001": many})
    out = tmp_path / "out"
    with subprocess.Popen(
        command(*flags(archives, out), "--num_processes=2"),
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        deadline = time.monotonic() + 30
        while not list(out.glob(".*train*")) and time.monotonic() < deadline:
            time.sleep(0.005)
        children = f"/proc/{process.pid}/task/{process.pid}/children"
        worker = pathlib.Path(children).read_text().split()[-1]
        os.kill(int(worker), signal.SIGKILL)
        last = process.communicate(timeout=30)[1].splitlines()[-1]

    assert process.returncode == 1
    assert last.startswith("error: The processes must survive")
    assert "img_train.tar: n01000001_" in last


def wait_until_gone(session):
    """Waits until no process of a session runs."""
    deadline = time.monotonic() + 10
    while any(
        is_running(path, session)
        for path in pathlib.Path("/proc").glob("[0-9]*/stat")
    ):
        assert time.monotonic() < deadline, "a worker has outlived its parent"
        time.sleep(0.05)


def is_running(stat, session):
    """Says whether a process is of a session and not a mere entry."""
    try:
        state, _, _, its_session = stat.read_text().rsplit(")")[-1].split()[:4]
    except OSError:
        return False
    return int(its_session) == session and state != "Z"


def test_help_explains_every_flag_with_an_example():
    result = run("--help")

    for name in ("ilsvrc_dir", "image_size", "train_shards", "seed", "name"):
        assert f"--{name}" in result.stdout
