import tarfile

import pytest

from input_pipeline.conversion.sources import ilsvrc
from tests import ilsvrc_miniature as miniature


@pytest.mark.parametrize("year", [2010, 2012])
def test_ilsvrc_is_read_as_downloaded(tmp_path, year):
    miniature.make(tmp_path, year)

    source = ilsvrc.open_source(tmp_path)

    assert source.name == f"ilsvrc{year}"
    assert source.synsets == sorted(miniature.SYNSETS)
    train = miniature.listing(source.splits["train"])
    assert len(train) == 12
    assert all(name.startswith(source.synsets[label]) for name, label in train)
    labels = [
        label for _, label in miniature.listing(source.splits["validation"])
    ]
    assert labels == [2, 0, 3, 1, 1, 2]


def test_classes_come_from_the_devkit_not_from_the_tars(tmp_path):
    train = {"n04000004": miniature.train_images()["n04000004"]}
    miniature.make(tmp_path, train=train)

    source = ilsvrc.open_source(tmp_path)

    assert source.synsets == miniature.SORTED
    assert {
        label for _, label in miniature.listing(source.splits["train"])
    } == {3}


def test_test_images_have_no_label_in_2012(tmp_path):
    images = miniature.numbered_images("test", 2)
    miniature.make(tmp_path, test=[(f"test/{n}", c) for n, c in images])

    source = ilsvrc.open_source(tmp_path)

    assert miniature.listing(source.splits["test"]) == [
        (n, -1) for n, _ in images
    ]


def test_test_images_have_their_label_in_2010(tmp_path):
    images = miniature.numbered_images("test", 2, 2010)
    miniature.make(tmp_path, 2010, test=images)
    truth = tmp_path / "ILSVRC2010_test_ground_truth.txt"
    truth.write_text("4\n1\n")

    source = ilsvrc.open_source(tmp_path)

    assert [x for _, x in miniature.listing(source.splits["test"])] == [1, 2]


@pytest.mark.parametrize("truth", [(1, 2), (1, 2, 3, 4)])
def test_a_ground_truth_of_another_length_is_refused(tmp_path, truth):
    images = miniature.numbered_images("val", 3)
    miniature.make(tmp_path, validation=images, truth=truth)

    with pytest.raises(ValueError, match="ground truth"):
        ilsvrc.open_source(tmp_path)


def test_a_ground_truth_of_another_length_is_not_skipped(tmp_path):
    images = miniature.numbered_images("val", 3)
    miniature.make(tmp_path, validation=images, truth=(1, 2, 3, 4))

    with pytest.raises(ValueError, match="3 images, 4 lines"):
        ilsvrc.open_source(tmp_path, "skip")


def test_an_id_without_class_is_refused(tmp_path):
    miniature.make(tmp_path, truth=(1, 99))

    with pytest.raises(ValueError, match="no class has the id 99"):
        ilsvrc.open_source(tmp_path)


FAULTS = {
    "has the same name": lambda images: [*images, images[0]],
    "no files": lambda images: [],
    "leads out": lambda images: [("../x.JPEG", b"x"), *images],
    "symbolic link": lambda images: [
        (miniature.special_member("x.JPEG", tarfile.SYMTYPE, "/"), b""),
        *images,
    ],
}
LOSSES = {
    "cut short": lambda images: miniature.make_tar(images)[:-11_000],
    "no end mark": lambda images: miniature.make_tar(images, end=False),
}


@pytest.mark.parametrize("words", FAULTS)
def test_a_fault_in_a_tar_is_named_or_skipped(tmp_path, words):
    train = miniature.train_images()
    train["n02000002"] = FAULTS[words](train["n02000002"])
    miniature.make(tmp_path, train=train)

    with pytest.raises(ValueError, match=f"img_train.*n02000002.*{words}"):
        ilsvrc.open_source(tmp_path)
    source = ilsvrc.open_source(tmp_path, "skip")

    (entry,) = source.skipped
    assert words in entry["reason"]
    assert "n02000002.tar" in entry["file"]
    assert len(source.splits["train"]) >= 9


@pytest.mark.parametrize("on_error", ["fail", "skip"])
@pytest.mark.parametrize("words", LOSSES)
def test_the_rest_of_an_archive_is_never_skipped(tmp_path, words, on_error):
    train = miniature.train_images()
    train["n02000002"] = LOSSES[words](train["n02000002"])
    miniature.make(tmp_path, train=train)

    with pytest.raises(ValueError, match=f"img_train.*n02000002.*{words}"):
        ilsvrc.open_source(tmp_path, on_error)


def test_a_cut_validation_archive_is_never_skipped(tmp_path):
    miniature.make(tmp_path)
    path = tmp_path / "ILSVRC2012_img_val.tar"
    path.write_bytes(path.read_bytes()[:4000])

    with pytest.raises(ValueError, match="img_val.tar, but it is cut short"):
        ilsvrc.open_source(tmp_path, "skip")


def test_images_that_the_devkit_counts_must_be_there(tmp_path):
    train = miniature.train_images()
    counts = {synset: len(members) for synset, members in train.items()}
    del train["n02000002"]
    train["n03000003"].pop()
    miniature.make(tmp_path, train=train)
    miniature.write_devkit(tmp_path, counts=counts)

    with pytest.raises(
        ValueError, match="n02000002: 0 images instead of 3; n0"
    ):
        ilsvrc.open_source(tmp_path)
    source = ilsvrc.open_source(tmp_path, "skip")

    assert [entry["reason"] for entry in source.skipped] == [
        "n02000002: 0 images instead of 3, by the development kit",
        "n03000003: 2 images instead of 3, by the development kit",
    ]


def find_header(contents, name):
    """Returns the offset of the header of a file in the bytes of a tar."""
    return contents.index(name.encode() + bytes(80)[: 100 - len(name)])


def damage(path, start, size, value=0):
    """Overwrites a part of a file."""
    contents = bytearray(path.read_bytes())
    contents[start : start + size] = bytes([value]) * size
    path.write_bytes(contents)


@pytest.mark.parametrize("value", [0, 7])
@pytest.mark.parametrize(
    ("name", "lost"),
    [
        ("n02000002_11.JPEG", {"n02000002_11.JPEG"}),
        ("n02000002.tar", set()),
    ],
)
def test_a_hole_loses_no_more_than_is_in_it(tmp_path, name, lost, value):
    miniature.make(tmp_path)
    path = tmp_path / "ILSVRC2012_img_train.tar"
    damage(path, find_header(path.read_bytes(), name), 512, value)

    with pytest.raises(ValueError, match="where a header must be"):
        ilsvrc.open_source(tmp_path)
    source = ilsvrc.open_source(tmp_path, "skip")

    names = {n for n, _ in miniature.listing(source.splits["train"])}
    everything = {n for m in miniature.train_images().values() for n, _ in m}
    assert everything - names == lost
    assert any("where a header must" in e["reason"] for e in source.skipped)


def test_validation_images_lost_in_a_hole_are_named(tmp_path):
    miniature.make(tmp_path)
    path = tmp_path / "ILSVRC2012_img_val.tar"
    header = find_header(path.read_bytes(), "ILSVRC2012_val_00000004.JPEG")
    damage(path, header - 512, 1024)

    source = ilsvrc.open_source(tmp_path, "skip")

    numbers = [n for n, _ in miniature.listing(source.splits["validation"])]
    assert numbers == [f"ILSVRC2012_val_{i:08d}.JPEG" for i in (1, 2, 3, 5, 6)]
    assert source.skipped[-1]["reason"].startswith("image 4 is missing")


def test_records_come_in_the_same_order_whatever_the_archives(tmp_path):
    train = miniature.train_images()
    miniature.make(tmp_path / "a", train=train)
    backwards = {s: train[s][::-1] for s in reversed(train)}
    miniature.make(tmp_path / "b", train=backwards)

    one, other = (ilsvrc.open_source(tmp_path / n).splits for n in "ab")

    assert miniature.listing(one["train"]) == miniature.listing(other["train"])


def test_an_unknown_class_in_the_archive_is_named(tmp_path):
    train = {**miniature.train_images(), "n09999999": []}
    miniature.make(tmp_path, train=train)

    with pytest.raises(ValueError, match="n09999999.tar.*no class of that"):
        ilsvrc.open_source(tmp_path)


def test_two_archives_of_one_class_are_named(tmp_path):
    miniature.make(tmp_path)
    tars = [
        ("n01000001.tar", miniature.make_tar([(f"{i}.JPEG", b"x")]))
        for i in range(2)
    ]
    path = tmp_path / "ILSVRC2012_img_train.tar"
    path.write_bytes(miniature.make_tar(tars))

    with pytest.raises(ValueError, match="another archive has the same name"):
        ilsvrc.open_source(tmp_path)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ILSVRC2012_devkit_t12.tar.gz", "official archives"),
        ("ILSVRC2012_img_train.tar", "must hold ILSVRC2012_img_train.tar"),
        ("ILSVRC2012_img_val.tar", "must hold ILSVRC2012_img_val.tar"),
    ],
)
def test_a_missing_archive_is_named(tmp_path, name, words):
    miniature.make(tmp_path)
    (tmp_path / name).unlink()

    with pytest.raises(FileNotFoundError, match=words):
        ilsvrc.open_source(tmp_path)


@pytest.mark.parametrize("contents", [b"", b"text", b"\x1f\x8b\x08 damaged"])
def test_a_damaged_devkit_is_named(tmp_path, contents):
    miniature.make(tmp_path)
    (tmp_path / "ILSVRC2012_devkit_t12.tar.gz").write_bytes(contents)

    with pytest.raises(ValueError, match="devkit.*must be the official"):
        ilsvrc.open_source(tmp_path)


def test_archives_are_compared_with_the_official_sums(tmp_path):
    miniature.make(tmp_path)

    with pytest.raises(ValueError, match="MD5 sum fa75699e.*Download"):
        ilsvrc.open_source(tmp_path, check_archives=True)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="none at .*lost"):
        ilsvrc.open_source(tmp_path / "lost")
