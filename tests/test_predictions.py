"""Several networks together: means, weights, searches and submissions."""

import numpy as np
import programs
import pytest

from alexnet_tf import evaluation, predictions


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


def test_submission_has_five_labels_from_one_best_first():
    text = predictions.submission(np.array([[0.1, 0.3, 0.05, 0.25, 0.2, 0.1]]))

    assert text == "2 4 5 1 6\n"


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
    output, text = tmp_path / "mean.npz", tmp_path / "labels.txt"

    done = programs.run(
        "ensemble",
        f"--predictions={paths}",
        "--search",
        f"--output={output}",
        f"--submission={text}",
    )

    arrays = predictions.load(output)
    scores = evaluation.errors(arrays["probabilities"], arrays["labels"])
    assert f"top-1 error {scores['top1_error']:.2%}" in done.stdout
    assert "too low" in done.stdout.replace("\n", " ")
    assert len(text.read_text().splitlines()) == 400
