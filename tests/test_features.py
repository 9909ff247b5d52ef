"""Features of a split, and exact neighbours."""

import contextlib
import types
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from PIL import Image
from runs import NETWORK
from tensorboard.plugins.projector import ProjectorConfig

import alexnet_tf
from alexnet_tf import networks
from alexnet_tf.analysis import features, projector


def _brute(queries, base, count):
    """Returns what two loops in float64 find."""
    distances = np.array(
        [
            [
                np.sqrt(np.sum((np.float64(q) - np.float64(b)) ** 2))
                for b in base
            ]
            for q in queries
        ]
    )
    order = np.argsort(distances, axis=1, kind="stable")[:, :count]
    return order, np.take_along_axis(distances, order, axis=1)


@pytest.mark.parametrize("block", [7, 50, 8192])
def test_neighbours_are_those_of_two_loops(monkeypatch, block):
    monkeypatch.setattr(features, "_BLOCK", block)
    rng = np.random.default_rng(0)
    base = rng.normal(5, 1, (50, 16)).astype(np.float32)
    base[30] = base[3]  # of equal distances the earlier one comes first
    queries = np.vstack([base[3:4] + 0.01, rng.normal(5, 1, (4, 16))])

    places, distances = features.nearest(queries, base, 6)

    expected, far = _brute(queries.astype(np.float32), base, 6)
    np.testing.assert_array_equal(places, expected)
    np.testing.assert_allclose(distances, far, rtol=1e-9)
    assert list(places[0, :2]) == [3, 30]


def test_refuses_more_neighbours_than_rows():
    with pytest.raises(ValueError, match="as many rows as neighbours"):
        features.nearest(np.ones((1, 4)), np.ones((3, 4)), 6)


def _dataset(count):
    images = np.random.default_rng(0).normal(0, 50, (count, 112, 112, 3))
    names = [f"{i}.JPEG" for i in range(count)]
    return tf.data.Dataset.from_tensor_slices(
        (images.astype(np.float32), np.arange(count), names)
    ).batch(3)


def test_features_are_fc7_rectified_and_map_into_memory(tmp_path):
    model = alexnet_tf.build(networks.DEMO, 10)
    path = tmp_path / "features" / "train.npy"

    found = features.write(path, features.make_extractor(model), _dataset(7), 7)

    assert isinstance(found, np.memmap)
    images = np.concatenate([x.numpy() for x, _, _ in _dataset(7)])
    expected = alexnet_tf.feature_extractor(model, "fc7")(images)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    assert found.min() == 0
    with np.load(path.with_suffix(".npz")) as beside:
        assert list(beside["file_names"][:2]) == ["0.JPEG", "1.JPEG"]
    assert not list(path.parent.glob(".*"))


@pytest.mark.parametrize("count", [6, 8])
def test_a_split_of_another_size_leaves_no_file(tmp_path, count):
    extract = features.make_extractor(alexnet_tf.build(networks.DEMO, 10))

    with pytest.raises(ValueError, match="must have . images"):
        features.write(tmp_path / "x.npy", extract, _dataset(7), count)

    assert not list(tmp_path.iterdir())


def test_projector_files_have_a_line_and_a_tile_for_each_image(tmp_path):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (5, 20, 20, 3), dtype=np.uint8)
    labels = np.array([0, 1, 1, 0, 1])

    projector.write(
        tmp_path, np.eye(5, 3), images, labels, ["cat, felis", "dog"]
    )

    rows = np.loadtxt(tmp_path / "features.tsv", delimiter="\t")
    np.testing.assert_array_equal(rows, np.eye(5, 3))
    names = (tmp_path / "classes.tsv").read_text().splitlines()
    assert names == ["cat", "dog", "dog", "cat", "dog"]
    # Three a row, 48 pixels a side, without gaps.
    assert Image.open(tmp_path / "sprite.png").size == (144, 96)
    text = (tmp_path / "projector_config.pbtxt").read_text()
    config = text_format.Parse(text, ProjectorConfig())
    assert config.embeddings[0].sprite.single_image_dim == [48, 48]


def test_projector_refuses_more_than_a_sprite_holds(tmp_path):
    with pytest.raises(ValueError, match="at most 28900 images"):
        projector.write(tmp_path, None, range(170**2 + 1), None, None)


def test_a_mapped_file_gives_its_memory_back(tmp_path, monkeypatch):
    monkeypatch.setattr(features, "_BLOCK", 1000)
    rows = np.zeros((40_000, 1024), np.float32)
    rows[:, 0] = np.arange(40_000)
    np.save(tmp_path / "rows.npy", rows)
    mapped = np.load(tmp_path / "rows.npy", mmap_mode="r")

    places, _ = features.nearest(rows[[7, 39_999]], mapped, 1)

    np.testing.assert_array_equal(places, [[7], [39_999]])
    status = Path("/proc/self/smaps").read_text()
    lines = status[status.index("rows.npy") :].splitlines()
    resident = next(line for line in lines if line.startswith("Rss:"))
    # Of 160 MB.
    assert int(resident.split()[1]) < 20_000


def test_features_of_other_weights_are_written_anew(tmp_path, monkeypatch):
    model = alexnet_tf.build(NETWORK, 6, seed=0)
    other = alexnet_tf.build(NETWORK, 6, seed=1)
    images = tf.random.stateless_normal((4, 40, 40, 3), (1, 2), 0, 60)
    names = tf.constant(["a", "b", "c", "d"])
    run = types.SimpleNamespace(
        workdir=tmp_path,
        whole_positions=lambda split: np.arange(4),
        make_eval_dataset=lambda *args, **kwargs: [
            (images, tf.range(4), names)
        ],
    )
    bar = contextlib.nullcontext

    first, _, _ = features.load_or_compute(
        run, model, 7, "train", lambda n: bar()
    )
    first = np.array(first)
    monkeypatch.setattr(run, "make_eval_dataset", None)
    again, labels, _ = features.load_or_compute(
        run, model, 7, "train", lambda n: bar()
    )
    np.testing.assert_array_equal(again, first)
    np.testing.assert_array_equal(labels, range(4))
    monkeypatch.undo()

    second, _, _ = features.load_or_compute(
        run, other, 7, "train", lambda n: bar()
    )

    assert np.abs(second - first).max() > 1e-3


def _by_hand(queries, base, count):
    """Returns the nearest rows by every difference, ties by row."""
    found = []
    for query in queries.astype(np.float64):
        squares = np.square(base.astype(np.float64) - query).sum(axis=1)
        found.append(np.lexsort((np.arange(len(base)), squares))[:count])
    return np.array(found)


def test_neighbours_are_exact_where_distances_are_small(monkeypatch):
    monkeypatch.setattr(features, "_BLOCK", 100)
    monkeypatch.setattr(features, "_QUERIES", 7)
    rng = np.random.default_rng(0)
    # Far from the origin and close to each other: float32 products lose them.
    base = (1000 + 0.01 * rng.normal(size=(512, 64))).astype(np.float32)
    queries = (1000 + 0.01 * rng.normal(size=(20, 64))).astype(np.float32)

    positions, distances = features.nearest(queries, base, 6)

    np.testing.assert_array_equal(positions, _by_hand(queries, base, 6))
    assert np.all(np.diff(distances, axis=1) >= 0)


def test_equal_neighbours_come_by_row(monkeypatch):
    monkeypatch.setattr(features, "_BLOCK", 8)
    base = np.repeat(np.eye(3, 4, dtype=np.float32), 20, axis=0)

    positions, distances = features.nearest(base[[25]], base, 15)

    assert positions[0].tolist() == list(range(20, 35))
    assert not distances.any()


def test_rows_whose_labels_are_not_written_are_nobodys(tmp_path, monkeypatch):
    """A kill between the two files leaves no old rows under new labels."""
    path = tmp_path / "rows.npy"
    dataset = tf.data.Dataset.from_tensor_slices(
        (np.eye(4, dtype=np.float32), np.arange(4), np.array(["x"] * 4))
    ).batch(2)
    features.write(path, tf.identity, dataset, 4, weights="old")

    def killed(*arguments, **arrays):
        raise KeyboardInterrupt

    monkeypatch.setattr(features.files, "write_arrays", killed)
    with pytest.raises(KeyboardInterrupt):
        features.write(path, lambda x: 2 * x, dataset, 4, weights="new")

    assert not path.with_suffix(".npz").exists()
