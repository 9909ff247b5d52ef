"""tools.explain: pictures of what a network looked at."""

import numpy as np
import pytest
import served
from PIL import Image
from programs import run
from runs import NETWORK, small_network  # noqa: F401, a fixture of its own

import alexnet_tf
from alexnet_tf import weights
from alexnet_tf.experiment import explain as explaining
from alexnet_tf.weights import preset as preset_file
from alexnet_tf.weights import pretrained


@pytest.fixture(scope="module")
def classifier():
    import data_sets

    return alexnet_tf.Classifier(
        alexnet_tf.build(NETWORK, 6, native_ops_only=True),
        data_sets.random_statistics(48),
        served.NAMES,
    )


def test_pictures_of_one_name_do_not_meet(tmp_path):
    chosen = explaining.choose_files(
        ["a/x.jpg", "b/x.jpg", "x.png"], tmp_path, "gradcam", ["png", "svg"]
    )

    names = [path.name for paths in chosen for path in paths]
    assert len(set(names)) == 6
    assert names[:2] == ["x-gradcam.png", "x-gradcam.svg"]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """One pixel, grey, CMYK, and a photograph, as files."""
    folder = tmp_path_factory.mktemp("images")
    for name in ("1 x 1", "grey", "CMYK", "JPEG"):
        kind = "png" if name == "1 x 1" else "jpg"
        (folder / f"{name}.{kind}").write_bytes(served.GOOD[name])
    return folder


@pytest.fixture(scope="module")
def preset(tmp_path_factory, classifier):
    """The classifier's network as a preset, its classes with ids."""
    folder = tmp_path_factory.mktemp("preset") / "small"
    found = pretrained.Pretrained(
        network=NETWORK,
        arrays=weights.to_arrays(classifier.model),
        class_names=["crane", *served.NAMES[1:5], "crane"],
        synsets=[f"n0000000{label}" for label in range(6)],
        mean_image=np.asarray(classifier.statistics.mean_image),
        crop_size=40,
        image_size=48,
    )
    preset_file.write(folder, found, "card")
    return folder


def test_a_folder_by_a_preset(preset, files, tmp_path):
    out = tmp_path / "out"

    done = run(
        "explain",
        f"--workdir={preset}",
        f"--output={out}",
        "--class=n00000003",
        "--method=occlusion",
        "--window=20",
        "--stride=20",
        files,
    )

    names = ["1 x 1", "CMYK", "JPEG", "grey"]
    assert done.stdout.splitlines() == [
        str(out / f"{name}-occlusion.png") for name in names
    ]
    for name in names:
        with Image.open(out / f"{name}-occlusion.png") as picture:
            assert picture.width > 600
            words = picture.text["Description"]
        assert "How far class 3's probability falls" in words
        assert "shorter side to 48" in words


def test_a_name_of_two_classes_is_asked_back(preset, files, tmp_path):
    refused = run(
        "explain",
        f"--workdir={preset}",
        f"--output={tmp_path / 'out'}",
        "--class=crane",
        files,
        status=1,
    )

    assert "Give n00000000 or n00000005 instead." in refused.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_the_exported_model_explains(classifier, files, tmp_path):
    from alexnet_tf import export

    version = export.export(classifier, tmp_path / "export")
    out = tmp_path / "grey.png"

    run("explain", f"--model={version}", f"--output={out}", files / "grey.jpg")

    with Image.open(out) as picture:
        assert f"SavedModel {version}" in picture.text["Description"]


def test_a_bad_file_is_named_and_the_others_are_drawn(preset, tmp_path):
    good, bad = tmp_path / "good.jpg", tmp_path / "bad.jpg"
    good.write_bytes(served.GOOD["JPEG"])
    bad.write_bytes(b"no image")

    done = run(
        "explain",
        f"--workdir={preset}",
        f"--output={tmp_path / 'out'}",
        "--formats=svg",
        bad,
        good,
        status=1,
    )

    assert f"{bad} must be an image, JPEG or PNG" in done.stderr
    (picture,) = (tmp_path / "out").iterdir()
    text = picture.read_text()
    assert picture.name == "good-gradcam.svg"
    # Words in it stay words.
    assert "what speaks for class".casefold() in text.casefold()


def test_what_is_there_stays_unless_it_may_be_replaced(preset, files, tmp_path):
    picture = tmp_path / "picture.pdf"
    picture.write_bytes(b"mine")
    arguments = (
        f"--workdir={preset}",
        f"--output={picture}",
        files / "grey.jpg",
    )

    refused = run("explain", *arguments, status=1)
    assert picture.read_bytes() == b"mine"
    assert "picture.pdf is there already" in refused.stderr

    run("explain", *arguments, "--overwrite")
    assert picture.read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "Name one image file or more"),
        (("x.jpg",), "Give either --workdir or --model"),
        (("x.jpg", "--model=x", "--class=3"), "the best class alone"),
    ],
)
def test_wrong_usage(arguments, words):
    assert words in run("explain", *arguments, status=2).stderr


def test_outputs_that_cannot_be_are_refused(preset, files, tmp_path):
    for output, words in (
        ("x.pdf", "4 images make as many pictures"),
        ("x.png --formats=gif", "The formats must be of png, pdf, svg"),
    ):
        refused = run(
            "explain",
            f"--workdir={preset}",
            *f"--output={tmp_path}/{output}".split(),
            files,
            status=1,
        )
        assert words in refused.stderr
