import numpy as np
import pytest

from input_pipeline.conversion.sources import image_folders
from tests import ilsvrc_miniature as miniature


def test_class_folders_are_read_in_sorted_order(tmp_path):
    miniature.make_folders(tmp_path / "train", ("dog", "cat"))
    miniature.make_folders(tmp_path / "val", ("dog",), 1)

    source = image_folders.open_source(tmp_path)

    assert source.synsets == ["cat", "dog"]
    assert miniature.listing(source.splits["train"])[3:5] == [
        ("cat/3.png", 0),
        ("dog/0.png", 1),
    ]
    assert miniature.listing(source.splits["validation"]) == [("dog/0.png", 1)]
    assert source.splits["validation"].read(0) == b"0"


def test_tiny_imagenets_own_layout_is_read(tmp_path):
    miniature.make_folders(tmp_path / "train" / "n01", ("images",))
    (tmp_path / "train/n01/n01_boxes.txt").write_text("0 0 1 1")
    (tmp_path / "words.txt").write_text("n01\tgoldfish\nn02\tother\n")

    source = image_folders.open_source(tmp_path)

    assert source.class_names == ["goldfish"]
    assert len(source.splits["train"]) == 4
    assert "n01_boxes.txt" in source.skipped[0]["file"]


def test_a_tar_for_each_class_is_read(tmp_path):
    for synset, members in miniature.train_images().items():
        tar = miniature.make_tar(members)
        (tmp_path / f"{synset}.tar").write_bytes(tar)

    source = image_folders.open_source(tmp_path, validation_fraction=1 / 3)

    assert source.synsets == miniature.SORTED
    assert len(source.splits["train"]) == 8
    assert len(source.splits["validation"]) == 4
    name = source.splits["train"].name(0)
    contents = dict(miniature.train_images()["n01000001"])[name]
    assert source.splits["train"].read(0) == contents


@pytest.mark.parametrize("fraction", [0.25, 0.5])
def test_the_same_seed_takes_the_same_share_of_each_class(tmp_path, fraction):
    miniature.make_folders(tmp_path, ("a", "b", "c"), 8)

    chosen = [
        image_folders.open_source(tmp_path, "fail", fraction, seed).splits
        for seed in (0, 0, 1)
    ]

    one, same, other = [miniature.listing(s["validation"]) for s in chosen]
    assert one == same != other
    labels = [label for _, label in one]
    assert np.bincount(labels).tolist() == [8 * fraction] * 3
    everything = miniature.listing(chosen[0]["train"]) + one
    assert len(set(everything)) == 24


def test_an_empty_class_is_named_or_skipped(tmp_path):
    miniature.make_folders(tmp_path / "train")
    (tmp_path / "train" / "bird").mkdir()

    with pytest.raises(ValueError, match="bird, but the class has no images"):
        image_folders.open_source(tmp_path)
    source = image_folders.open_source(tmp_path, "skip")

    assert source.synsets == ["bird", "cat", "dog"]


@pytest.mark.parametrize(
    ("folders", "options", "words"),
    [
        (["train/a", "val/b"], {}, "b'. in .*val only"),
        (["train/a", "val/a", "validation/a"], {}, "one folder for validation"),
        (["val/a"], {}, "must have a folder train"),
        (["train"], {}, "must hold a folder, or a tar, for each class"),
        ([], {}, "must hold a folder, or a tar, for each class"),
        (["train/a", "val/a"], {"validation_fraction": 0.5}, "Leave one"),
        (["train/a"], {"validation_fraction": 1.0}, "less than 1"),
        (["a", "a.tar"], {}, "both"),
    ],
)
def test_folders_that_make_no_data_set_are_refused(
    tmp_path, folders, options, words
):
    for folder in folders:
        path = tmp_path / folder
        if path.suffix == ".tar":
            path.write_bytes(miniature.make_tar([]))
            continue
        path.mkdir(parents=True)
        if path.parent != tmp_path or path.name == "a":
            (path / "x.png").write_bytes(b"x")

    with pytest.raises((ValueError, FileNotFoundError), match=words):
        image_folders.open_source(tmp_path, **options)
