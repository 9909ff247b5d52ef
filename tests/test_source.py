import pytest

from input_pipeline.conversion.sources import source


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("tiny-imagenet-100", "tiny_imagenet_100"),
        ("Fall 2009", "fall_2009"),
        ("2009", "images_2009"),
        ("é", "images"),
    ],
)
def test_folder_names_become_names_that_tfds_takes(text, name):
    assert source.to_name(text) == name
