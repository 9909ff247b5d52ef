"""How programs end."""

import errno
import os
import re
import signal
import subprocess
import sys
import time

import pytest
import tensorflow as tf
from programs import ROOT, run, run_python

import alexnet_tf
from alexnet_tf.cli import program
from alexnet_tf.cli.progress import Progress, format_seconds

PROGRAMS = sorted(
    path.stem
    for path in (ROOT / "tools").glob("*.py")
    if "program.run(main, flags)" in path.read_text()
)


def _run_main(body, *arguments):
    """Runs a program that consists of `body`."""
    source = (
        "from alexnet_tf.cli import program\n"
        "flags = program.Flags()\n"
        "flags.DEFINE_integer('count', 1, 'How many, such as 3.')\n"
        f"def main(argv):\n    {body}\n"
        "program.run(main, flags)\n"
    )
    return run_python("-c", source, *arguments)


def test_success_prints_results_and_nothing_else():
    done = _run_main("print(flags.values.count)", "--count=3")

    assert (done.returncode, done.stdout, done.stderr) == (0, "3\n", "")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            "raise ValueError('x must be 1.\\n  Received: 2')",
            "error: x must be 1. Received: 2\n",
        ),
        ("open('/nowhere/at/all')", "error: /nowhere/at/all: No such file"),
        (
            "open('/dev/full', 'wb', 0).write(b'x')",
            "error: No space left on device. Free some space",
        ),
    ],
)
def test_what_the_user_can_mend_is_one_line_and_status_1(body, words):
    done = _run_main(body)

    assert done.returncode == 1
    assert done.stderr.startswith(words)
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_an_interruption_has_a_status_of_its_own():
    done = _run_main("raise KeyboardInterrupt")

    assert done.returncode == program.INTERRUPTED == 75
    assert done.stderr.startswith("error: interrupted. The same command")
    assert done.stderr.count("\n") == 1


def test_a_fault_of_ours_shows_its_traceback():
    done = _run_main("{}['missing']")

    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "KeyError" in done.stderr


@pytest.mark.parametrize(
    "arguments", [["--count=many"], ["--colour=red"], ["stray"]]
)
def test_wrong_usage_is_status_2(arguments):
    done = _run_main("pass", *arguments)

    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_traceback_of_an_error_is_there_for_those_who_ask():
    done = _run_main("raise ValueError('no')", "--verbosity=1")

    assert "Traceback" in done.stderr
    assert done.stderr.endswith("error: no\n")


@pytest.mark.parametrize("name", PROGRAMS)
def test_help_explains_every_flag(name):
    done = run(name, "--help")

    assert done.returncode == 0
    assert done.stderr == ""
    assert f"python -m tools.{name}" in done.stdout or name == "demo"
    source = (ROOT / "tools" / f"{name}.py").read_text()
    shown = done.stdout.replace("[no]", "")
    for flag in re.findall(r'DEFINE_\w+\(\s*"(\w+)"', source):
        assert f"--{flag}" in shown
    own, _, others = done.stdout.partition("\nFlags of every program:\n")
    assert "--verbosity" in others
    assert "--verbosity" not in own


def test_one_process_runs_programs_that_share_names_of_flags():
    first = run("control", "--workdir=one", "status", status=1)
    missing = run("control", "status", status=2)
    other = run("verify_tfrecords", "--data_dir=two", status=1)

    assert first.stderr.startswith("error: one holds no config.json")
    assert missing.stderr.startswith("error: --workdir must be given.")
    assert "two" in other.stderr


WAYS = {
    "module": ["-m", "tools.control"],
    "path": [ROOT / "tools" / "control.py"],
    "installed": ["-m", "alexnet_tf.cli", "control"],
}


@pytest.mark.parametrize("way", WAYS)
def test_all_ways_to_start_are_one_program(way, tmp_path, monkeypatch):
    if way != "path":
        monkeypatch.setenv("PYTHONPATH", str(ROOT))

    refused = run_python(*WAYS[way], "status", "--workdir=x", cwd=tmp_path)

    assert refused.returncode == 1
    assert refused.stderr.startswith("error: x holds no config.json")
    assert refused.stderr.count("\n") == 1


def test_the_benchmark_starts_by_path(tmp_path):
    done = run_python(ROOT / "tools" / "benchmark", "--mode=x", cwd=tmp_path)

    assert done.returncode == 2
    assert done.stderr.startswith("error: flag --mode=x: value should be one")


def test_uninstalled_it_names_the_remedy(tmp_path):
    # -S leaves out what is installed.
    done = run_python("-S", ROOT / "tools" / "train.py", cwd=tmp_path)

    assert done.returncode == 1
    assert done.stderr.startswith("error: absl-py, ")
    assert f"Install with: python3 -m pip install -e {ROOT}\n" in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_installed_command_lists_programs_and_names_the_nearest():
    listed = run_python("-m", "alexnet_tf.cli", "--help")
    wrong = run_python("-m", "alexnet_tf.cli", "trian")

    assert "  train             Trains one experiment" in listed.stdout
    assert "by_path" not in listed.stdout
    assert wrong.returncode == 2
    assert "Did you mean train?" in wrong.stderr


def test_the_version_is_in_one_place():
    told = run_python("-m", "alexnet_tf.cli", "--version")

    assert told.stdout == f"alexnet_tf {alexnet_tf.__version__}\n"
    assert "version=VERSION" in (ROOT / "setup.py").read_text()


# Programs that need no TensorFlow, and those whose processes import them.
LIGHT = (
    "build_tfrecords control demo render_dataset results train verify_tfrecords"
)


def test_light_programs_start_without_tensorflow():
    names = ", ".join(f"tools.{name}" for name in LIGHT.split())
    code = f"import sys, {names}; print('tensorflow' in sys.modules)"

    assert run_python("-c", code).stdout == "False\n"


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (
            "{{function_node __wrapped__SaveV2}} export/1/variables; "
            "No space left on device [Op:SaveV2]",
            "export/1/variables; No space left on device. Free some space "
            "and run the same command again.",
        ),
        (
            "FileNotFoundError: Record 3 of train-0 must be whole. Copy it.\n"
            "Traceback (most recent call last):\n\n  File x\n\n"
            "\t [[{{node PyFunc}}]] [Op:IteratorGetNext]",
            "Record 3 of train-0 must be whole. Copy it.",
        ),
    ],
)
def test_tensorflows_machinery_is_left_out(message, words):
    error = tf.errors.UnknownError(None, None, message)

    assert program.describe(error) == words


def test_full_disk_is_described_with_its_file():
    error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "runs/x")

    words = program.describe(error)

    assert words.startswith("runs/x: No space left on device. Free some")


def test_progress_prints_plain_lines_where_there_is_no_terminal(capsys):
    with Progress("convert", 3, "images") as progress:
        for _ in range(3):
            progress.update(facts="all well")

    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("convert: 3/3 images, ")
    assert shown.err.endswith(", all well\n")


@pytest.mark.parametrize(
    ("seconds", "words"), [(5, "0:05"), (125.4, "2:05"), (3600, "1:00:00")]
)
def test_times_are_written_as_people_do(seconds, words):
    assert format_seconds(seconds) == words


def test_ctrl_c_while_starting_is_one_line():
    process = subprocess.Popen(
        [sys.executable, "-m", "tools.evaluate", "--help"],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    # TensorFlow takes seconds to load; Python itself a few hundredths.
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)

    assert process.returncode == 1
    assert errors == "error: interrupted before anything was begun.\n"
