"""Other people's test sets, in miniature but with their own structure."""

import json

import data_sets
import numpy as np
import programs
import pytest
import simplejpeg
import tensorflow as tf
import tensorflow_datasets as tfds
from runs import NETWORK, make_config, small_network, train

from alexnet_tf import networks, robustness
from alexnet_tf.experiment import experiment
from input_pipeline import dataset_info, ilsvrc2012

__all__ = ["small_network"]
# What the run knows, not in the order of ILSVRC-2012's labels.
_SYNSETS = ["n01484850", "n01440764", "n01443537"]
_LABELS = [
    [synset for synset, _ in ilsvrc2012.classes()].index(synset)
    for synset in _SYNSETS
]


def _prepare(folder, name, examples, split):
    """Prepares images as a set of TFDS's own: its features and its name."""
    base, _, config = name.partition("/")
    theirs = tfds.builder_cls(base)

    class Miniature(theirs, skip_registration=True):
        name = base

        def _split_generators(self, manager):
            return {split: self._generate_examples()}

        def _generate_examples(self):
            yield from enumerate(examples)

    # Metadata of theirs is next to their code.
    Miniature.pkg_dir_path = theirs.pkg_dir_path
    Miniature.get_metadata = theirs.get_metadata
    builder = Miniature(data_dir=folder, config=config or None)
    builder.download_and_prepare()


def _image(label, number, side):
    image = data_sets.square("validation", label, number, side)
    return np.asarray(simplejpeg.decode_jpeg(simplejpeg.encode_jpeg(image)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run of three classes of ImageNet's, and the sets beside it."""
    folder = tmp_path_factory.mktemp("sets")
    info = data_sets.make_records(folder / "data")
    info.synsets = _SYNSETS
    info.splits["test"] = dataset_info.Split(0, [])
    info.save(folder / "data")
    config = make_config(folder / "data")
    config.data.tfds_data_dir = str(folder / "tfds")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(networks, "SMALL", NETWORK, raising=False)
        train(config, folder / "run")
    return folder


def _evaluate(folder, name, *more, status=0):
    return programs.run(
        "evaluate",
        f"--workdir={folder / 'run'}",
        f"--data_dir=tfds:{name}",
        *more,
        status=status,
    )


def _read(path):
    with np.load(path) as found:
        arrays = dict(found)
    return arrays, json.loads(path.with_suffix(".json").read_text())


def _examples(classes, side=48):
    """Returns two images of some of the run's classes, a dict each."""
    return [
        {
            "image": _image(label, number, side),
            "label": _LABELS[label],
            "file_name": f"{label}/{number}.jpg",
        }
        for number in range(2)
        for label in classes
    ]


def test_classes_are_those_of_their_wordnet_ids(folder):
    name = "imagenet_v2/matched-frequency"
    _prepare(folder / "tfds", name, _examples([0, 1, 2]), "test")

    done = _evaluate(folder, name, "--crops=1")

    path = folder / "run" / "predictions" / name.replace("/", "-")
    arrays, result = _read(path / "validation-00000009-1.npz")
    shown = [int(n.split("/")[0]) for n in arrays["file_names"]]
    np.testing.assert_array_equal(arrays["labels"], shown)
    wrong = arrays["probabilities"].argmax(axis=1) != arrays["labels"]
    assert result["top1_error"] == pytest.approx(wrong.mean())
    assert result["protocol"]["data"].startswith("imagenet_v2/matched")
    assert result["protocol"]["rules"] == "Recht et al. 2019"
    assert f"{name}, 6 images" in done.stdout
    # What the run itself has measured stays apart.
    assert not list((folder / "run" / "predictions").glob("*.npz"))


def test_two_hundred_classes_compete_alone(folder):
    _prepare(folder / "tfds", "imagenet_r", _examples([0, 2]), "test")

    _evaluate(folder, "imagenet_r", "--crops=10")

    path = folder / "run" / "predictions" / "imagenet_r"
    arrays, result = _read(path / "validation-00000009-10.npz")
    kept = arrays["probabilities"][:, [0, 2]]
    wrong = kept.argmax(axis=1) != (arrays["labels"] == 2)
    assert result["top1_error"] == pytest.approx(wrong.mean())
    assert result["synsets"] == [_SYNSETS[0], _SYNSETS[2]]


def test_any_of_several_labels_is_right(folder):
    real = [[0, 1, 2], [], [1, 2], [0]]
    examples = [
        {
            "image": example["image"],
            "original_label": example["label"],
            "real_label": [_LABELS[label] for label in labels],
            "file_name": example["file_name"],
        }
        for example, labels in zip(_examples([0, 1]), real, strict=True)
    ]
    _prepare(folder / "tfds", "imagenet2012_real", examples, "validation")

    done = _evaluate(folder, "imagenet2012_real", "--crops=1")

    path = folder / "run" / "predictions" / "imagenet2012_real"
    arrays, result = _read(path / "validation-00000009-1.npz")
    names = [example["file_name"] for example in examples]
    order = [names.index(name) for name in arrays["file_names"]]
    guesses = arrays["probabilities"].argmax(axis=1)
    right = [g in real[i] for g, i in zip(guesses, order, strict=True)]
    assert result["top1_error"] == pytest.approx(1 - sum(right) / 3)
    assert (result["num_images"], result["without_labels"]) == (3, 1)
    assert "3 images with labels" in done.stdout


def _first_crop(folder, name):
    """Returns what the network should see of a set's first image."""
    run = experiment.open_workdir(folder / "run")
    stored = tfds.load(
        name,
        split="validation",
        data_dir=folder / "tfds",
        decoders={"image": tfds.decode.SkipDecoding()},
    )
    jpeg = next(iter(stored))["image"]
    pixels = tf.io.decode_jpeg(jpeg, dct_method="INTEGER_ACCURATE").numpy()
    return pixels - np.float32(run.statistics.mean_image[4:44, 4:44])


def test_corruptions_are_seen_as_stored_and_divided_by_alexnets(
    folder, monkeypatch
):
    theirs = tfds.builder_cls("imagenet2012_corrupted")
    module = __import__(theirs.__module__, fromlist=["_IMAGE_SIZE"])
    monkeypatch.setattr(module, "_IMAGE_SIZE", 40)
    errors = []
    for severity in range(1, 6):
        name = f"imagenet2012_corrupted/fog_{severity}"
        examples = _examples([0, 1, 2], side=40)[severity - 1 :]
        _prepare(folder / "tfds", name, examples, "validation")

    done = _evaluate(folder, "imagenet2012_corrupted/*")

    predictions = folder / "run" / "predictions"
    for severity in range(1, 6):
        path = predictions / f"imagenet2012_corrupted-fog_{severity}"
        arrays, result = _read(path / "validation-00000009-1.npz")
        assert result["protocol"]["resize"] == "as stored, 40 x 40, no crop"
        errors.append(result["top1_error"])
    expected = np.mean(errors) / robustness.ALEXNET_ERRORS["fog"]
    assert f"fog: corruption error {expected:.2%} of AlexNet's" in done.stdout
    assert "mCE: needs the missing" in done.stdout
    assert "snow_1" in done.stdout
    # An image of the last severity: as it is stored, less the mean's centre.
    run = experiment.open_workdir(folder / "run")
    model, _ = run.load()
    seen = _first_crop(folder, "imagenet2012_corrupted/fog_5")
    logits = model(seen[np.newaxis]).numpy().astype(np.float64)
    softmax = np.exp(logits) / np.exp(logits).sum()
    np.testing.assert_allclose(arrays["probabilities"][:1], softmax, atol=1e-5)


def test_what_is_not_prepared_or_not_known_is_said(folder):
    done = _evaluate(folder, "imagenet_a", status=1)
    assert "must have been prepared" in done.stderr

    example = {**_examples([0])[0], "label": 999}
    _prepare(folder / "tfds", "imagenet_sketch", [example], "test")
    done = _evaluate(folder, "imagenet_sketch", status=1)
    assert "must know every class" in done.stderr
    assert not (folder / "run" / "predictions" / "imagenet_sketch").exists()


@pytest.mark.parametrize("program", ["evaluate", "activations", "find_similar"])
def test_an_empty_split_is_refused(folder, tmp_path, program):
    more = [f"--output={tmp_path / 'a.h5'}"] if program != "evaluate" else []

    done = programs.run(
        program, f"--workdir={folder / 'run'}", "--split=test", *more, status=1
    )

    assert "must hold a test split with records" in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_set_of_other_classes_is_none_of_ours(folder):
    done = _evaluate(folder, "no_such_set_of_tfds", status=1)

    assert "TFDS must know tfds:no_such_set_of_tfds" in done.stderr
