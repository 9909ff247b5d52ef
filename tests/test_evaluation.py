"""Errors against NumPy, ties and refusals included."""

import keras
import numpy as np
import pytest
import references
import tensorflow as tf

from alexnet_tf import evaluation


@pytest.mark.parametrize("k", [1, 2, 5])
def test_topk_error_matches_the_reference(k):
    rng = np.random.default_rng(0)
    # Rounded, so that there are ties.
    probabilities = rng.dirichlet(np.ones(7), 200).round(1)
    labels = rng.integers(0, 7, 200)

    error = evaluation.topk_error(probabilities, labels, k)

    expected = references.topk_error(probabilities, labels, k)
    assert error == pytest.approx(expected)


def test_topk_error_by_hand():
    probabilities = [[0.5, 0.3, 0.2], [0.1, 0.1, 0.8], [0.4, 0.4, 0.2]]

    assert evaluation.topk_error(probabilities, [0, 2, 0], 1) == 0
    assert evaluation.topk_error(probabilities, [1, 1, 1], 1) == 1
    # The tie of the last image goes to the lower class.
    assert evaluation.topk_error(probabilities, [2, 0, 1], 2) == pytest.approx(
        1 / 3
    )


def test_an_image_without_numbers_is_an_error():
    assert evaluation.topk_error([[np.nan, np.nan]], [0], 1) == 1


@pytest.mark.parametrize(
    ("labels", "k", "words"),
    [([], 1, "0 images"), ([0], 0, "k=0"), ([3], 1, "from 0 to 2")],
)
def test_refuses_what_has_no_error(labels, k, words):
    probabilities = np.full((len(labels), 3), 1 / 3)
    with pytest.raises(ValueError, match=words):
        evaluation.topk_error(probabilities, labels, k)


def test_loss_is_the_mean_negative_log_probability():
    scores = evaluation.errors(
        np.array([[0.5, 0.5], [0.25, 0.75]]), np.array([0, 1])
    )

    expected = -(np.log(0.5) + np.log(0.75)) / 2
    assert scores["loss"] == pytest.approx(expected)


def _linear_model():
    inputs = keras.Input((2, 2, 3))
    outputs = keras.layers.Dense(4)(keras.layers.Flatten()(inputs))
    return keras.Model(inputs, outputs)


def test_ten_crops_equal_ten_single_crops():
    model = _linear_model()
    crops = np.random.default_rng(0).normal(size=(3, 10, 2, 2, 3))
    crops = crops.astype(np.float32)
    predictor = evaluation.make_predictor(model)

    together = predictor(tf.constant(crops)).numpy()

    one_by_one = [predictor(tf.constant(crops[:, i])) for i in range(10)]
    np.testing.assert_allclose(together, np.mean(one_by_one, axis=0), rtol=1e-5)


def test_predict_keeps_every_image_and_its_order():
    model = _linear_model()
    images = np.random.default_rng(0).normal(size=(7, 2, 2, 3))
    images = images.astype(np.float32)
    labels = np.arange(7, dtype=np.int32)
    dataset = tf.data.Dataset.from_tensor_slices((images, labels)).batch(3)

    found = evaluation.predict(evaluation.make_predictor(model), dataset)

    np.testing.assert_array_equal(found["labels"], labels)
    expected = tf.nn.softmax(model(images))
    np.testing.assert_allclose(found["probabilities"], expected, rtol=1e-5)


def test_refuses_an_empty_dataset():
    dataset = tf.data.Dataset.from_tensor_slices((np.zeros((0, 2)), [])).batch(
        2
    )
    with pytest.raises(ValueError, match="must be images to evaluate"):
        evaluation.predict(None, dataset)


def test_ties_as_the_original_counts_them():
    # Two equal best: half a hit. Five places, two taken by higher ones: the
    # four that are equal share the three that are left.
    two = np.array([[0.4, 0.4, 0.2]])
    seven = np.array([[0.2, 0.2, 0.1, 0.1, 0.1, 0.1, 0.05]])

    error = evaluation.topk_error
    assert error(two, [1], 1, ties="original") == pytest.approx(0.5)
    assert error(two, [1], 1) == 1.0
    assert error(seven, [5], 5, ties="original") == pytest.approx(1 / 4)
    assert error(seven, [4], 5) == 0.0
    assert error(seven, [5], 5) == 1.0


def test_blocks_do_not_change_the_error(monkeypatch):
    rng = np.random.default_rng(0)
    probabilities, labels = rng.random((50, 7)), rng.integers(0, 7, 50)
    whole = evaluation.topk_error(probabilities, labels, 3)
    monkeypatch.setattr(evaluation, "_BLOCK", 8)

    assert evaluation.topk_error(probabilities, labels, 3) == whole


def test_interval_is_wilsons():
    # Newcombe 1998, table I: 81 of 263, 0.2553 to 0.3662.
    assert evaluation.interval(81 / 263, 263) == pytest.approx(
        (0.2553, 0.3662), abs=5e-5
    )
    assert evaluation.interval(0.0, 10)[0] == 0.0


def test_confusions_by_class():
    guesses = np.eye(3)[[0, 1, 1, 1, 2, 0]]
    labels = np.array([0, 0, 0, 1, 2, 2])

    found = evaluation.per_class(guesses, labels, ["a", "b", "c"])

    assert [c["top1_error"] for c in found["classes"]] == pytest.approx(
        [2 / 3, 0, 1 / 2]
    )
    assert found["confused"] == [
        {"label": "a", "guess": "b", "images": 2},
        {"label": "c", "guess": "a", "images": 1},
    ]


def test_a_known_count_gives_the_same_and_no_more_is_let_in():
    rng = np.random.default_rng(0)
    batches = [
        (tf.constant(rng.random((n, 3))), tf.range(n)) for n in (4, 4, 2)
    ]

    free = evaluation.predict(lambda x: x, batches)
    known = evaluation.predict(lambda x: x, batches, count=10)

    for name in ("probabilities", "labels"):
        np.testing.assert_array_equal(free[name], known[name])
    # Records that are skipped leave fewer.
    fewer = evaluation.predict(lambda x: x, batches, count=12)
    assert fewer["probabilities"].shape == (10, 3)
    with pytest.raises(ValueError, match="must be 9 images"):
        evaluation.predict(lambda x: x, batches, count=9)


def test_confusions_of_many_classes_need_little_memory():
    """10,184 classes squared would take 0.8 GB; their images take none."""
    import tracemalloc

    classes = 10_184
    labels = np.arange(40) % 4
    probabilities = np.zeros((40, classes), np.float32)
    probabilities[np.arange(40), np.where(labels == 3, classes - 1, labels)] = 1
    names = [str(n) for n in range(classes)]

    tracemalloc.start()
    found = evaluation.per_class(probabilities, labels, names)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 10e6
    assert found["confused"] == [
        {"label": "3", "guess": str(classes - 1), "images": 10}
    ]
    assert [c["top1_error"] for c in found["classes"]] == [0, 0, 0, 1]
