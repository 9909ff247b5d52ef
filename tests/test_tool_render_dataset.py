import errno
import io
import json
import os
import pathlib
import subprocess
import sys
import tarfile

import pytest
import scipy.io
import simplejpeg
from programs import run

from input_pipeline import machine, synthetic
from input_pipeline.synthetic import archives
from tools import render_dataset

SMALL = {"classes": 4, "train_per_class": 3, "validation_per_class": 2}
KIT = "ILSVRC2012_devkit_t12"
ARCHIVES = [
    "ILSVRC2012_devkit_t12.tar.gz",
    "ILSVRC2012_img_train.tar",
    "ILSVRC2012_img_val.tar",
]


def render(directory, **changed):
    values = {"output_dir": str(directory), "seed": 0, **SMALL, **changed}
    given = [f"--{name}={value}" for name, value in values.items()]
    render_dataset.flags.parse(["render_dataset", "--verbosity=0", *given])
    render_dataset.main(["render_dataset"])


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    directory = tmp_path_factory.mktemp("rendered") / "data" / "images"
    render(directory)
    return directory


def members(archive):
    """Returns the contents of a tar by name."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        return {m.name: opened.extractfile(m).read() for m in opened}


def load(directory, name):
    return members((directory / name).read_bytes())


def load_synsets(directory):
    """Returns meta.mat's rows, as the converter sees them."""
    meta = load(directory, ARCHIVES[0])[f"{KIT}/data/meta.mat"]
    return scipy.io.loadmat(io.BytesIO(meta), squeeze_me=True)["synsets"]


def load_ground_truth(directory):
    name = f"{KIT}/data/ILSVRC2012_validation_ground_truth.txt"
    return [int(n) for n in load(directory, ARCHIVES[0])[name].split()]


def contents(directory):
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_train_archive_is_a_tar_of_a_tar_for_each_synset(rendered):
    synsets = [shown.synset for shown in synthetic.CLASSES[:4]]

    outer = load(rendered, "ILSVRC2012_img_train.tar")

    assert list(outer) == [f"{synset}.tar" for synset in synsets]
    for synset in synsets:
        inner = members(outer[f"{synset}.tar"])
        assert list(inner) == [f"{synset}_{n}.JPEG" for n in (1, 2, 3)]
        for jpeg in inner.values():
            assert simplejpeg.decode_jpeg(jpeg).shape[2] == 3


def test_validation_archive_is_flat_and_numbered(rendered):
    images = load(rendered, "ILSVRC2012_img_val.tar")

    assert list(images) == [
        f"ILSVRC2012_val_{number:08d}.JPEG" for number in range(1, 9)
    ]


def test_devkit_has_the_official_files(rendered):
    assert set(load(rendered, ARCHIVES[0])) == {
        f"{KIT}/data/meta.mat",
        f"{KIT}/data/ILSVRC2012_validation_ground_truth.txt",
        f"{KIT}/readme.txt",
    }


def test_meta_has_the_official_fields_and_a_root(rendered):
    synsets = load_synsets(rendered)

    assert synsets.dtype.names == (
        "ILSVRC2012_ID",
        "WNID",
        "words",
        "gloss",
        "num_children",
        "children",
        "wordnet_height",
        "num_train_images",
    )
    assert synsets["ILSVRC2012_ID"].tolist() == [1, 2, 3, 4, 5]
    assert synsets["num_children"].tolist() == [0, 0, 0, 0, 4]
    assert synsets["children"][4].tolist() == [1, 2, 3, 4]
    assert synsets["num_train_images"].tolist() == [3, 3, 3, 3, 0]
    named = set(zip(synsets["WNID"][:4], synsets["words"][:4], strict=True))
    assert named == {(s.synset, s.name) for s in synthetic.CLASSES[:4]}


@pytest.mark.parametrize("classes", range(2, 11))
def test_ids_are_not_in_the_sorted_order(classes):
    settings = archives.RenderSettings(classes=classes)

    labels = settings.labels_by_id()

    assert sorted(labels) == list(range(classes))
    assert labels != sorted(labels)


def test_ground_truth_names_the_class_of_each_image(rendered):
    """Each image is the one that its class's seed renders."""
    wnid_of = dict(enumerate(load_synsets(rendered)["WNID"], start=1))
    label_of = {s.synset: x for x, s in enumerate(synthetic.CLASSES)}
    images = load(rendered, "ILSVRC2012_img_val.tar").values()
    truth = load_ground_truth(rendered)

    seen = [0] * 4
    for jpeg, number in zip(images, truth, strict=True):
        label = label_of[wnid_of[number]]
        assert jpeg == synthetic.render_jpeg(
            0, "validation", label, seen[label]
        )
        seen[label] += 1
    assert seen == [2, 2, 2, 2]
    assert truth != sorted(truth)


def test_same_flags_give_the_same_bytes(rendered, tmp_path):
    render(tmp_path)

    assert contents(tmp_path) == contents(rendered)
    assert set(contents(tmp_path)) == {*ARCHIVES, "render.json"}


def test_processes_change_nothing(rendered, tmp_path, monkeypatch):
    monkeypatch.setattr(render_dataset, "_IMAGES_PER_PROCESS", 10)
    monkeypatch.setattr(machine, "count_cores", lambda: 2)

    render(tmp_path)

    assert contents(tmp_path) == contents(rendered)


def test_another_seed_gives_other_images_in_another_order(rendered, tmp_path):
    render(tmp_path, seed=1)

    train = "ILSVRC2012_img_train.tar"
    assert load(tmp_path, train) != load(rendered, train)
    assert load_ground_truth(tmp_path) != load_ground_truth(rendered)


def test_second_call_renders_nothing(rendered, monkeypatch, caplog):
    before = contents(rendered)
    monkeypatch.delattr(synthetic, "render_jpeg")

    render(rendered)

    assert contents(rendered) == before
    assert "already holds" in caplog.text


def test_lost_archive_is_rendered_again(rendered, tmp_path):
    render(tmp_path)
    (tmp_path / ARCHIVES[1]).unlink()
    (tmp_path / ARCHIVES[2]).write_bytes(b"cut short")

    render(tmp_path)

    assert contents(tmp_path) == contents(rendered)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"seed": 1}, "seed=0 there and 1 here"),
        ({"classes": 5}, "classes=4 there and 5 here"),
    ],
)
def test_other_settings_are_refused(rendered, changed, words):
    before = contents(rendered)

    with pytest.raises(ValueError) as refusal:
        render(rendered, **changed)

    assert words in str(refusal.value)
    assert "Choose another --output_dir" in str(refusal.value)
    assert contents(rendered) == before


def test_archives_of_another_origin_are_not_overwritten(tmp_path):
    (tmp_path / ARCHIVES[1]).write_bytes(b"a week of downloading")

    with pytest.raises(ValueError) as refusal:
        render(tmp_path)

    assert "no archives but rendered ones" in str(refusal.value)
    assert contents(tmp_path) == {ARCHIVES[1]: b"a week of downloading"}


@pytest.mark.parametrize("text", ["", "[]", '{"settings": {}}'])
def test_damaged_record_is_named(tmp_path, text):
    (tmp_path / "render.json").write_text(text)

    with pytest.raises(ValueError) as refusal:
        render(tmp_path)

    assert str(tmp_path / "render.json") in str(refusal.value)


@pytest.mark.parametrize("images", [0, 5, 14])
@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), OSError(errno.ENOSPC, "disk is full")]
)
def test_interrupted_rendering_leaves_nothing(
    tmp_path, monkeypatch, images, error
):
    wanted = iter(range(images))
    render_jpeg = synthetic.render_jpeg
    names = set()

    def fail(*key):
        names.update(contents(tmp_path))
        if next(wanted, None) is None:
            raise error
        return render_jpeg(*key)

    monkeypatch.setattr(synthetic, "render_jpeg", fail)

    with pytest.raises(type(error)):
        render(tmp_path)

    assert contents(tmp_path) == {}
    assert names
    assert not names.intersection(ARCHIVES)


def test_two_programs_do_not_render_into_one_folder(tmp_path):
    with (
        archives.locked(tmp_path),
        pytest.raises(ValueError, match="Only one program may render"),
        archives.locked(tmp_path),
    ):
        pass

    assert list(tmp_path.iterdir()) == []


def test_interrupted_naming_leaves_nothing(tmp_path, monkeypatch):
    replace = os.replace

    def fail(source, target):
        if pathlib.Path(target).name == ARCHIVES[2]:
            raise OSError(errno.EIO, "Input/output error")
        replace(source, target)

    monkeypatch.setattr(os, "replace", fail)

    with pytest.raises(OSError) as failure:
        render(tmp_path)

    assert failure.value.filename == str(tmp_path)
    assert contents(tmp_path) == {}


def test_program_prints_paths_and_counts(tmp_path):
    finished = run(
        "render_dataset",
        f"--output_dir={tmp_path}",
        "--classes=2",
        "--train_per_class=3",
        "--validation_per_class=1",
    )

    assert finished.stdout.splitlines() == [
        f"{tmp_path}/ILSVRC2012_img_train.tar: 6 images",
        f"{tmp_path}/ILSVRC2012_img_val.tar: 2 images",
        f"{tmp_path}/ILSVRC2012_devkit_t12.tar.gz: 2 classes",
    ]
    assert json.loads((tmp_path / "render.json").read_text())["settings"]


@pytest.mark.parametrize(
    "flag", ["--classes=1", "--classes=11", "--seed=-1", "--train_per_class=0"]
)
def test_impossible_number_is_wrong_usage(tmp_path, flag):
    finished = run("render_dataset", f"--output_dir={tmp_path}", flag, status=2)

    assert flag.strip("-").partition("=")[0] in finished.stderr


def test_workers_do_not_import_tensorflow():
    code = (
        "import sys, tools.render_dataset; print('tensorflow' in sys.modules)"
    )

    finished = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert finished.stdout == "False\n"
