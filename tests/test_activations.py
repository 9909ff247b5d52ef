"""Activations in a file: what they are, resumed, and what is refused."""

import h5py
import numpy as np
import programs
import pytest
import tensorflow as tf
from PIL import Image
from runs import NETWORK, STEPS, make_config, small_network, train

import alexnet_tf
from alexnet_tf import networks
from alexnet_tf.analysis import activation_file, activations
from alexnet_tf.experiment import experiment

__all__ = ["small_network"]


@pytest.fixture(scope="module")
def model():
    return alexnet_tf.build(NETWORK, 6)


@pytest.fixture(scope="module")
def images():
    return np.float32(np.random.default_rng(0).normal(0, 60, (7, 40, 40, 3)))


def _batches(images, size=3, stop=None):
    """Returns a function to batches; the power goes after some images."""

    def batches(done):
        for start in range(done, len(images), size):
            if stop is not None and start >= stop:
                raise KeyboardInterrupt
            rows = range(start, min(start + size, len(images)))
            names = np.array([f"{row}.jpg".encode() for row in rows])
            yield images[rows.start : rows.stop], np.array(rows), names

    return batches


def test_layers_are_those_of_the_model(model, images, tmp_path):
    layers = ["conv1", "conv1:preactivation", "pool1", "fc7", "fc8"]
    extract = activations.Extractor(model, layers)

    path = activations.write(
        tmp_path / "a.h5", extract, _batches(images), len(images), {}
    )

    found = activations.load(path)
    assert list(found.layers) == sorted(layers)
    for name in layers:
        layer, _, before = name.partition(":")
        expected = alexnet_tf.feature_extractor(model, layer, bool(before))
        assert isinstance(found.layers[name], np.memmap)
        np.testing.assert_allclose(
            found.layers[name], expected(images), rtol=1e-4, atol=1e-4
        )
    assert found.layers["conv1:preactivation"].min() < 0
    assert found.file_names == [f"{row}.jpg" for row in range(7)]
    np.testing.assert_array_equal(found.labels, range(7))
    with h5py.File(path) as file:
        np.testing.assert_array_equal(file["fc8"], found.layers["fc8"])


def test_towers_apart_are_the_halves_on_one_device_and_on_two(images):
    names = ["conv1:preactivation", "fc7", "fc8"]
    one = alexnet_tf.build(NETWORK, 6)
    two = alexnet_tf.build(NETWORK, 6, devices=("CPU:0", "CPU:1"))
    whole = activations.Extractor(one, names)(images)

    for model in (one, two):
        extract = activations.Extractor(model, names, towers=2)
        parts = dict(zip(extract.shapes, extract(images), strict=True))
        assert set(parts) == {
            "conv1:preactivation:tower1",
            "conv1:preactivation:tower2",
            "fc7:tower1",
            "fc7:tower2",
            "fc8",
        }
        for name, merged in zip(names[:2], whole[:2], strict=True):
            both = [parts[f"{name}:tower{tower}"] for tower in (1, 2)]
            np.testing.assert_allclose(
                np.concatenate(both, -1), merged, rtol=1e-4, atol=1e-4
            )
        merged = activations.Extractor(model, names)(images)
        for a, b in zip(merged, whole, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)


def test_what_was_stopped_goes_on(model, images, tmp_path):
    extract = activations.Extractor(model, ["fc7"], dtype="float16")
    path = tmp_path / "a.h5"
    with pytest.raises(KeyboardInterrupt):
        activations.write(path, extract, _batches(images, 2, 4), 7, {"x": 1})
    assert not path.exists()

    begun = []

    def batches(done):
        begun.append(done)
        return _batches(images)(done)

    with pytest.raises(ValueError, match="x 1 and now 2"):
        activations.write(path, extract, batches, 7, {"x": 2})
    activations.write(path, extract, batches, 7, {"x": 1})

    assert begun == [4]
    found = activations.load(path)
    expected = alexnet_tf.feature_extractor(model, "fc7")(images)
    np.testing.assert_allclose(found.layers["fc7"], expected, rtol=2e-3)
    assert found.file_names[-1] == "6.jpg"
    assert [p.name for p in tmp_path.iterdir()] == ["a.h5"]
    with pytest.raises(ValueError, match="must not be there yet"):
        activations.write(path, extract, batches, 7, {"x": 1})


@pytest.mark.parametrize("count", [5, 9])
def test_another_number_of_images_is_refused(model, images, tmp_path, count):
    extract = activations.Extractor(model, ["fc8"])
    with pytest.raises(ValueError, match=f"There must be {count} images"):
        activations.write(
            tmp_path / "a.h5", extract, _batches(images), count, {}
        )
    assert not (tmp_path / "a.h5").exists()


def test_no_room_is_found_at_once(model, images, tmp_path, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(activation_file.os, "posix_fallocate", full)
    extract = activations.Extractor(model, ["all"])
    with pytest.raises(OSError, match="No space left"):
        activations.write(tmp_path / "a.h5", extract, _batches(images), 7, {})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        (["conv9"], "one of conv1, norm1, pool1, fc7, drop7, fc8"),
        (["conv1:before"], "one of conv1, norm1"),
        (["norm1:preactivation"], "with a rectifier"),
        (["fc7", "fc7"], "each once"),
        ([], "Received: none"),
    ],
)
def test_layers_that_are_not_there_are_refused(model, layers, words):
    with pytest.raises(ValueError, match=words):
        activations.Extractor(model, layers)


def test_other_files_are_refused(tmp_path):
    (tmp_path / "a.h5").write_bytes(b"no activations")
    with pytest.raises(ValueError, match="a file of tools.activations"):
        activations.load(tmp_path / "a.h5")
    with pytest.raises(FileNotFoundError, match="There is no"):
        activations.load(tmp_path / "b.h5")


@pytest.fixture(scope="module")
def workdir(tiny_data_dir, tmp_path_factory):
    folder = tmp_path_factory.mktemp("activations") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(networks, "SMALL", NETWORK, raising=False)
        train(make_config(tiny_data_dir), folder)
    return folder


def test_program_writes_a_splits_activations(workdir, tmp_path):
    output = tmp_path / "a.h5"
    done = programs.run(
        "activations",
        f"--workdir={workdir}",
        "--layers=conv1:preactivation,fc7",
        "--per_tower",
        f"--output={output}",
    )

    found = activations.load(output)
    run = experiment.open_workdir(workdir)
    model, _ = run.load()
    seen = run.make_eval_dataset("validation", 1, file_names=True)
    crops = np.concatenate([x.numpy() for x, _, _ in seen])
    expected = alexnet_tf.feature_extractor(model, "fc7")(crops)
    both = [found.layers[f"fc7:tower{tower}"] for tower in (1, 2)]
    np.testing.assert_allclose(
        np.concatenate(both, axis=1), expected, rtol=1e-4, atol=1e-4
    )
    assert found.file_names[0].startswith("validation-")
    assert found.facts["step"] == STEPS
    assert done.stdout.splitlines()[-2:] == [
        "fc7:tower2: 6 x 8, float32",
        str(output),
    ]


def test_program_writes_files_activations(workdir, tmp_path):
    rng = np.random.default_rng(0)
    image = Image.fromarray(rng.integers(0, 256, (60, 50, 3), np.uint8))
    kinds = {"rgb.png": "RGB", "grey.jpg": "L", "cmyk.jpg": "CMYK"}
    for name, mode in kinds.items():
        image.convert(mode).save(tmp_path / name)
    Image.new("RGB", (1, 1), "red").save(tmp_path / "pixel.png")

    programs.run(
        "activations",
        f"--workdir={workdir}",
        f"--output={tmp_path / 'a.h5'}",
        tmp_path,
    )

    found = activations.load(tmp_path / "a.h5")
    files = sorted(str(tmp_path / name) for name in (*kinds, "pixel.png"))
    assert found.file_names == files
    expected = alexnet_tf.load_classifier(workdir).features(files)
    np.testing.assert_allclose(
        found.layers["fc7"], expected, rtol=1e-4, atol=1e-4
    )
    np.testing.assert_array_equal(found.labels, -1)


def test_a_split_goes_on_from_a_record(workdir):
    run = experiment.open_workdir(workdir)

    found = run.make_eval_dataset(
        "validation", 1, file_names=True, first_record=4
    )

    everything = run.make_eval_dataset("validation", 1, file_names=True)
    names = tf.concat([names for _, _, names in everything], 0)
    rest = tf.concat([names for _, _, names in found], 0)
    np.testing.assert_array_equal(rest, names[4:])
