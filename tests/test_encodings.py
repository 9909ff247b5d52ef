import pytest

from input_pipeline import records
from input_pipeline.conversion import images
from input_pipeline.conversion.sources import encodings


@pytest.mark.parametrize("cut", range(0, 60, 3))
def test_a_damaged_example_is_refused(cut):
    serialized = records.serialize(b"jpeg", 3, "a.JPEG", "n01")

    assert encodings.parse_example(serialized)["label"] == 3
    with pytest.raises(images.ImageError, match="record is damaged"):
        encodings.parse_example(serialized[: cut + 1])
