"""Images in, class names out."""

import numpy as np
import pytest

import alexnet_tf
from input_pipeline.statistics import Accumulator


@pytest.fixture
def statistics():
    sums = Accumulator(8)
    sums.add(np.arange(192, dtype=np.uint8).reshape(8, 8, 3))
    return sums.finish()


def test_preprocess_input_takes_the_middle_of_the_mean(statistics):
    images = np.zeros((1, 4, 4, 3), np.uint8)

    prepared = alexnet_tf.preprocess_input(images, statistics)

    expected = -np.arange(192.0).reshape(8, 8, 3)[2:6, 2:6]
    np.testing.assert_array_equal(prepared[0], expected)


def test_preprocess_input_refuses_larger_images(statistics):
    with pytest.raises(ValueError, match="at most as large"):
        alexnet_tf.preprocess_input(np.zeros((1, 9, 9, 3)), statistics)


def test_decode_predictions_gives_the_best_first():
    decoded = alexnet_tf.decode_predictions(
        [[0.2, 0.5, 0.3]], ["a", "b", "c"], top=2
    )

    assert decoded == [[(1, "b", 0.5), (2, "c", 0.3)]]


def test_decode_predictions_refuses_other_classes():
    with pytest.raises(ValueError, match="2 names, 3 classes"):
        alexnet_tf.decode_predictions([[0.2, 0.5, 0.3]], ["a", "b"])
