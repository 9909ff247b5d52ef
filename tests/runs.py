"""Small runs for tests: a network, a config, and power cuts."""

import contextlib
import json

import pytest

from alexnet_tf import networks
from alexnet_tf.config import Config
from alexnet_tf.experiment import start
from alexnet_tf.experiment import train as trainer

NETWORK = networks.Network(
    image_size=40,
    towers=2,
    layers=(
        networks.Conv("conv1", 8, 11, 4, (0, 3), stddev=0.01),
        networks.Norm("norm1"),
        networks.MaxPool("pool1"),
        networks.Dense("fc7", 16, stddev="he"),
        networks.Dropout("drop7"),
        networks.Dense("fc8", stddev=0.1),
    ),
)
STEPS = 9


class PowerCut(BaseException):
    """Nobody catches it, and nothing is saved."""


class Progress:
    """Counts steps, and cuts the power after some of them."""

    def __init__(self, stop_after=None):
        self.stop_after = stop_after
        self.done = 0

    def update(self, steps, facts):
        self.done += steps
        if self.done == self.stop_after:
            raise PowerCut


@pytest.fixture(autouse=True)
def small_network(monkeypatch):
    """Makes the network known by name, as configs want it."""
    monkeypatch.setattr(networks, "SMALL", NETWORK, raising=False)


def make_config(data_dir):
    """Returns the config of nine steps on a tiny data set."""
    config = Config(network="SMALL")
    config.data.directory = str(data_dir)
    config.data.batch_size = 5
    config.data.crop_size = 40
    config.optimizer.schedule = "boundaries"
    config.optimizer.boundaries_epochs = (2.0,)
    config.training.total_steps = STEPS
    config.training.checkpoint_every_steps = 2
    config.training.eval_every_epochs = 1.7
    config.training.log_every_steps = 3
    return config


def train(config, workdir, stop_after=None):
    """Trains; the power goes after some steps, if asked for."""
    return train_with(Progress(stop_after), config, workdir)


def train_with(progress, config, workdir):
    """Trains, with something that hears of every step."""
    with start.begin(config, workdir) as run:
        return trainer.train(
            run, lambda total, initial: contextlib.nullcontext(progress)
        )


def open_new(config, workdir):
    """Returns the experiment of a workdir in which nobody trains any more."""
    with start.begin(config, workdir) as run:
        return run


def read_lines(workdir, name):
    """Returns the lines of metrics.jsonl or events.jsonl."""
    lines = (workdir / f"{name}.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]
