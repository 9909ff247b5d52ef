"""A real dispatcher and two workers on loopback."""

import collections
import contextlib
import dataclasses
import re
import signal
import socket
import subprocess
import sys
import time

import data_sets
import numpy as np
import programs
import pytest
import tensorflow as tf

from input_pipeline import data_service, make_train_dataset
from input_pipeline.data_config import DataConfig

CONFIG = DataConfig(
    batch_size=12,
    crop_size=48,
    random_crops=False,
    mirror=False,
    lighting="none",
)


@contextlib.contextmanager
def _process(*flags):
    """Runs a part of the service; gives the process and its port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tools.data_service", *flags],
        cwd=programs.ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        line = process.stdout.readline()
        yield process, int(re.search(r"at port (\d+)", line)[1])
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@contextlib.contextmanager
def _service():
    """A dispatcher and two workers; gives the address and the workers."""
    with _process("--role=dispatcher") as (_, port):
        worker = ("--role=worker", f"--dispatcher=localhost:{port}")
        with _process(*worker) as (first, _), _process(*worker) as (second, _):
            yield f"grpc://localhost:{port}", (first, second)


@pytest.mark.slow
def test_records_come_equally_often_and_a_loss_is_told(tmp_path, monkeypatch):
    data_sets.make_records(tmp_path / "data", train=24, num_shards=4)
    monkeypatch.setattr(data_service.make_crops, "__defaults__", (6,))
    here = make_train_dataset(tmp_path / "data", CONFIG, 0)
    expected = _count(iter(here), epochs=1)

    with _service() as (address, workers):
        config = dataclasses.replace(CONFIG, service=address)
        batches = iter(make_train_dataset(tmp_path / "data", config, 0))
        counts = _count(batches, epochs=20)
        assert counts.keys() == expected.keys()
        # Draws without any order would deviate by 4.5, and by 10 somewhere.
        assert all(12 <= count <= 28 for count in counts.values())

        # With one worker left it may go on, or say so; it never hangs.
        workers[0].send_signal(signal.SIGKILL)
        told = _wait_for_error(batches, 8)
        workers[1].send_signal(signal.SIGKILL)
        told = told or _wait_for_error(batches, 25)
    assert re.search("data service grpc://localhost.* must send", told)


def _wait_for_error(batches, seconds):
    """Takes batches until one is an error, for so long; returns its words."""
    started = time.monotonic()
    while time.monotonic() < started + seconds:
        try:
            next(batches)
        except tf.errors.OpError as error:
            return str(error)
    return ""


def _count(batches, epochs):
    """Returns how often each image comes in so many times 24."""
    images = np.concatenate([next(batches)[0] for _ in range(2 * epochs)])
    return collections.Counter(image.tobytes() for image in images)


def test_a_silent_source_is_told_in_time():
    def silent():
        yield 1
        time.sleep(30)

    batches = data_service.watched(silent(), "grpc://here:1", 0.2)

    assert next(batches) == 1
    with pytest.raises(ConnectionError, match=r"grpc://here:1 must send a bat"):
        next(batches)


def test_an_error_of_the_service_is_passed_on():
    def broken():
        yield 1
        raise OSError("connection refused\nand more")

    batches = data_service.watched(broken(), "grpc://here:1", 5)

    assert next(batches) == 1
    with pytest.raises(ConnectionError, match=r"Received: connection refused"):
        next(batches)


def test_an_exact_resume_is_refused(tiny_data_dir):
    config = dataclasses.replace(CONFIG, service="grpc://localhost:1")

    with pytest.raises(ValueError, match="cannot go on from a step"):
        make_train_dataset(tiny_data_dir, config, 0, first_step=3)
    with pytest.raises(ValueError, match="serves one host"):
        make_train_dataset(tiny_data_dir, config, 0, num_hosts=2)


def test_a_worker_needs_a_dispatcher():
    done = programs.run("data_service", "--role=worker", status=1)

    assert "A worker needs --dispatcher" in done.stderr


def test_a_worker_does_not_wait_for_ever(monkeypatch):
    from tools import data_service as tool

    monkeypatch.setattr(tool, "_SECONDS_TO_WAIT", 0)
    with socket.socket() as free:
        free.bind(("localhost", 0))
        address = f"localhost:{free.getsockname()[1]}"

    with pytest.raises(ValueError, match=f"must listen at {address}.*refused"):
        tool._wait_for(address)
    with pytest.raises(ValueError, match="must be HOST:PORT. Received: host"):
        tool._wait_for("host")


def test_a_port_in_use_is_one_line():
    with socket.create_server(("", 0)) as taken:
        port = taken.getsockname()[1]

        done = programs.run(
            "data_service", "--role=dispatcher", f"--port={port}", status=1
        )

    words = f"error: --port must be free. Received: {port}, "
    assert done.stderr.startswith(words)
    assert len(done.stderr.splitlines()) == 1
