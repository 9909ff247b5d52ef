import hashlib
import json

import numpy as np
import pytest
import tensorflow as tf

from input_pipeline.conversion import convert, images
from input_pipeline.dataset_info import DatasetInfo
from input_pipeline.statistics import Statistics
from tests import ilsvrc_miniature as miniature
from tests.conversions import (
    contents_of,
    read_all,
    run,
)


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    return miniature.make(tmp_path_factory.mktemp("archives"))


@pytest.fixture(scope="module")
def converted(archives, tmp_path_factory):
    output_dir = tmp_path_factory.mktemp("converted")
    run(archives, output_dir)
    return output_dir


def test_every_image_becomes_a_record_of_its_class(converted):
    fields = read_all(converted)

    names = {
        name: (label, synset)
        for name, label, synset in zip(
            fields["file_name"], fields["label"], fields["synset"], strict=True
        )
    }
    assert names == {
        name.encode(): (miniature.SORTED.index(synset), synset.encode())
        for synset, members in miniature.train_images().items()
        for name, _ in members
    }


def test_validation_labels_follow_the_sorted_synsets_not_the_ids(converted):
    fields = read_all(converted, "validation")

    # Ids 1, 2, 3, 4 are n03, n01, n04, n02.
    assert fields["label"] == [2, 0, 3, 1, 1, 2]
    assert fields["file_name"] == [
        f"ILSVRC2012_val_{i:08d}.JPEG".encode() for i in range(1, 7)
    ]


def test_images_are_the_centre_at_the_asked_size(converted):
    fields = read_all(converted)

    for jpeg in fields["image"]:
        assert tf.io.decode_jpeg(jpeg).shape == (16, 16, 3)


def test_training_records_are_shuffled_by_the_seed(archives, tmp_path):
    orders = []
    for seed in (0, 0, 1):
        output_dir = tmp_path / f"{len(orders)}"
        settings = convert.Settings("toy", 16, 95, 1, 1, seed)
        run(archives, output_dir, settings)
        orders.append(read_all(output_dir)["file_name"])

    assert orders[0] == orders[1] != orders[2]
    assert sorted(orders[0]) == sorted(orders[2])
    assert sorted(orders[0]) not in orders


@pytest.mark.parametrize("resize", ["shorter side", "squash"])
@pytest.mark.parametrize("resample", ["triangle", "area"])
def test_the_filter_makes_the_records_and_is_recorded(
    archives, tmp_path, resample, resize
):
    settings = convert.Settings(
        "toy", 16, 95, 1, 1, resample=resample, resize=resize
    )

    run(archives, tmp_path, settings)

    info = DatasetInfo.load(tmp_path)
    assert (info.resample, info.resize) == (resample, resize)
    sources = {
        name: contents
        for members in miniature.train_images().values()
        for name, contents in members
    }
    fields = read_all(tmp_path, "train")
    for name, jpeg in zip(fields["file_name"], fields["image"], strict=True):
        contents = sources[name.decode()]
        expected = images.convert(contents, 16, 95, resample, resize)
        assert jpeg == expected[0]


def test_statistics_are_those_of_the_training_images(archives, converted):
    result = Statistics.load(converted)

    pixels = [
        images.convert(jpeg, 16, 95)[1]
        for members in miniature.train_images().values()
        for _, jpeg in members
    ]
    assert result.count == 12
    np.testing.assert_allclose(result.mean_image, np.mean(pixels, axis=0))
    flat = np.reshape(pixels, (-1, 3)).astype(np.float64)
    np.testing.assert_allclose(result.covariance, np.cov(flat.T, bias=True))


def test_dataset_json_describes_the_shards(converted):
    info = DatasetInfo.load(converted)

    assert info.num_classes == 4
    assert info.synsets == miniature.SORTED
    assert info.class_names[0] == "thing n01000001"
    assert [len(s.shards) for s in info.splits.values()] == [4, 2]
    assert [s.num_images for s in info.splits.values()] == [12, 6]
    for split in info.splits.values():
        for shard in split.shards:
            contents = (converted / shard.file).read_bytes()
            assert hashlib.sha256(contents).hexdigest() == shard.sha256


def test_nothing_else_is_left_behind(converted):
    shards = {
        shard.file
        for split in DatasetInfo.load(converted).splits.values()
        for shard in split.shards
    }

    assert set(contents_of(converted)) - shards == {
        "dataset.json",
        "dataset_info.json",
        "features.json",
        "index-train.npz",
        "index-validation.npz",
        "label.labels.txt",
        "statistics.npz",
    }


def test_two_processes_write_the_same_bytes_as_one(
    archives, converted, tmp_path
):
    run(archives, tmp_path, num_processes=2)

    assert contents_of(tmp_path) == contents_of(converted)


def test_there_are_never_empty_shards(archives, tmp_path):
    settings = convert.Settings("toy", 16, train_shards=99)

    info = run(archives, tmp_path, settings)

    assert [s.num_images for s in info.splits["train"].shards] == [1] * 12


def test_images_may_keep_their_size_and_bytes(archives, tmp_path):
    run(archives, tmp_path, convert.Settings("toy", image_size=0))

    fields = read_all(tmp_path)
    originals = {
        name.encode(): jpeg
        for members in miniature.train_images().values()
        for name, jpeg in members
    }
    for name, jpeg in zip(fields["file_name"], fields["image"], strict=True):
        assert jpeg == originals[name]
    assert Statistics.load(tmp_path).mean_image is None


def test_tfds_reads_the_result(converted):
    import tensorflow_datasets as tfds

    builder = tfds.builder_from_directory(str(converted))

    assert builder.info.splits["train"].num_examples == 12
    assert builder.info.features["label"].names == miniature.SORTED
    examples = list(builder.as_dataset(split="validation").as_numpy_iterator())
    assert sorted(e["label"] for e in examples) == [0, 1, 1, 2, 2, 3]
    assert examples[0]["image"].shape == (16, 16, 3)
    pairs = builder.as_dataset(split="validation", as_supervised=True)
    image, label = next(iter(pairs))
    assert (image.shape, label.shape) == ((16, 16, 3), ())


@pytest.fixture
def odd(tmp_path):
    """Archives with files that are no plain JPEG, and some that are none."""
    train = miniature.train_images()
    image = miniature.render()
    name = f"{miniature.SORTED[0]}_"
    jpeg = miniature.encode(image)
    train[miniature.SORTED[0]] += [
        (name + "png.JPEG", miniature.encode(image, "PNG")),
        (name + "cmyk.JPEG", miniature.encode(image, mode="CMYK")),
        (name + "thin.JPEG", miniature.render_jpeg(width=50, height=1)),
        (name + "cut.JPEG", jpeg[: len(jpeg) // 2]),
        (name + "empty.JPEG", b""),
        (name + "page.JPEG", b"<!DOCTYPE html><html>404</html>"),
    ]
    return miniature.make(tmp_path / "odd", train=train)


def test_odd_files_are_mended_or_skipped_and_listed(odd, tmp_path):
    info = run(odd, tmp_path / "out", on_error="skip")

    assert info.splits["train"].num_images == 12 + 3
    mended = {e["file"].rsplit("_")[-1]: e["what"] for e in info.mended}
    assert mended == {
        "png.JPEG": "PNG, made JPEG",
        "cmyk.JPEG": "CMYK JPEG, made RGB",
        "thin.JPEG": "enlarged from 50 x 1 pixels",
    }
    skipped = {e["file"].rsplit("_")[-1]: e["reason"] for e in info.skipped}
    assert set(skipped) == {"cut.JPEG", "empty.JPEG", "page.JPEG"}
    assert "truncated" in skipped["cut.JPEG"].lower()
    assert skipped["page.JPEG"] == "it is a web page, not an image"


@pytest.mark.parametrize("num_processes", [1, 2])
def test_an_odd_file_stops_the_conversion(odd, tmp_path, num_processes):
    with pytest.raises(ValueError, match=r"img_train.tar: n01000001_.*skip"):
        run(odd, tmp_path / "out", num_processes=num_processes)


def test_what_stopped_can_go_on_and_skip(odd, tmp_path):
    run(odd, tmp_path / "whole", on_error="skip")
    with pytest.raises(ValueError, match="on_error=skip"):
        run(odd, tmp_path / "out")

    run(odd, tmp_path / "out", on_error="skip")

    assert contents_of(tmp_path / "out") == contents_of(tmp_path / "whole")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("image_size", -1),
        ("jpeg_quality", 101),
        ("train_shards", 0),
        ("validation_shards", 0),
        ("seed", -1),
    ],
)
def test_impossible_settings_are_refused(field, value):
    with pytest.raises(ValueError, match=f"{field} must be from"):
        convert.Settings("toy", **{field: value}).validate()


@pytest.mark.parametrize("name", ["", "Toy", "a-b", "2012", "a/b", "ä"])
def test_names_that_tfds_refuses_are_refused(name):
    with pytest.raises(ValueError, match="small letters"):
        convert.Settings(name).validate()


def test_a_split_without_images_is_refused(tmp_path):
    empty = miniature.make(tmp_path / "in", train={"n01000001": []})

    with pytest.raises(ValueError, match="must hold images"):
        run(empty, tmp_path / "out", on_error="skip")


@pytest.mark.parametrize("num_processes", [1, 2])
def test_other_splits_without_images_are_left_out(tmp_path, num_processes):
    directory = miniature.make(tmp_path / "in", truth=(), test=[])

    info = run(
        directory,
        tmp_path / "out",
        on_error="skip",
        num_processes=num_processes,
    )

    assert set(info.splits) == {"train"}


def test_the_summary_names_every_odd_file(odd, tmp_path):
    info = run(odd, tmp_path / "out", on_error="skip")

    lines = convert.summarize(info).splitlines()

    assert lines[:2] == ["toy: 4 classes", "train: 15 images in 4 shards"]
    assert sum(line.startswith("mended ") for line in lines) == 3
    assert sum(line.startswith("skipped ") for line in lines) == 3
    assert json.loads((tmp_path / "out/dataset.json").read_text())["skipped"]


def test_few_images_are_one_shard_unless_somebody_says_how_many(
    archives, tmp_path
):
    info = run(archives, tmp_path, convert.Settings("toy", 16))

    assert [len(split.shards) for split in info.splits.values()] == [1, 1]


@pytest.mark.parametrize(
    ("image_size", "words"),
    [(0, ""), (40, ""), (41, "18 of 18 images were enlarged to 41 pixels")],
)
def test_enlarging_is_said_once_with_the_count(
    archives, tmp_path, caplog, image_size, words
):
    # The miniature's images have 60 x 40 pixels.
    run(archives, tmp_path, convert.Settings("toy", image_size))

    assert ("enlarged" in caplog.text) == bool(words)
    assert words in caplog.text
    assert caplog.text.count("enlarged") <= 1
