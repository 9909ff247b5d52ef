"""A run that begins with weights from elsewhere."""

import numpy as np
import pytest
import weight_files as wf
from runs import make_config, open_new, small_network, train

import alexnet_tf
from alexnet_tf import networks, weights
from alexnet_tf.experiment import initialize, pretrained
from alexnet_tf.weights.pretrained import Pretrained

__all__ = ["small_network"]
NETWORK = networks.Network(
    image_size=40,
    towers=2,
    layers=(
        networks.Conv("conv1", 8, 11, 4, (0, 3), stddev=0.01),
        networks.MaxPool("pool1"),
        networks.Dense("fc7", 16, stddev="he"),
        networks.Dense("fc8", stddev=0.1),
    ),
)


def _found(num_classes=5, network=NETWORK, seed=1):
    model = alexnet_tf.build(network, num_classes, seed=seed)
    names = [f"class {i}" for i in range(num_classes)]
    mean = np.full((40, 40, 3), 99.0)
    arrays = weights.to_arrays(model)
    return Pretrained(network, arrays, names, names, mean, 40, 40)


def test_equal_layers_are_copied_and_the_head_of_other_classes_is_new():
    found = _found(num_classes=5)
    model = alexnet_tf.build(NETWORK, 3, seed=2)
    before = weights.to_arrays(model)

    copied, new = initialize.set_weights(model, found)

    after = weights.to_arrays(model)
    assert (copied, new) == (["conv1", "fc7"], ["fc8"])
    np.testing.assert_array_equal(
        after["conv1/kernel"], found.arrays["conv1/kernel"]
    )
    np.testing.assert_array_equal(after["fc8/kernel"], before["fc8/kernel"])


def test_head_of_as_many_classes_is_copied_unless_skipped():
    found = _found(num_classes=3)

    assert initialize.set_weights(alexnet_tf.build(NETWORK, 3), found)[1] == []
    copied, new = initialize.set_weights(
        alexnet_tf.build(NETWORK, 3), found, ("fc8", "fc7")
    )

    assert (copied, new) == (["conv1"], ["fc7", "fc8"])


def test_new_layers_are_new_and_lost_ones_are_left():
    """The chain's conv6, and its Fall 2011 head."""
    longer = NETWORK.insert_behind(
        "pool1", networks.Conv("conv2", 8, 3, padding=1, reads="all towers")
    )

    assert initialize.set_weights(alexnet_tf.build(longer, 5), _found())[1] == [
        "conv2"
    ]
    found = _found(network=longer)
    assert initialize.set_weights(alexnet_tf.build(NETWORK, 5), found)[1] == []


def test_other_shapes_are_refused_with_the_remedy():
    wider = alexnet_tf.build(NETWORK.replace("fc7", units=12), 5)
    before = weights.to_arrays(wider)

    with pytest.raises(ValueError, match="fc7/kernel has shape .*init_skip="):
        initialize.set_weights(wider, _found())
    with pytest.raises(ValueError, match="must share a layer"):
        initialize.set_weights(wider, _found(), ("conv1", "fc7", "fc8"))

    for name, array in weights.to_arrays(wider).items():
        np.testing.assert_array_equal(array, before[name])


@pytest.mark.slow
def test_run_takes_weights_and_mean_of_another_with_other_classes(
    tiny_data_dir, tmp_path, monkeypatch
):
    first = make_config(tiny_data_dir)
    train(first, tmp_path / "first")
    monkeypatch.setattr(
        pretrained, "from_experiment", _with_other_head(tmp_path)
    )
    config = make_config(tiny_data_dir)
    config.init_from = str(tmp_path / "first")
    config.training.total_steps = 1
    config.optimizer.learning_rate = 1e-9

    train(config, tmp_path / "second")

    theirs = weights.to_arrays(alexnet_tf.load(tmp_path / "first"))
    ours = weights.to_arrays(alexnet_tf.load(tmp_path / "second"))
    np.testing.assert_allclose(
        ours["fc7/kernel"], theirs["fc7/kernel"], atol=1e-6
    )
    statistics = np.load(tmp_path / "second" / "statistics.npz")
    assert np.all(statistics["mean_image"] == 77)


def _with_other_head(tmp_path):
    """Returns what reads a workdir as if it had two classes more."""
    read = pretrained.from_experiment

    def from_experiment(run, checkpoint):
        found = read(run, checkpoint)
        arrays = dict(found.arrays)
        for name in ("fc8/kernel", "fc8/bias"):
            wide = [(0, 0)] * (arrays[name].ndim - 1) + [(0, 2)]
            arrays[name] = np.pad(arrays[name], wide)
        names = [*found.class_names, "one", "two"]
        return Pretrained(
            found.network,
            arrays,
            names,
            names,
            np.full_like(found.mean_image, 77),
            found.crop_size,
        )

    return from_experiment


def test_mean_may_be_that_of_the_data(tiny_data_dir, tmp_path):
    train(make_config(tiny_data_dir), tmp_path / "first")
    config = make_config(tiny_data_dir)
    config.init_from = str(tmp_path / "first")
    config.init_mean = "data"

    run = open_new(config, tmp_path / "second")

    np.testing.assert_array_equal(
        run.statistics.mean_image, run.source.load_statistics().mean_image
    )
    config.init_mean = "nobody"
    with pytest.raises(ValueError, match="init_mean must be source or data"):
        open_new(config, tmp_path / "third")


def test_refused_source_leaves_no_run(tiny_data_dir, tmp_path):
    config = make_config(tiny_data_dir)
    for path, error in (
        (tmp_path / "nowhere", FileNotFoundError),
        (tmp_path / "damaged.pth", ValueError),
    ):
        config.init_from = str(path)
        (tmp_path / "damaged.pth").write_bytes(b"\x80\x02}q.")

        with pytest.raises(error):
            open_new(config, tmp_path / "run")

        assert not (tmp_path / "run" / "config.json").exists()
    config.init_from, config.init_skip = "", "fc9"
    with pytest.raises(ValueError, match="init_skip must name layers"):
        open_new(config, tmp_path / "run")


def test_mean_of_another_size_is_brought_to_that_of_the_data():
    from input_pipeline.statistics import Accumulator

    sums = Accumulator(16)
    sums.add(np.zeros((16, 16, 3), np.uint8))
    found = _found()

    statistics = initialize.with_mean_of(sums.finish(), found)

    assert statistics.mean_image.shape == (16, 16, 3)
    np.testing.assert_allclose(statistics.mean_image, 99)
    np.testing.assert_allclose(statistics.mean_rgb, 99)


def test_published_file_begins_a_run(tmp_path):
    path = tmp_path / "any.pth"
    wf.torch_zip(path, wf.state_dict(wf.draw(wf.TORCH_SHAPES)))
    found = pretrained.read(path)
    model = alexnet_tf.build(found.network, 3)

    copied, new = initialize.set_weights(model, found)

    assert new == ["fc8"]
    assert copied == [f"conv{i}" for i in range(1, 6)] + ["fc6", "fc7"]
