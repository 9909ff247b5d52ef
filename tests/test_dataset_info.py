import json

import pytest

from input_pipeline.dataset_info import (
    DatasetInfo,
    Shard,
    Split,
)


def make_info():
    return DatasetInfo(
        name="toy",
        image_size=256,
        num_classes=2,
        synsets=["n01440764", "n01443537"],
        class_names=["tench", "goldfish"],
        splits={"train": Split(3, [Shard("a", 2, "0f"), Shard("b", 1, "1f")])},
        skipped=[{"file": "x.JPEG", "reason": "empty"}],
        mended=[{"file": "y.JPEG", "what": "CMYK"}],
        source={"kind": "ilsvrc"},
        seed=7,
    )


def test_what_is_saved_is_loaded(tmp_path):
    info = make_info()

    info.save(tmp_path)

    assert DatasetInfo.load(tmp_path) == info
    assert [path.name for path in tmp_path.iterdir()] == ["dataset.json"]


def test_the_file_has_the_documented_fields(tmp_path):
    make_info().save(tmp_path)

    fields = json.loads((tmp_path / "dataset.json").read_text())

    assert list(fields) == [
        "name",
        "image_size",
        "num_classes",
        "synsets",
        "class_names",
        "splits",
        "skipped",
        "mended",
        "source",
        "seed",
        "version",
        "resample",
        "resize",
    ]
    assert fields["splits"]["train"]["shards"][1] == {
        "file": "b",
        "num_images": 1,
        "sha256": "1f",
    }


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no folder .*lost.*build_tf"):
        DatasetInfo.load(tmp_path / "lost")


def test_a_folder_without_data_set_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no dataset.json.*build_tf"):
        DatasetInfo.load(tmp_path)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", "null", '{"name": "toy"}', "\ufffd"]
)
def test_a_broken_file_is_named(tmp_path, text):
    (tmp_path / "dataset.json").write_text(text)

    with pytest.raises(ValueError, match="dataset.json must be.*build_tf"):
        DatasetInfo.load(tmp_path)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("num_classes", 3, "num_classes is 3, but 2"),
        ("splits", {"train": {"num_images": 4, "shards": []}}, "hold 0 images"),
        ("colour", "blue", "colour"),
    ],
)
def test_fields_that_disagree_are_refused(tmp_path, field, value, words):
    make_info().save(tmp_path)
    path = tmp_path / "dataset.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), field: value}))

    with pytest.raises(ValueError, match=words):
        DatasetInfo.load(tmp_path)


@pytest.mark.parametrize(
    ("source", "resample"),
    [
        ({"kind": "ilsvrc"}, "blur-linear"),
        ({"tfds": "imagenette"}, "area"),
        ({"synthetic": "1"}, "area"),
    ],
)
def test_a_file_that_names_no_filter_means_the_one_of_its_time(
    tmp_path, source, resample
):
    info = make_info()
    info.source = source
    info.save(tmp_path)
    path = tmp_path / "dataset.json"
    fields = json.loads(path.read_text())
    del fields["resample"], fields["resize"]
    path.write_text(json.dumps(fields))

    old = DatasetInfo.load(tmp_path)

    assert (old.resample, old.resize) == (resample, "shorter side")
    old.save(tmp_path)
    assert DatasetInfo.load(tmp_path) == old


@pytest.mark.parametrize("name", ["resample", "resize"])
def test_an_unknown_filter_is_refused(tmp_path, name):
    info = make_info()
    setattr(info, name, "nearest")
    info.save(tmp_path)

    with pytest.raises(ValueError, match=f"{name} must be one of"):
        DatasetInfo.load(tmp_path)
