"""Several networks together: means, weights, searches and submissions."""

import numpy as np
import programs
import pytest

from alexnet_tf import evaluation, predictions
from input_pipeline import ilsvrc2012


def _noisy(labels, classes, seed):
    """Returns a network that is right more often than not, as arrays."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1, (len(labels), classes))
    logits[np.arange(len(labels)), labels] += 1.0
    exponents = np.exp(logits)
    return (exponents / exponents.sum(1, keepdims=True)).astype(np.float32)


def _write(folder, count=3, images=400):
    labels = np.random.default_rng(9).integers(0, 20, images)
    names = np.array([f"{i}.JPEG" for i in range(images)])
    paths = []
    for seed in range(count):
        paths.append(folder / f"{seed}.npz")
        predictions.save(
            paths[-1],
            {
                "probabilities": _noisy(labels, 20, seed),
                "labels": labels,
                "file_names": names,
            },
        )
    return paths


def test_mean_by_hand():
    a, b = np.array([[0.2, 0.8]]), np.array([[0.6, 0.4]])

    np.testing.assert_allclose(predictions.weighted_mean([a, b]), [[0.4, 0.6]])
    np.testing.assert_allclose(
        predictions.weighted_mean([a, b], [3, 1]), [[0.3, 0.7]]
    )


def test_independent_networks_are_better_together(tmp_path):
    found, labels, _ = predictions.load_all(_write(tmp_path, 5))

    together = evaluation.topk_error(
        predictions.weighted_mean(found), labels, 1
    )

    assert all(together < evaluation.topk_error(p, labels, 1) for p in found)


def test_search_leaves_out_a_network_that_knows_nothing(tmp_path):
    found, labels, _ = predictions.load_all(_write(tmp_path, 2))
    wrong = np.roll(found[0], 7, axis=1)

    weights = predictions.search_weights([*found, wrong], labels, k=1)

    mixed = predictions.weighted_mean([*found, wrong], weights)
    without = predictions.weighted_mean(found)
    assert evaluation.topk_error(mixed, labels, 1) <= evaluation.topk_error(
        without, labels, 1
    )
    assert weights[2] < min(weights[:2])


def test_a_submission_has_the_devkits_numbers():
    synsets = [synset for synset, _ in ilsvrc2012.classes()]
    probabilities = np.zeros((1, 1000))
    # Kit fox and sea snake are 1 and 490 there, and labels 278 and 65 here.
    probabilities[0, [278, 65]] = 0.6, 0.4

    text = predictions.submission(probabilities, synsets)

    first, second, *rest = text.split()
    assert (first, second) == ("1", "490")
    # The others are equal: the lower labels first, a tench being 449.
    assert rest[0] == "449"
    assert text.endswith("\n")


@pytest.mark.parametrize("synsets", [["n01440764"] * 4, ["cat"] * 1000])
def test_a_submission_of_other_classes_is_refused(synsets):
    with pytest.raises(ValueError, match="needs the 1,000 classes"):
        predictions.submission(np.ones((1, len(synsets))), synsets)


def test_no_files_are_refused():
    with pytest.raises(ValueError, match="must name one or more files"):
        predictions.load_all([])


@pytest.mark.parametrize("change", ["order", "count", "classes"])
def test_refuses_other_images(tmp_path, change):
    first, second = _write(tmp_path, 2)
    arrays = predictions.load(second)
    if change == "order":
        arrays["file_names"] = arrays["file_names"][::-1]
    elif change == "count":
        arrays = {name: values[:-1] for name, values in arrays.items()}
    else:
        arrays["probabilities"] = arrays["probabilities"][:, :-1]
    predictions.save(second, arrays)

    with pytest.raises(ValueError, match="must have the same"):
        predictions.load_all([first, second])


@pytest.mark.parametrize("weights", [[1.0], [0.0, 0.0], [-1.0, 2.0]])
def test_refuses_weights_that_mean_nothing(weights):
    with pytest.raises(ValueError, match="[Ww]eight"):
        predictions.weighted_mean([np.ones((1, 2))] * 2, weights)


def test_refuses_a_file_that_is_none(tmp_path):
    path = tmp_path / "some.npz"
    path.write_bytes(b"no zip file")

    with pytest.raises(ValueError, match="must be a file of tools.evaluate"):
        predictions.load(path)


def test_the_program_writes_what_it_prints(tmp_path):
    paths = ",".join(map(str, _write(tmp_path, 3)))
    output = tmp_path / "mean.npz"

    done = programs.run(
        "ensemble",
        f"--predictions={paths}",
        "--search",
        f"--output={output}",
    )

    arrays = predictions.load(output)
    scores = evaluation.errors(arrays["probabilities"], arrays["labels"])
    assert f"top-1 error {scores['top1_error']:.2%}" in done.stdout
    assert "too low" in done.stdout.replace("\n", " ")


def test_a_test_split_without_labels_has_a_submission_and_no_errors(tmp_path):
    synsets = [synset for synset, _ in ilsvrc2012.classes()]
    probabilities = np.random.default_rng(0).random((3, 1000), np.float32)
    arrays = {
        "probabilities": probabilities,
        "labels": np.full(3, -1),
        "file_names": np.array(["a", "b", "c"]),
        "synsets": np.array(synsets),
    }
    predictions.save(tmp_path / "test.npz", arrays)

    done = programs.run(
        "ensemble",
        f"--predictions={tmp_path / 'test.npz'}",
        f"--submission={tmp_path / 'labels.txt'}",
        f"--output={tmp_path / 'mean.npz'}",
    )

    assert "3 images without labels" in done.stdout
    text = (tmp_path / "labels.txt").read_text()
    assert text == predictions.submission(probabilities, synsets)
    assert "synsets" in predictions.load(tmp_path / "mean.npz")


def test_an_output_that_its_own_json_would_overwrite_is_refused(tmp_path):
    (path,) = _write(tmp_path, 1)
    output = tmp_path / "x.json"

    done = programs.run(
        "ensemble", f"--predictions={path}", f"--output={output}", status=1
    )

    assert "output must end with .npz" in done.stderr
    assert not output.exists()


def test_labels_are_all_there_or_none():
    assert evaluation.has_labels([0, 2])
    assert not evaluation.has_labels([-1, -1])
    with pytest.raises(ValueError, match="1 of 2 without"):
        evaluation.has_labels([-1, 3])
