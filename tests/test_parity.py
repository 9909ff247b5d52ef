"""What the parity report counts, and on which images."""

import sys

import numpy as np
import pytest
from data_sets import square
from runs import make_config, open_new
from runs import small_network as small_network  # makes it known by name

from alexnet_tf.export import parity


def test_comparison_counts_what_differs(monkeypatch, tmp_path):
    expected = np.tile(np.array([0.7, 0.2, 0.1], np.float32), (20, 1))
    answers = expected.copy()
    # Of the 18th image, in the second batch, two classes change places.
    answers[17] = [0.2, 0.7, 0.1]
    path = tmp_path / "model.onnx"
    path.write_bytes(bytes(2_500_000))
    # An image's only pixel is its number.
    images = np.arange(20, dtype=np.uint8)[:, np.newaxis]
    monkeypatch.setattr(
        parity, "load", lambda path: lambda batch: answers[batch[:, 0]]
    )

    found = parity.compare(path, images, expected)

    assert found == {
        "file": "model.onnx",
        "size_mb": 2.5,
        "images": 20,
        "largest_difference": pytest.approx(0.5),
        # Two numbers of sixty are wrong by a half.
        "mean_difference": pytest.approx(1 / 60),
        "top1_agreement": pytest.approx(19 / 20),
    }


def test_missing_runtime_is_named_as_pip_knows_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)

    with pytest.raises(ValueError, match="ai-edge-litert must be installed"):
        parity.load("model.tflite")


def test_a_sample_is_spread_over_the_split(tiny_data_dir, tmp_path):
    config = make_config(tiny_data_dir)
    run = open_new(config, tmp_path / "run")

    everything = run.sample_images("validation", 300)
    three = run.sample_images("validation", 3)

    assert everything.shape == (6, 48, 48, 3)
    assert everything.dtype == np.uint8
    # The records stand by shard: even numbers first, then odd ones.
    for image, number in zip(everything, (0, 2, 4, 1, 3, 5), strict=True):
        rendered = square("validation", number % 3, number, 48)
        difference = np.abs(image.astype(int) - rendered)
        # JPEG at quality 95.
        assert difference.mean() < 4
    np.testing.assert_array_equal(three, everything[[0, 2, 5]])
