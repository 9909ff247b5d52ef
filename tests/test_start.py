"""The start of a run: who is refused has changed nothing."""

import os

import pytest
from runs import make_config, open_new, small_network, train

from alexnet_tf.experiment import start
from alexnet_tf.training import control
from input_pipeline import datasets

__all__ = ["small_network"]


@pytest.fixture
def config(tiny_data_dir):
    config = make_config(tiny_data_dir)
    config.training.total_steps = 1
    return config


def _contents(folder):
    """Returns the bytes of every file of a folder, but for its lock."""
    return {
        path.relative_to(folder): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".lock"
    }


def test_a_job_beside_another_changes_nothing(config, tmp_path):
    open_new(config, tmp_path)
    before = _contents(tmp_path)
    config.training.total_steps = 2

    with (
        control.lock(tmp_path),
        pytest.raises(ValueError, match="must have one job at a time"),
    ):
        open_new(config, tmp_path)

    assert _contents(tmp_path) == before


def test_a_job_of_another_run_changes_nothing(config, tmp_path):
    train(config, tmp_path)
    before = _contents(tmp_path)
    config.data.batch_size = 4

    with pytest.raises(ValueError, match="trained with data.batch_size=5"):
        open_new(config, tmp_path)

    assert _contents(tmp_path) == before


def test_the_lock_ends_with_the_run(config, tmp_path):
    with start.begin(config, tmp_path):
        assert f"process {os.getpid()} " in control.lock_owner(tmp_path)
    assert control.lock_owner(tmp_path) is None


def test_a_run_opens_its_data_set_once(config, tmp_path, monkeypatch):
    opened, open_source = [], datasets.open_source

    def count(settings, data_dir=None):
        if not isinstance(data_dir, datasets.Source):
            opened.append(settings.directory)
        return open_source(settings, data_dir)

    monkeypatch.setattr(datasets, "open_source", count)
    train(config, tmp_path)

    assert opened == [config.data.directory]


@pytest.mark.parametrize("split", ["train", "validation"])
def test_refuses_a_data_set_without_a_split(
    config, tmp_path, monkeypatch, split
):
    source = datasets.open_source(config.data)
    del source.info.splits[split]
    monkeypatch.setattr(datasets, "open_source", lambda settings: source)

    with pytest.raises(ValueError, match=f"must hold a {split} split"):
        open_new(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("crop_size", "words"),
    [
        (42, ""),
        (24, "sees 25% of one at a time"),
        (24, "convert with --image_size=27, or --config.data.crop_size=42."),
    ],
)
def test_records_much_larger_than_the_crop_are_warned_of(
    config, tmp_path, caplog, crop_size, words
):
    # The tiny records have 48 pixels.
    config.data.crop_size = crop_size

    open_new(config, tmp_path)

    assert ("much larger than crops" in caplog.text) == bool(words)
    assert words in caplog.text
