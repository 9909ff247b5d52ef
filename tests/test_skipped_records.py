"""Every program that reads a split does without its damaged records."""

import contextlib
import dataclasses

import data_sets
import numpy as np
import pytest
import simplejpeg
from programs import run
from runs import NETWORK, make_config, small_network, train

from alexnet_tf import networks
from alexnet_tf.analysis import features
from alexnet_tf.experiment import experiment

__all__ = ["small_network"]
_TRAIN, _VALIDATION = 12, 6


def _damage(data_dir, info, split):
    """Flips a bit of the first record of a split: number 0."""
    path = data_dir / info.splits[split].shards[0].file
    contents = bytearray(path.read_bytes())
    contents[200] ^= 1
    path.write_bytes(contents)


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    """A run that skips, whose first record of each split is damaged."""
    folder = tmp_path_factory.mktemp("skipped")
    info = data_sets.make_records(folder / "data")
    config = make_config(folder / "data")
    config.data = dataclasses.replace(config.data, on_error="skip")
    config.training.total_steps = 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(networks, "SMALL", NETWORK, raising=False)
        train(config, folder / "run")
    for split in ("train", "validation"):
        _damage(folder / "data", info, split)
    return folder / "run"


def test_features_are_those_of_the_whole_records(workdir):
    opened = experiment.open_workdir(workdir)
    model, step = opened.load()

    found = features.load_or_compute(
        opened, model, step, "train", lambda total: contextlib.nullcontext()
    )

    assert found.rows.shape == (_TRAIN - 1, 16)
    assert found.positions.tolist() == list(range(1, _TRAIN))
    assert len(found.labels) == _TRAIN - 1


def test_neighbours_are_drawn_from_the_whole_records(workdir, tmp_path):
    query = tmp_path / "query.jpg"
    image = data_sets.square("train", 0, 2, 48)
    query.write_bytes(simplejpeg.encode_jpeg(image, quality=95))

    run(
        "find_similar",
        f"--workdir={workdir}",
        f"--queries={query}",
        "--neighbours=11",
        f"--output={tmp_path / 'similar.png'}",
    )

    assert (tmp_path / "similar.png").exists()


def test_figures_show_the_images_that_were_evaluated(workdir, tmp_path):
    run("evaluate", f"--workdir={workdir}", "--crops=1")

    run(
        "make_figures", f"--workdir={workdir}", f"--output={tmp_path / '4.png'}"
    )
    run(
        "make_figures",
        "--figure=projector",
        f"--workdir={workdir}",
        f"--output={tmp_path}",
    )

    assert (tmp_path / "4.png").exists()
    rows = np.loadtxt(tmp_path / "features.tsv", delimiter="\t")
    assert len(rows) == _VALIDATION - 1
