"""The hand's program, beside a job in a process of its own."""

import subprocess
import sys

import programs
import pytest

from alexnet_tf.training import control

_JOB = """
import sys, time
from alexnet_tf.training import control
from alexnet_tf.training.summaries import SummaryWriter
with control.lock(sys.argv[1]):
    writer = SummaryWriter(sys.argv[1], 0, lambda step: step / 10)
    print("ready", flush=True)
    requests = control.Requests(sys.argv[1])
    until = time.monotonic() + 60
    while time.monotonic() < until:
        found = requests.next()
        if found:
            writer.event(7, found[1]["command"], request=found[0], after=0.001)
            requests.done(found[0])
        time.sleep(0.02)
"""


@pytest.fixture
def workdir(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    return tmp_path


@pytest.mark.slow
def test_waits_until_the_job_has_acted(workdir):
    job = subprocess.Popen(
        [sys.executable, "-c", _JOB, workdir],
        cwd=programs.ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert job.stdout.readline() == "ready\n"
        done = programs.run("control", f"--workdir={workdir}", "drop")
        assert done.stdout == "drop: done at step 7, rate 0.001\n"
        done = programs.run("control", f"--workdir={workdir}", "status")
        assert f"job: process {job.pid} on" in done.stdout
        assert "step 7: drop after 0.001" in done.stdout
    finally:
        job.kill()
        job.communicate()


def test_says_that_nobody_is_at_work(workdir):
    done = programs.run("control", f"--workdir={workdir}", "stop", status=1)
    assert "A job must be at work" in done.stderr

    done = programs.run("control", f"--workdir={workdir}", "status")
    assert done.stdout == "job: none at work\n"


@pytest.mark.parametrize(
    "words", [[], ["fly"], ["set"], ["set", "fast"], ["drop", "0.1"]]
)
def test_wrong_words_are_wrong_usage(workdir, words):
    programs.run("control", f"--workdir={workdir}", *words, status=2)


def test_takes_a_request_back_that_nobody_answers(workdir):
    with control.lock(workdir):
        done = programs.run(
            "control", f"--workdir={workdir}", "--timeout=0.5", "save", status=1
        )

    assert "was taken back" in done.stderr
    assert not list((workdir / "control").iterdir())
