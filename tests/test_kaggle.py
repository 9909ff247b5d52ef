"""Kaggle's folder gives what the official archives give."""

import pytest

from input_pipeline.conversion.sources import kaggle
from tests import doors
from tests import ilsvrc_miniature as miniature
from tests.conversions import run


@pytest.fixture(scope="module")
def official(tmp_path_factory):
    """Records of the official archives with the same files."""
    folder = tmp_path_factory.mktemp("official")
    miniature.make(folder / "in", truth=doors.TRUTH, test=doors.test_images())
    run(folder / "in", folder / "out")
    return folder / "out"


@pytest.mark.parametrize("inner", ["", "ILSVRC"])
def test_the_shards_are_those_of_the_archives(official, tmp_path, inner):
    folder = doors.make_kaggle(tmp_path / "in")

    info = doors.convert_source(
        kaggle.open_source(folder / inner), tmp_path / "out"
    )

    assert doors.shards_of(tmp_path / "out") == doors.shards_of(official)
    assert info.synsets == miniature.SORTED
    assert info.class_names[0] == "thing n01000001"
    assert [s.num_images for s in info.splits.values()] == [12, 6, 3]


def test_a_conversion_that_was_cut_off_goes_on(official, tmp_path):
    folder = doors.make_kaggle(tmp_path / "in")

    doors.check_resumes(
        lambda: kaggle.open_source(folder), tmp_path / "out", official
    )


@pytest.mark.parametrize(
    "name", ["LOC_val_solution.csv", "LOC_synset_mapping.txt"]
)
def test_a_missing_table_is_named(tmp_path, name):
    folder = doors.make_kaggle(tmp_path)
    (folder / name).unlink()

    with pytest.raises(FileNotFoundError, match=f"must hold {name}.*Kaggle's"):
        kaggle.open_source(folder)


def test_another_folder_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="Data/CLS-LOC/train, or be IL"):
        kaggle.open_source(tmp_path)


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (
            "train/n02000002/n02000002_11.JPEG",
            "n02000002, but it holds 2 images, and train_cls.txt names 3",
        ),
        (
            "val/ILSVRC2012_val_00000003.JPEG",
            "val_00000003.JPEG, but LOC_val_solution.csv names it, and it is m",
        ),
    ],
)
def test_an_image_that_is_missing_is_named(tmp_path, file, words):
    folder = doors.make_kaggle(tmp_path)
    (folder / "ILSVRC" / "Data" / "CLS-LOC" / file).unlink()

    with pytest.raises(ValueError, match=words):
        kaggle.open_source(folder)
    source = kaggle.open_source(folder, "skip")

    assert len(source.skipped) == 1


@pytest.mark.parametrize(
    "row",
    ["x,n09999999 1 2 3 4", "x,", "x,n01000001 1 2 3 4 n02000002 1 2 3 4"],
)
def test_a_row_without_one_class_is_refused(tmp_path, row):
    folder = doors.make_kaggle(tmp_path)
    path = folder / "LOC_val_solution.csv"
    path.write_text(path.read_text() + row + "\n")

    with pytest.raises(ValueError, match="must name one class"):
        kaggle.open_source(folder)


def test_a_mapping_of_something_else_is_refused(tmp_path):
    folder = doors.make_kaggle(tmp_path)
    (folder / "LOC_synset_mapping.txt").write_text("n01000001\n")

    with pytest.raises(ValueError, match="a WordNet id, a space and words"):
        kaggle.open_source(folder)
