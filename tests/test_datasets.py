"""Sets of TFDS and rendered images become batches as our records do."""

import dataclasses

import numpy as np
import pytest
import tensorflow_datasets as tfds

from input_pipeline import (
    datasets,
    make_eval_dataset,
    make_train_dataset,
    tfds_source,
)
from input_pipeline.data_config import DataConfig

CONFIG = DataConfig(
    image_size=20, crop_size=16, batch_size=4, eval_batch_size=4
)
STILL = dataclasses.replace(
    CONFIG, random_crops=False, mirror=False, lighting="none"
)
COUNTS = {"train": 9, "test": 5}


def _image(split, number):
    """A flat image whose colour tells its number; sizes differ."""
    height, width = 20 + 4 * (number % 3), 30
    image = np.zeros((height, width, 3), np.uint8)
    image[:] = (20 * number, 100, 50 if split == "train" else 200)
    return image


class TinyPng(tfds.core.GeneratorBasedBuilder):
    """Small PNG images of several sizes, without a validation split."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        return tfds.core.DatasetInfo(
            builder=self,
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(encoding_format="png"),
                    "label": tfds.features.ClassLabel(names=["dark", "light"]),
                }
            ),
        )

    def _split_generators(self, manager):
        return {split: self._generate_examples(split) for split in COUNTS}

    def _generate_examples(self, split):
        for number in range(COUNTS[split]):
            yield (
                number,
                {"image": _image(split, number), "label": number % 2},
            )


@pytest.fixture(scope="module")
def tfds_config(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tfds")
    TinyPng(data_dir=str(folder)).download_and_prepare()
    return dataclasses.replace(
        STILL, directory="tfds:tiny_png", tfds_data_dir=str(folder)
    )


def test_a_tfds_set_of_png_files_trains(tfds_config):
    source = datasets.open_source(tfds_config)
    mean = source.load_statistics().mean_image
    # Means of the reds 0, 20, ... 160; all else is alike.
    np.testing.assert_allclose(mean, np.broadcast_to([80, 100, 50], mean.shape))
    config = dataclasses.replace(tfds_config, batch_size=9)

    images, labels = next(
        iter(make_train_dataset(config.directory, config, seed=0))
    )

    assert images.shape == (9, 16, 16, 3)
    reds = images[:, 0, 0, 0].numpy() + 80
    order = np.argsort(reds)
    np.testing.assert_allclose(reds[order], 20 * np.arange(9))
    np.testing.assert_array_equal(labels.numpy()[order], np.arange(9) % 2)
    assert source.info.class_names == ["dark", "light"]


def test_a_set_without_validation_is_validated_on_its_test_split(tfds_config):
    batches = list(
        make_eval_dataset(tfds_config.directory, tfds_config, "validation")
    )

    assert [len(images) for images, _ in batches] == [4, 1]
    blues = np.concatenate([images[:, 0, 0, 2] for images, _ in batches])
    np.testing.assert_allclose(blues, 150)


def test_statistics_of_a_tfds_set_are_kept(tfds_config, monkeypatch):
    first = datasets.open_source(tfds_config).load_statistics()
    monkeypatch.setattr(tfds_source, "compute_statistics", None)

    second = datasets.open_source(tfds_config).load_statistics()

    np.testing.assert_array_equal(first.mean_image, second.mean_image)


def test_a_tfds_set_must_have_been_prepared(tmp_path):
    for name in ("imagenette", "no_such_set"):
        config = dataclasses.replace(
            CONFIG, directory=f"tfds:{name}", tfds_data_dir=str(tmp_path)
        )
        with pytest.raises(FileNotFoundError, match=f"tfds:{name}.*Prepare"):
            datasets.open_source(config)


@pytest.mark.slow
def test_rendered_images_train_without_a_file():
    config = dataclasses.replace(CONFIG, directory="synthetic:3")
    source = datasets.open_source(config)
    assert source.info.splits["train"].num_images == 600

    images, labels = next(
        iter(make_train_dataset("synthetic:3", config, seed=0))
    )

    assert images.shape == (4, 16, 16, 3)
    assert set(labels.numpy()) <= {0, 1, 2}
    # Less their mean, images lie about zero.
    assert abs(float(np.mean(images))) < 40


def test_a_rendered_record_is_read_by_any_integer():
    config = dataclasses.replace(CONFIG, directory="synthetic:3")
    index = datasets.open_source(config).load_index("validation")

    assert index.read(np.int64(5)) == index.read(5)


@pytest.mark.parametrize("name", ["synthetic:", "synthetic:1", "synthetic:x"])
def test_rendered_classes_must_be_a_number(name):
    with pytest.raises(ValueError, match="must name 2 to"):
        datasets.open_source(dataclasses.replace(CONFIG, directory=name))
