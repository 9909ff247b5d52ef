import dataclasses

import programs
import pytest
import tensorflow as tf
import tensorflow_datasets

from input_pipeline import datasets, make_train_dataset
from input_pipeline.conversion import convert, images
from input_pipeline.conversion.sources import encodings, ilsvrc, tfds
from input_pipeline.data_config import DataConfig
from tests import conversions, doors
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


class Birds(tensorflow_datasets.core.GeneratorBasedBuilder):
    """Six photographs of two classes of ImageNet."""

    VERSION = tensorflow_datasets.core.Version("1.0.0")

    def _info(self):
        features = tensorflow_datasets.features
        names = ["n01514668", "n01530575"]
        return tensorflow_datasets.core.DatasetInfo(
            builder=self,
            features=features.FeaturesDict(
                {
                    "image": features.Image(encoding_format="jpeg"),
                    "label": features.ClassLabel(names=names),
                    "file_name": features.Text(),
                }
            ),
        )

    def _split_generators(self, manager):
        return {"train": self._generate_examples()}

    def _generate_examples(self):
        for number in range(6):
            fields = {
                "image": miniature.render(number),
                "label": number % 2,
                "file_name": f"{number}.JPEG",
            }
            yield number, fields


@pytest.fixture(scope="module", params=["tfrecord", "array_record"])
def birds(request, tmp_path_factory):
    """A folder in which TFDS has prepared the set."""
    folder = tmp_path_factory.mktemp(request.param)
    Birds(data_dir=folder, file_format=request.param).download_and_prepare()
    return folder


def test_both_formats_of_tfds_are_converted(birds, tmp_path):
    source = tfds.open_source("birds", str(birds))

    info = doors.convert_source(source, tmp_path, num_processes=2)

    assert info.class_names[0] == "cock"
    assert info.class_names[1].startswith("brambling")
    fields = conversions.read_all(tmp_path)
    assert sorted(
        zip(fields["file_name"], fields["label"], fields["synset"], strict=True)
    ) == [
        (b"%d.JPEG" % i, i % 2, (b"n01514668", b"n01530575")[i % 2])
        for i in range(6)
    ]


def test_the_folder_of_tfds_belongs_to_the_request(birds, tmp_path):
    flags = ["--tfds=birds", f"--output_dir={tmp_path}", "--image_size=16"]
    programs.run("build_tfrecords", *flags, f"--tfds_data_dir={birds}")

    other = programs.run(
        "build_tfrecords", *flags, f"--tfds_data_dir={tmp_path}", status=1
    )

    assert f"tfds_data_dir={birds} there and {tmp_path} here" in other.stderr


def test_both_formats_of_tfds_are_trained_on(birds):
    config = DataConfig(
        directory="tfds:birds",
        tfds_data_dir=str(birds),
        image_size=24,
        crop_size=24,
        batch_size=6,
        mirror=False,
        lighting="none",
    )

    images, labels = next(iter(make_train_dataset(config.directory, config, 0)))

    assert images.shape == (6, 24, 24, 3)
    assert sorted(labels.numpy()) == [0, 0, 0, 1, 1, 1]
    assert len({image.tobytes() for image in images.numpy()}) == 6
    assert datasets.open_source(config).info.class_names[0] == "cock"


@pytest.mark.parametrize("keep", [0, 100])
def test_an_array_record_file_that_is_cut_is_named(tmp_path, keep):
    Birds(data_dir=tmp_path, file_format="array_record").download_and_prepare()
    (path,) = tmp_path.rglob("*.array_record-*")
    path.write_bytes(path.read_bytes()[:keep])

    with pytest.raises(ValueError, match="must hold 6 records. Received: 0"):
        tfds.open_source("birds", str(tmp_path))


def test_a_set_of_tfds_has_the_mean_of_its_whole_records(tmp_path):
    Birds(data_dir=tmp_path, file_format="tfrecord").download_and_prepare()
    (path,) = tmp_path.rglob("*.tfrecord-*")
    contents = bytearray(path.read_bytes())
    contents[200] ^= 1
    path.write_bytes(contents)
    config = DataConfig(
        directory="tfds:birds",
        tfds_data_dir=str(tmp_path),
        image_size=24,
        crop_size=24,
    )

    with pytest.raises(tf.errors.OpError, match="must match its checksum"):
        datasets.open_source(config).load_statistics()
    skips = dataclasses.replace(config, on_error="skip")
    assert datasets.open_source(skips).load_statistics().count == 5
