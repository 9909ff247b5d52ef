"""Programs of the queue: pauses, ends, and who has the machine."""

import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

import pytest

from alexnet_tf.reproduction import process, turns

# Writes a line every 20 ms.
COUNTER = (
    "import time\n"
    "for number in range(10**6):\n"
    "    print(number, flush=True)\n"
    "    time.sleep(0.02)\n"
)


@pytest.fixture(autouse=True)
def own_locks(monkeypatch, tmp_path):
    """Keeps tests and a real queue out of each other's way."""
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))


def wait_for(condition, seconds=20):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def start(tmp_path, turn, source=COUNTER):
    """Runs a program in a thread; returns it, its log and its statuses."""
    log = tmp_path / "log"
    program = process.Process([sys.executable, "-c", source], ".", log, turn)
    statuses = []
    thread = threading.Thread(
        target=lambda: statuses.append(program.run(lambda: None))
    )
    thread.start()
    wait_for(lambda: log.exists() and log.stat().st_size)
    return program, log, statuses, thread


def test_the_status_and_the_time_of_a_program(tmp_path):
    with turns.Turn() as turn:
        program = process.Process(
            [sys.executable, "-c", "raise SystemExit(7)"],
            tmp_path,
            tmp_path / "log",
            turn,
        )

        assert program.run(lambda: None) == 7
    assert 0 < program.seconds < 30


def test_a_benchmark_halts_the_program_until_it_is_over(tmp_path):
    with turns.Turn() as turn:
        program, log, statuses, thread = start(tmp_path, turn)

        with turns.benchmark():
            size, seconds = log.stat().st_size, program.seconds
            time.sleep(1.2)
            assert (log.stat().st_size, program.seconds) == (size, seconds)
        wait_for(lambda: log.stat().st_size > size)

        program.stop()
        thread.join(20)
    assert statuses == [-signal.SIGTERM]


def test_no_program_begins_during_a_benchmark(tmp_path):
    with turns.Turn() as turn, turns.benchmark():
        assert turn.is_wanted()
        assert not turn.take()
        program = process.Process(["false"], ".", tmp_path / "log", turn)
        program.stop()
        assert program.run(lambda: None) == -signal.SIGTERM
    assert not (tmp_path / "log").exists()


def test_a_halted_program_can_be_stopped(tmp_path):
    with turns.Turn() as turn:
        program, log, statuses, thread = start(tmp_path, turn)
        with turns.benchmark():
            program.stop()
            thread.join(20)

    assert statuses == [-signal.SIGTERM]


def test_a_program_ends_with_a_queue_that_is_killed(tmp_path):
    source = (
        "import sys\n"
        "from alexnet_tf.reproduction import process, turns\n"
        f"command = [sys.executable, '-c', {COUNTER!r}]\n"
        "with turns.Turn() as turn:\n"
        f"    process.Process(command, '.', {str(tmp_path / 'log')!r}, turn)"
        ".run(lambda: None)\n"
    )
    log = tmp_path / "log"
    queue = subprocess.Popen(
        [sys.executable, "-c", source],
        cwd=pathlib.Path(__file__).parent.parent,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    wait_for(lambda: log.exists() and log.stat().st_size, 60)

    queue.kill()
    queue.wait()

    time.sleep(0.3)
    size = log.stat().st_size
    time.sleep(0.3)
    assert log.stat().st_size == size


def test_programs_have_the_lowest_priority(tmp_path):
    source = (
        "import os, pathlib\n"
        "group = pathlib.Path('/proc/self/autogroup')\n"
        "print(os.nice(0), group.read_text() if group.exists() else '')\n"
    )
    log = tmp_path / "log"
    with turns.Turn() as turn:
        command = [sys.executable, "-c", source]
        status = process.Process(command, ".", log, turn).run(lambda: None)

    words = log.read_text().split()
    assert (status, words[0]) == (0, "19")
    # The kernel's word for the priority of the whole session.
    assert len(words) == 1 or words[-2:] == ["nice", "19"]
