import numpy as np
import pytest

from input_pipeline.conversion.sources import image_folders
from tests import doors
from tests import ilsvrc_miniature as miniature
from tests.conversions import run


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


@pytest.fixture
def tiny(tmp_path):
    """Tiny ImageNet as it comes: boxes, flat validation and test images."""
    annotated = []
    for number, name in enumerate(["n02", "n01"]):
        images = [(f"{name}_{i}.JPEG", b"%d" % i) for i in range(3)]
        doors.write_files(tmp_path / "train" / name / "images", images)
        boxes = tmp_path / "train" / name / f"{name}_boxes.txt"
        boxes.write_text(f"{name}_0.JPEG\t0\t0\t62\t62\n")
        annotated.append(f"val_{number}.JPEG\t{name}\t0\t32\t44\t62\n")
    for split in ("val", "test"):
        images = [(f"{split}_{i}.JPEG", b"%d" % i) for i in range(2)]
        doors.write_files(tmp_path / split / "images", images)
    (tmp_path / "val/val_annotations.txt").write_text("".join(annotated))
    (tmp_path / "wnids.txt").write_text("n02\nn01\n")
    (tmp_path / "words.txt").write_text("n01\tgoldfish\nn02\tsalamander\n")
    return tmp_path


def test_tiny_imagenets_own_layout_is_read(tiny):
    source = image_folders.open_source(tiny)

    assert source.class_names == ["goldfish", "salamander"]
    train = miniature.listing(source.splits["train"])
    assert train[:2] == [("n01_0.JPEG", 0), ("n01_1.JPEG", 0)]
    assert len(train) == 6
    assert miniature.listing(source.splits["validation"]) == [
        ("val_0.JPEG", 1),
        ("val_1.JPEG", 0),
    ]
    assert miniature.listing(source.splits["test"]) == [
        ("test_0.JPEG", -1),
        ("test_1.JPEG", -1),
    ]
    skipped = [entry["file"].rpartition("/")[2] for entry in source.skipped]
    assert sorted(skipped) == [
        "n01_boxes.txt",
        "n02_boxes.txt",
        "val_annotations.txt",
    ]


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        ("unlink", "val_1.JPEG, but val_annotations.txt names it, and it is"),
        ("forget", "val_1.JPEG, but val_annotations.txt does not name it"),
        ("change", "a tab and a class that has a training folder"),
    ],
)
def test_annotations_and_images_belong_together(tiny, harm, words):
    path = tiny / "val/val_annotations.txt"
    if harm == "unlink":
        (tiny / "val/images/val_1.JPEG").unlink()
    else:
        first, second = path.read_text().splitlines(keepends=True)
        second = second.replace("n01", "n09") if harm == "change" else ""
        path.write_text(first + second)

    with pytest.raises(ValueError, match=words):
        image_folders.open_source(tiny)


@pytest.mark.parametrize(
    ("train", "validation"), [("Train", "Val"), ("training", "valid")]
)
def test_splits_are_spelt_as_people_do(tmp_path, train, validation):
    miniature.make_folders(tmp_path / train)
    miniature.make_folders(tmp_path / validation)
    miniature.make_folders(tmp_path / "TEST")

    source = image_folders.open_source(tmp_path)

    assert list(source.splits) == ["train", "validation", "test"]


def make_unpacked(directory):
    """Writes unpacked archives with flat validation images, and the kit."""
    for synset, images in miniature.train_images().items():
        doors.write_files(directory / "train" / synset, images)
    doors.write_files(directory / "val", doors.validation_images())
    return directory


def test_a_flat_val_next_to_the_devkit_is_that_of_the_archives(tmp_path):
    miniature.make(tmp_path / "archives", truth=doors.TRUTH)
    run(tmp_path / "archives", tmp_path / "official")
    folder = make_unpacked(tmp_path / "in")
    miniature.write_devkit(folder, truth=doors.TRUTH)

    info = doors.convert_source(
        image_folders.open_source(folder), tmp_path / "out"
    )

    official = doors.shards_of(tmp_path / "official")
    assert doors.shards_of(tmp_path / "out") == official
    assert info.class_names[0] == "thing n01000001"


def test_sorted_validation_images_are_those_of_the_archives(tmp_path):
    miniature.make(tmp_path / "archives", truth=doors.TRUTH)
    run(tmp_path / "archives", tmp_path / "official")
    folder = make_unpacked(tmp_path / "in")
    names = zip(
        doors.validation_images(), doors.validation_synsets(), strict=True
    )
    for (name, _), synset in names:
        (folder / "val" / synset).mkdir(exist_ok=True)
        (folder / "val" / name).rename(folder / "val" / synset / name)

    doors.convert_source(image_folders.open_source(folder), tmp_path / "out")

    ours, theirs = (
        doors.records_of(tmp_path / name, "validation")
        for name in ("out", "official")
    )
    assert sorted(ours) == sorted(theirs)
    assert doors.records_of(tmp_path / "out") == doors.records_of(
        tmp_path / "official"
    )


def test_a_flat_val_without_labels_names_the_remedy(tmp_path):
    folder = make_unpacked(tmp_path)

    with pytest.raises(ValueError, match="Put ILSVRC2012_devkit_t12.tar.gz"):
        image_folders.open_source(folder)


def test_kaggles_folder_is_recognized(tmp_path):
    doors.make_kaggle(tmp_path)

    with pytest.raises(ValueError, match=f"pass --kaggle_dir={tmp_path} inst"):
        image_folders.open_source(tmp_path / "ILSVRC/Data/CLS-LOC")


def test_an_image_that_the_ground_truth_counts_must_be_there(tmp_path):
    folder = make_unpacked(tmp_path)
    miniature.write_devkit(folder, truth=doors.TRUTH)
    (folder / "val/ILSVRC2012_val_00000002.JPEG").unlink()

    with pytest.raises(ValueError, match="5 images, 6 lines"):
        image_folders.open_source(folder, "skip")


def test_a_tar_of_class_tars_is_read(tmp_path):
    train = miniature.train_images()
    tars = [(f"{s}.tar", miniature.make_tar(train[s])) for s in reversed(train)]
    path = tmp_path / "fall11_whole.tar"
    path.write_bytes(miniature.make_tar(tars))
    (tmp_path / "words.txt").write_text("n01000001\tgoldfish\n")

    source = image_folders.open_source(path, validation_fraction=1 / 3)

    assert source.name == "fall11_whole"
    assert source.synsets == miniature.SORTED
    assert source.class_names[:2] == ["goldfish", "n02000002"]
    assert [len(s) for s in source.splits.values()] == [8, 4]
    name = source.splits["train"].name(0)
    assert source.splits["train"].read(0) == dict(train["n01000001"])[name]


@pytest.mark.parametrize("members", [[], [("a.jpg", b"x")]])
def test_a_tar_without_class_tars_is_refused(tmp_path, members):
    path = tmp_path / "x.tar"
    path.write_bytes(miniature.make_tar(members))

    with pytest.raises(ValueError, match="must hold a tar for each class"):
        image_folders.open_source(path)


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
