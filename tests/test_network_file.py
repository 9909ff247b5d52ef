"""Runs whose network is a file of the 2012 program."""

import dataclasses

import numpy as np
import pytest
import runs
from convnet_files import original
from data_sets import make_records

import alexnet_tf
from alexnet_tf import config as config_lib
from alexnet_tf import summary
from alexnet_tf.config import Config
from alexnet_tf.experiment import experiment

NARROW = {"conv": (16, 16, 16, 16, 16), "dense": 16, "classes": 3}
EARLY = NARROW | {"low_resolution": True, "contrast": "cnorm"}


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("records")
    make_records(folder, image_size=80)
    return folder


def make_config(folder, data_dir):
    """Returns the config of two steps, and writes its network's files."""
    config = Config(network_file=str(original(**EARLY).save(folder)))
    config.data.directory = str(data_dir)
    config.data.crop_size = 72
    config.data.batch_size = 4
    config.training.total_steps = 2
    return config


@pytest.fixture
def config(tmp_path, data_dir):
    return make_config(tmp_path, data_dir)


@pytest.fixture(scope="module")
def trained(tmp_path_factory, data_dir):
    """A workdir whose network's files are gone."""
    folder = tmp_path_factory.mktemp("trained")
    runs.train(make_config(folder, data_dir), folder / "run")
    for path in folder.glob("*.cfg"):
        path.unlink()
    return folder / "run"


def test_workdir_needs_its_networks_files_no_more(trained):
    run = experiment.open_workdir(trained)
    model, step = run.load()

    assert step == 2
    assert run.config.network_name == "layers-test"
    assert model.get_layer("conv2").side_kernels[0].shape == (5, 5, 3, 32)
    assert np.isfinite(model(np.zeros((1, 72, 72, 3)))).all()


def test_run_goes_on_with_the_same_file_only(trained, config, tmp_path):
    # The same text, wherever it is now.
    runs.open_new(config, trained)
    path = tmp_path / "layer-params-test.cfg"
    path.write_text(path.read_text().replace("scale=0.0001", "scale=0.001"))

    with pytest.raises(ValueError, match="with the network of .* as it was"):
        runs.open_new(config, trained)


def test_rates_are_the_files_if_asked_for(config):
    kept = dataclasses.replace(config).settled()
    assert kept.optimizer == config.optimizer
    config.optimizer.schedule = "file"

    settled = config.settled()

    config.validate()
    assert settled.optimizer.schedule == "constant"
    assert settled.optimizer.bias_schedule == "constant"
    assert settled.optimizer.bias_learning_rate == 0.02
    assert not settled.optimizer.bias_decay
    again = config_lib.from_dict(config_lib.to_dict(settled))
    assert again == settled


def test_file_that_trains_nothing_is_refused(config, tmp_path):
    path = tmp_path / "layer-params-test.cfg"
    text = path.read_text().replace("epsW=0.01", "epsW=0")
    path.write_text(text.replace("0.01", "0").replace("epsB=0.02", "epsB=0"))
    config.optimizer.schedule = "file"

    with pytest.raises(ValueError, match="must leave a layer to train"):
        config.validate()


def test_rates_of_no_file_are_refused():
    config = Config()
    config.optimizer.schedule = "file"

    with pytest.raises(ValueError, match="schedule=file needs a file"):
        config.validate()


def test_files_layers_can_be_left_out_and_changed(config):
    config.without = "contrast2"
    config.changes = "norm1.alpha=0.1"

    layers = {layer.name: layer for layer in config.make_network().layers}

    assert "contrast2" not in layers
    assert layers["norm1"].alpha == 0.1


def test_dry_run_shows_the_files_network(config):
    table = summary.dry_run(config)

    assert table.startswith("layers-test: crops of 72 pixels, 3 classes (tiny)")
    assert "low_resolution_to_conv2" in table


def test_dry_run_without_data_has_the_files_classes(config):
    config.data.directory = ""
    config.data.crop_size = 224

    table = summary.dry_run(config)

    count = config.definition().parameters
    assert table.startswith("layers-test: crops of 224 pixels, 3 classes (the ")
    assert f"  {count:,}  " in table.splitlines()[-1]


def test_early_network_computes_in_half_precision(config):
    model = alexnet_tf.build(
        config.make_network(), 3, image_size=72, precision="mixed_bfloat16"
    )

    assert np.isfinite(
        np.asarray(model(np.ones((1, 72, 72, 3))), "float32")
    ).all()


def test_missing_file_is_named():
    with pytest.raises(FileNotFoundError, match="layers-9.cfg must be a file"):
        Config(network_file="layers-9.cfg").validate()
