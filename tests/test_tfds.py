import pytest

from input_pipeline.conversion import convert, images
from input_pipeline.conversion.sources import encodings, ilsvrc, tfds
from tests import ilsvrc_miniature as miniature


def test_a_prepared_tfds_data_set_is_read(tmp_path):
    archives = miniature.make(tmp_path / "archives")
    settings = convert.Settings("toy", 16, train_shards=2)
    folder = tmp_path / "toy" / "1.0.0"
    convert.convert(ilsvrc.open_source(archives), settings, folder, {})

    source = tfds.open_source("toy", str(tmp_path))

    assert source.name == "toy"
    assert source.synsets == miniature.SORTED
    assert {n: len(c) for n, c in source.splits.items()} == {
        "train": 12,
        "validation": 6,
    }
    image, label, name = encodings.read(source.splits["validation"], 2)
    assert (label, name) == (3, "ILSVRC2012_val_00000003.JPEG")
    assert images.decode(image)[0].shape == (16, 16, 3)


def test_a_data_set_that_tfds_does_not_have_is_named(tmp_path):
    with pytest.raises(ValueError, match="does not find"):
        tfds.open_source("no_such_set", str(tmp_path))
