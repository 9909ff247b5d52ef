"""Hosts and replicas of towers, as real processes on this machine."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import programs
import pytest
from runs import NETWORK, small_network

import alexnet_tf
from alexnet_tf import networks, weights

__all__ = ["small_network"]

HERE = pathlib.Path(__file__).parent
STEPS = "20"
_WITH_DROPOUT = ("one_device", STEPS, "", "1", "0", "1")
_SLOWLY = ("one_device", STEPS, "", "1", "0.1", "1")


def _start(data, workdir, *arguments, cluster=None, index=0):
    """Starts a worker process."""
    environment = dict(os.environ)
    environment["PYTHONPATH"] = os.pathsep.join([str(HERE), str(HERE.parent)])
    environment.pop("TF_CONFIG", None)
    if cluster:
        environment["TF_CONFIG"] = json.dumps(
            {
                "cluster": {"worker": cluster},
                "task": {"type": "worker", "index": index},
            }
        )
    return subprocess.Popen(
        [sys.executable, HERE / "cluster_worker.py", data, workdir, *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _finish(process):
    """Waits for a worker and returns its output."""
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors[-3000:]
    return output


def _free_addresses(count):
    """Returns addresses on loopback that nobody uses."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return [f"127.0.0.1:{port}" for port in ports]


def _assert_near(workdir, alone, monkeypatch):
    """Fails where a run's weights are not those of one device."""
    expected = _weights(alone, monkeypatch)
    for name, array in _weights(workdir, monkeypatch).items():
        np.testing.assert_allclose(
            array, expected[name], atol=1e-5, err_msg=name
        )


def _weights(workdir, monkeypatch):
    still = NETWORK.without("drop7")
    monkeypatch.setattr(networks, "SMALL", still)
    return weights.to_arrays(alexnet_tf.load(workdir))


@pytest.fixture(scope="module")
def alone(tiny_data_dir, tmp_path_factory):
    """The workdir of one process on one device."""
    workdir = tmp_path_factory.mktemp("alone")
    _finish(_start(tiny_data_dir, workdir, "one_device", STEPS))
    return workdir


@pytest.mark.slow
@pytest.mark.parametrize(
    ("devices", "virtual"),
    [
        ("CPU:0,CPU:1,CPU:2,CPU:3", "4"),  # two replicas of two towers
        ("", "4"),  # four replicas
    ],
)
def test_replicas_of_towers_end_with_the_same_weights(
    tiny_data_dir, tmp_path, alone, monkeypatch, devices, virtual
):
    _finish(
        _start(tiny_data_dir, tmp_path, "mirrored", STEPS, devices, virtual)
    )

    _assert_near(tmp_path, alone, monkeypatch)


@pytest.mark.slow
def test_two_hosts_train_as_one_and_survive_the_death_of_one(
    tiny_data_dir, tmp_path, alone, monkeypatch
):
    def start(pause):
        cluster = _free_addresses(2)
        return [
            _start(
                tiny_data_dir,
                tmp_path,
                "multi_worker",
                STEPS,
                "",
                "1",
                pause,
                cluster=cluster,
                index=i,
            )
            for i in range(2)
        ]

    first, second = start("0.5")
    for _ in range(8):
        assert second.stdout.readline() == "step\n", second.stderr.read()
    second.send_signal(signal.SIGKILL)
    second.communicate()
    # The other ends by itself, with an error and not with success.
    _, errors = first.communicate(timeout=60)
    assert first.returncode != 0
    assert "All hosts must answer until the end" in errors
    saved = [int(f.name) for f in (tmp_path / "checkpoints").glob("[0-9]*")]
    assert saved
    assert max(saved) < int(STEPS)

    losses = [_finish(p).splitlines()[-1] for p in start("0")]

    assert losses[0] == losses[1]
    events = (tmp_path / "events.jsonl").read_text().splitlines()
    resumed = [e for e in map(json.loads, events) if e["what"] == "resume"]
    assert resumed
    assert resumed[-1]["step"] == max(saved)
    _assert_near(tmp_path, alone, monkeypatch)


@pytest.mark.slow
def test_hosts_that_differ_are_refused(tiny_data_dir, tmp_path):
    cluster = _free_addresses(2)
    hosts = [
        _start(
            tiny_data_dir,
            tmp_path,
            *("multi_worker", STEPS, "", "1", "0", "", str(seed)),
            cluster=cluster,
            index=seed,
        )
        for seed in range(2)
    ]

    for host in hosts:
        _, errors = host.communicate(timeout=120)
        assert host.returncode != 0
        assert "host 1 differs from host 0" in errors
    assert not list((tmp_path / "checkpoints").glob("[0-9]*"))


@pytest.mark.slow
def test_killed_five_times_at_random_it_ends_bit_identical(
    tiny_data_dir, tmp_path
):
    _finish(
        _start(
            tiny_data_dir,
            tmp_path / "whole",
            "one_device",
            STEPS,
            "",
            "1",
            "0",
            "1",
        )
    )
    # Early, late, between checkpoints or in the midst of one: by the clock.
    pauses = np.random.default_rng().uniform(0.0, 0.4, 5)
    for pause in pauses:
        process = _start(
            tiny_data_dir,
            tmp_path / "cut",
            "one_device",
            STEPS,
            "",
            "1",
            "0.1",
            "1",
        )
        assert process.stdout.readline() == "step\n"
        time.sleep(pause)
        process.kill()
        process.communicate()
    output = _finish(
        _start(
            tiny_data_dir,
            tmp_path / "cut",
            "one_device",
            STEPS,
            "",
            "1",
            "0",
            "1",
        )
    )
    assert 0 < output.count("step") <= int(STEPS)

    last = f"checkpoints/{int(STEPS):08d}"
    for name in ("weights", "velocities"):
        with (
            np.load(tmp_path / "whole" / last / f"{name}.npz") as expected,
            np.load(tmp_path / "cut" / last / f"{name}.npz") as found,
        ):
            for key in expected.files:
                np.testing.assert_array_equal(found[key], expected[key])


@pytest.mark.slow
def test_sigterm_saves_and_ends_within_seconds(tiny_data_dir, tmp_path):
    process = _start(
        tiny_data_dir, tmp_path, "one_device", STEPS, "", "1", "0.3"
    )
    for _ in range(3):
        process.stdout.readline()

    process.terminate()
    process.communicate(timeout=30)

    assert process.returncode != 0
    events = (tmp_path / "events.jsonl").read_text().splitlines()
    last = json.loads(events[-1])
    assert last["what"] == "interrupted"
    assert (tmp_path / f"checkpoints/{last['step']:08d}").is_dir()


_PLACES = """
import tools
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(
    cpu, [tf.config.LogicalDeviceConfiguration()] * 4
)
import alexnet_tf
from alexnet_tf import networks
from alexnet_tf.training import PaperSGD, strategy
rows = strategy.split_rows(["CPU:0", "CPU:1", "CPU:2", "CPU:3"], 2)
devices = strategy.per_replica(rows)
mirrored = strategy.make_strategy("mirrored", rows)
with mirrored.scope():
    model = alexnet_tf.build(
        networks.DEMO, 10, devices=devices, initialize=False
    )
    rule = PaperSGD()
    rule.build(model.trainable_variables)
layer = model.get_layer("conv2")
for variable in (*layer.kernels, *map(rule.velocity, layer.kernels)):
    copies = variable.value.values
    print(*(copy.device[-5:] for copy in copies))
"""


@pytest.mark.slow
def test_towers_of_replicas_live_where_they_are_told_to():
    done = programs.run_python("-c", _PLACES)

    assert done.returncode == 0, done.stderr
    # The second tower of both replicas has odd numbers; so have velocities.
    assert done.stdout.splitlines() == ["CPU:0 CPU:2", "CPU:1 CPU:3"] * 2
