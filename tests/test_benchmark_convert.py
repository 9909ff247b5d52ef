import pytest

from tests import ilsvrc_miniature as miniature
from tools.benchmark import convert

pytestmark = pytest.mark.slow


def test_every_way_is_measured_beside_our_own(tmp_path):
    miniature.make(tmp_path)

    results = convert.run(1, num_processes=1, directory=tmp_path)

    assert [r["name"] for r in results] == ["convert", "decode only", "pillow"]
    assert results[0]["ratio"] == 1
    for result in results:
        rate = result["images_per_second"] / results[0]["images_per_second"]
        assert result["ratio"] == pytest.approx(rate, rel=0.02, abs=0.01)
