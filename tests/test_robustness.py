"""The measures of other people's test sets, by hand."""

import numpy as np
import pytest

from alexnet_tf import robustness
from input_pipeline import test_sets


def test_classes_are_matched_by_wordnet_id():
    names, synsets = ["n01", "n02", "n03"], ["n03", "n09", "n01"]

    found = robustness.match_classes(
        names, synsets, np.array([[0, 2], [2, -1]])
    )

    np.testing.assert_array_equal(found, [[2, 0], [0, -1]])
    with pytest.raises(ValueError, match="1 that it does not know.*n02"):
        robustness.match_classes(names, synsets, np.array([0, 1]))


def test_classes_that_a_set_has_compete_alone():
    probabilities = np.array([[0.6, 0.1, 0.3, 0.0], [0.9, 0.05, 0.0, 0.05]])

    found, labels, classes = robustness.restrict(probabilities, [2, 1])

    np.testing.assert_allclose(found, [[0.25, 0.75], [1.0, 0.0]])
    np.testing.assert_array_equal(labels, [1, 0])
    np.testing.assert_array_equal(classes, [1, 2])


def test_several_labels_are_right_and_none_is_left_out():
    guesses = np.eye(4)[[0, 1, 2, 3]]
    labels = [[3, 0, -1], [0, 2, -1], [2, -1, -1], [-1, -1, -1]]

    found = robustness.real_error(guesses, labels)

    assert found["top1_error"] == pytest.approx(1 / 3)
    assert (found["num_images"], found["without_labels"]) == (3, 1)
    with pytest.raises(ValueError, match="Some images must have labels"):
        robustness.real_error(guesses[:1], [[-1]])


def test_alexnet_itself_has_a_corruption_error_of_one():
    # A severity is as far above the mean as another is below it.
    errors = {
        (name, severity): error + (severity - 3) / 100
        for name, error in robustness.ALEXNET_ERRORS.items()
        for severity in robustness.SEVERITIES
    }

    found = robustness.corruption_errors(errors)

    assert found["mce"] == pytest.approx(1)
    assert len(found["corruption_errors"]) == 15
    half = {key: error / 2 for key, error in errors.items()}
    assert robustness.corruption_errors(half)["mce"] == pytest.approx(0.5)
    # As often quoted: 0.564592 of brightness, the least.
    assert min(robustness.ALEXNET_ERRORS.values()) == 0.564592


def test_no_mean_of_some_corruptions():
    errors = {("fog", s): 0.819324 for s in robustness.SEVERITIES}
    errors["snow", 1] = 0.5

    found = robustness.corruption_errors(errors)

    assert found["mce"] is None
    assert found["corruption_errors"] == {"fog": pytest.approx(1)}
    assert len(found["missing"]) == 75 - 6
    assert "snow_2" in found["missing"]


def test_sets_are_known_by_name():
    assert test_sets.is_known("tfds:imagenet_v2/topimages:3.0.0")
    assert not test_sets.is_known("data/imagenet_v2")
    assert not test_sets.is_known("tfds:cifar10")
    assert not test_sets.is_known(None)
