"""All competitors of the input benchmark get the same records."""

import numpy as np
import pytest

from tools.benchmark import pipeline, pipeline_peers

pytestmark = pytest.mark.slow


def test_competitors_read_the_records_of_one_conversion(tmp_path, monkeypatch):
    # Rendered, wherever this runs.
    monkeypatch.setattr(pipeline, "_PHOTOGRAPHS", tmp_path / "none")
    data_dir = pipeline.make_records(tmp_path)

    field = pipeline.competitors(data_dir, peers=True)
    jpegs, labels, (mean, components) = pipeline_peers._load(data_dir)

    # What is not installed is left out; these need nothing.
    names = [competitor["name"] for competitor in field]
    assert names[:5] == [
        "alexnet_tf, JPEG records, uint8 crops",
        "alexnet_tf, JPEG records, float32",
        "alexnet_tf, decoded cache, uint8 crops",
        "alexnet_tf, decoded cache, float32",
        "bare libjpeg-turbo",
    ]
    assert [c["arguments"][1] for c in field[:2]] == ["device", "host"]
    images, seconds = pipeline.make_ours(*field[0]["arguments"])()
    assert images == 16 * 128
    assert seconds > 0
    assert len(jpegs) == len(labels) == 2000
    assert all(jpeg[:2] == b"\xff\xd8" for jpeg in jpegs)
    assert mean.shape == (3,)
    assert np.linalg.norm(components) > 1
    assert pipeline_peers.make_bare(data_dir, "")() == 16 * 128


def test_a_turn_is_counted_without_its_start():
    batches = iter(range(1000))
    seen = []

    images, seconds = pipeline.make_turn(lambda: batches, seen.append)()

    assert images == 16 * 128
    assert seen == list(range(4, 20))
    assert seconds < 1
