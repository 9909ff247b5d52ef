import pytest

from input_pipeline.conversion.sources import ilsvrc, labels
from input_pipeline.conversion.sources.selection import SourceOptions
from tests import ilsvrc_miniature as miniature


def test_a_class_list_has_an_id_in_each_line(tmp_path):
    path = tmp_path / "list.txt"
    path.write_text("n02 cat, house cat\n\nn01\n")

    assert labels.read_class_list(path) == ["n02", "n01"]


@pytest.mark.parametrize(
    ("text", "words"), [("", "no lines"), ("n01\nn02\nn01 x\n", "n01 twice")]
)
def test_a_list_of_no_classes_is_refused(tmp_path, text, words):
    path = tmp_path / "list.txt"
    path.write_text(text)

    with pytest.raises(ValueError, match=words):
        labels.read_class_list(path)


def test_a_list_leaves_only_its_classes_in_sorted_order(tmp_path):
    miniature.make(tmp_path, test=miniature.numbered_images("test", 2))
    source = ilsvrc.open_source(tmp_path)

    labels.restrict(source, ["n04000004", "n01000001"])

    assert source.synsets == ["n01000001", "n04000004"]
    assert source.class_names == ["thing n01000001", "thing n04000004"]
    assert {n: len(c) for n, c in source.splits.items()} == {
        "train": 6,
        "validation": 2,
    }
    found = dict(miniature.listing(source.splits["train"]))
    assert found["n04000004_10.JPEG"] == 1
    # Ids 1, 2, 3, 4 are n03, n01, n04, n02; the truth is 1, 2, 3, 4, 4, 1.
    assert miniature.listing(source.splits["validation"]) == [
        ("ILSVRC2012_val_00000002.JPEG", 0),
        ("ILSVRC2012_val_00000003.JPEG", 1),
    ]


def test_a_class_that_is_not_there_is_refused(tmp_path):
    miniature.make(tmp_path)

    with pytest.raises(ValueError, match="n09.* and 0 more that are not"):
        labels.restrict(ilsvrc.open_source(tmp_path), ["n09", "n01000001"])


def test_folders_that_are_not_listed_are_left_out(tmp_path):
    for split, names in {"train": "abc", "val": "abd"}.items():
        miniature.make_folders(tmp_path / split, names, 1)
    (tmp_path / "list.txt").write_text("b\na\n")

    options = SourceOptions(
        "image_dir", str(tmp_path), class_list=str(tmp_path / "list.txt")
    )
    source = options.open("fail", 0)

    assert source.synsets == ["a", "b"]
    for rows in source.splits.values():
        assert [label for _, label in miniature.listing(rows)] == [0, 1]


def test_another_list_is_another_request(tmp_path):
    requests = []
    for text in ("a\nb\n", "a\nc\n"):
        (tmp_path / "list.txt").write_text(text)
        options = SourceOptions(
            "image_dir", "x", class_list=str(tmp_path / "list.txt")
        )
        requests.append(options.request())

    assert requests[0] != requests[1]


def test_a_list_is_needed_for_shards():
    with pytest.raises(ValueError, match="needs --class_list"):
        SourceOptions("webdataset", "*.tar").validate()
