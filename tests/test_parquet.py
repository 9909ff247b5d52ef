"""Hugging Face's files give the records that the official archives give."""

import sys

import pytest

from input_pipeline.conversion.sources import parquet, parquet_rows
from input_pipeline.dataset_info import DatasetInfo
from tests import doors
from tests import ilsvrc_miniature as miniature
from tests.conversions import run

pytest.importorskip("pyarrow", reason="pip install 'alexnet-tf[parquet]'")
UNSORTED = miniature.SYNSETS


@pytest.fixture(scope="module")
def official(tmp_path_factory):
    """Records of the official archives with the same files."""
    folder = tmp_path_factory.mktemp("official")
    miniature.make(folder / "in", truth=doors.TRUTH, test=doors.test_images())
    run(folder / "in", folder / "out")
    return folder / "out"


def check_records(output_dir, official):
    """Compares all records, and the statistics, byte for byte."""
    for split in ("train", "validation", "test"):
        ours = doors.records_of(output_dir, split)
        assert sorted(ours) == sorted(doors.records_of(official, split))
    name = "statistics.npz"
    assert (output_dir / name).read_bytes() == (official / name).read_bytes()
    info, theirs = map(DatasetInfo.load, (output_dir, official))
    assert info.synsets == theirs.synsets
    assert info.class_names == theirs.class_names
    assert not info.skipped


@pytest.mark.parametrize(
    ("group_rows", "num_processes"), [(1, 1), (5, 1), (5, 2), (100, 1)]
)
def test_the_records_are_those_of_the_archives(
    official, tmp_path, group_rows, num_processes
):
    pattern = doors.make_parquet(tmp_path / "in", group_rows=group_rows)

    doors.convert_source(
        parquet.open_source(pattern),
        tmp_path / "out",
        num_processes=num_processes,
    )

    check_records(tmp_path / "out", official)


def test_labels_of_another_order_are_put_in_the_sorted_one(official, tmp_path):
    pattern = doors.make_parquet(tmp_path / "in", label_order=UNSORTED)

    doors.convert_source(parquet.open_source(pattern), tmp_path / "out")

    check_records(tmp_path / "out", official)


def test_training_groups_are_shuffled_by_the_seed(tmp_path):
    pattern = doors.make_parquet(tmp_path / "in", group_rows=1)
    orders = []
    for seed in (0, 0, 1):
        out = tmp_path / str(len(orders))
        settings = doors.SETTINGS.__class__("toy", 16, seed=seed)
        doors.convert_source(parquet.open_source(pattern), out, settings)
        orders.append(doors.records_of(out))

    assert orders[0] == orders[1] != orders[2]


def test_a_conversion_that_was_cut_off_goes_on(tmp_path):
    pattern = doors.make_parquet(tmp_path / "in")
    doors.convert_source(parquet.open_source(pattern), tmp_path / "whole")

    doors.check_resumes(
        lambda: parquet.open_source(pattern),
        tmp_path / "out",
        tmp_path / "whole",
    )


def test_a_class_list_names_what_has_no_paths(tmp_path):
    pattern = doors.make_parquet(
        tmp_path / "in", label_order=UNSORTED, with_paths=False
    )

    source = parquet.open_source(pattern, listed=UNSORTED)

    assert source.synsets == miniature.SORTED
    assert source.class_names == [f"thing {s}" for s in miniature.SORTED]
    labels = source.splits["validation"].rows["label"].tolist()
    assert labels == [2, 0, 3, 1, 1, 2]


def test_a_file_that_names_wordnet_ids_needs_no_list(tmp_path):
    pattern = doors.make_parquet(
        tmp_path / "in",
        label_order=UNSORTED,
        with_paths=False,
        names=UNSORTED,
    )

    assert parquet.open_source(pattern).synsets == miniature.SORTED


def test_other_sets_keep_their_names_and_order(tmp_path):
    rows = [(None, miniature.render_jpeg(i), i % 2) for i in range(4)]
    path = tmp_path / "train.parquet"
    doors.write_parquet(path, rows, ["zebra", "ape"], with_paths=False)

    source = parquet.open_source(path)

    assert source.synsets == source.class_names == ["zebra", "ape"]
    assert source.splits["train"].name(3) == "train_0_3"


def test_the_development_kit_names_classes_without_images(tmp_path):
    pattern = doors.make_parquet(tmp_path / "in", names=[])
    miniature.write_devkit(tmp_path / "in")

    source = parquet.open_source(pattern)

    assert source.class_names == [f"thing {s}" for s in miniature.SORTED]


def test_a_list_that_contradicts_the_file_is_refused(tmp_path):
    pattern = doors.make_parquet(
        tmp_path / "in", names=miniature.SORTED, with_paths=False
    )

    with pytest.raises(ValueError, match="Label 0 of .* must be one class"):
        parquet.open_source(pattern, listed=UNSORTED)


def test_labels_without_a_class_are_refused(tmp_path):
    pattern = doors.make_parquet(tmp_path / "in", names=[], with_paths=False)

    with pytest.raises(ValueError, match="--class_list=FILE"):
        parquet.open_source(pattern)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (("a_1.JPEG", b"", None), "its label is None"),
        (("a_1.JPEG", b"", 9), "its label is 9 of 2"),
        (("n01000001_1_n01000001.JPEG", b"", 1), "other images have as n02"),
        (("a_1.JPEG", None, 1), "its row holds no image"),
        (("a_1.JPEG", b"no", 1), "it is no image"),
    ],
)
def test_a_row_that_is_no_image_is_named(tmp_path, row, words):
    good = [
        (f"{s}_{i}_{s}.JPEG", miniature.render_jpeg(i), i)
        for i, s in enumerate(["n01000001", "n02000002"])
    ]
    path = tmp_path / "train-0.parquet"
    doors.write_parquet(path, [*good, row], ["a", "b"])

    def convert(on_error):
        source = parquet.open_source(path, on_error)
        return doors.convert_source(source, tmp_path / "out", on_error=on_error)

    with pytest.raises(ValueError, match=f"train-0.parquet: .*{words}"):
        convert("fail")
    info = convert("skip")

    assert len(info.skipped) == 1
    assert info.splits["train"].num_images == 2


def test_a_file_that_is_missing_is_named(tmp_path):
    pattern = doors.make_parquet(tmp_path)
    (tmp_path / "data/train-00001-of-00002.parquet").unlink()

    with pytest.raises(ValueError, match="All 2 files of the train split.*num"):
        parquet.open_source(pattern)


@pytest.mark.parametrize("keep", [0, 100, -100])
def test_a_damaged_file_is_named_and_never_skipped(tmp_path, keep):
    pattern = doors.make_parquet(tmp_path)
    path = tmp_path / "data/train-00001-of-00002.parquet"
    path.write_bytes(path.read_bytes()[:keep])

    with pytest.raises(ValueError, match="train-00001.* whole parquet file"):
        parquet.open_source(pattern, "skip")


@pytest.mark.parametrize(
    ("name", "words"),
    [("lost", "None match"), ("images", "must say its split")],
)
def test_files_of_no_split_are_refused(tmp_path, name, words):
    doors.write_parquet(tmp_path / "images.parquet", [], [])

    with pytest.raises((ValueError, FileNotFoundError), match=words):
        parquet.open_source(tmp_path / f"{name}.parquet")


def test_without_pyarrow_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)

    with pytest.raises(ValueError, match=r"alexnet-tf\[parquet\]"):
        parquet_rows.import_pyarrow()
