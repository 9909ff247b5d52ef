"""The authors' chain of four trainings: 145, Fall 2009, Fall 2011, 2012."""

import importlib

import numpy as np
import pytest
import runs
from data_sets import make_records
from lineage import CROP_SIZE, narrow

from alexnet_tf import networks
from alexnet_tf.experiment import experiment

pytestmark = pytest.mark.slow

# Name of the config: its data set, and the classes that it has here.
LINKS = {
    "original_2012": ("ilsvrc2012", 3),
    "pretrain_fall2009": ("fall2009", 4),
    "pretrain_fall2011": ("fall2011", 5),
    "finetune_fall2011": ("ilsvrc2012", 3),
}
CONVOLUTIONS = tuple(f"conv{number}" for number in range(1, 7))
# What each link takes from the one before; original-source 6.4.
TAKEN = {
    "pretrain_fall2009": CONVOLUTIONS[:5],
    "pretrain_fall2011": CONVOLUTIONS,
    "finetune_fall2011": (*CONVOLUTIONS, "fc6", "fc7"),
}


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    folder = tmp_path_factory.mktemp("records")
    for name, classes in set(LINKS.values()):
        make_records(
            folder / name, image_size=CROP_SIZE + 8, classes=classes, train=8,
            validation=4,
        )  # fmt: skip
    return folder


@pytest.fixture
def narrow_networks(monkeypatch):
    """Gives the chain's networks four kernels a tower and layer."""
    for name in ("ORIGINAL_2012", "CONV6", "CONV6_FALL_2011"):
        monkeypatch.setattr(networks, name, narrow(getattr(networks, name)))


@pytest.mark.usefixtures("narrow_networks")
def test_the_chain_of_four_runs_from_end_to_end(records, tmp_path):
    before = None
    for seed, (name, (data, classes)) in enumerate(LINKS.items()):
        config = importlib.import_module(f"configs.{name}").get_config()
        config.data.directory = str(records / data)
        config.data.crop_size = CROP_SIZE
        config.data.batch_size = 2
        config.data.same_crop_images = 1
        config.training.total_steps = 1
        # Or fresh layers would begin as those of the link before.
        config.training.seed = seed
        config.init_from = str(tmp_path / before) if before else ""

        runs.train(config, tmp_path / name)

        arrays = load_kernels(tmp_path / name)
        assert arrays["fc8"].shape[-1] == classes
        if before:
            old = load_kernels(tmp_path / before)
            taken = [x for x in arrays if is_near(arrays[x], old.get(x))]
            assert taken == [x for x in arrays if x in TAKEN[name]]
        before = name


def load_kernels(workdir):
    """Returns the kernels of a run by their layers' names."""
    _, arrays = experiment.open_workdir(workdir).load_weights()
    return {
        name.split("/")[0]: array
        for name, array in arrays.items()
        if name.endswith("/kernel")
    }


def is_near(new, old):
    """Returns whether a kernel is another one, moved by a step."""
    if old is None or new.shape != old.shape:
        return False
    return np.linalg.norm(new - old) < 0.2 * np.linalg.norm(old)
