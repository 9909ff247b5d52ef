"""A conversion that was cut off goes on, whatever the images came in."""

import pytest

from input_pipeline.conversion.sources import image_folders, tfds
from tests import doors
from tests import ilsvrc_miniature as miniature
from tests.conversions import run


def flat_validation(folder):
    """Unpacked archives: flat validation images beside the devkit."""
    for synset, images in miniature.train_images().items():
        doors.write_files(folder / "train" / synset, images)
    doors.write_files(folder / "val", doors.validation_images())
    miniature.write_devkit(folder, truth=doors.TRUTH)
    return lambda: image_folders.open_source(folder)


def tiny_imagenet(folder):
    for synset, images in miniature.train_images().items():
        doors.write_files(folder / "train" / synset / "images", images)
    doors.write_files(folder / "val" / "images", doors.validation_images())
    named = zip(
        doors.validation_images(), doors.validation_synsets(), strict=True
    )
    lines = [f"{name}\t{synset}\t0\t0\t1\t1\n" for (name, _), synset in named]
    (folder / "val" / "val_annotations.txt").write_text("".join(lines))
    (folder / "wnids.txt").write_text("\n".join(miniature.SORTED))
    (folder / "words.txt").write_text("n01000001\tgoldfish\n")
    return lambda: image_folders.open_source(folder)


def tar_of_tars(folder):
    folder.mkdir()
    tars = [
        (f"{synset}.tar", miniature.make_tar(images))
        for synset, images in miniature.train_images().items()
    ]
    path = folder / "fall11_whole.tar"
    path.write_bytes(miniature.make_tar(tars))
    return lambda: image_folders.open_source(path, validation_fraction=1 / 3)


def prepared_by_tfds(folder):
    archives = miniature.make(folder / "archives")
    run(archives, folder / "toy" / "1.0.0")
    return lambda: tfds.open_source("toy", str(folder))


@pytest.mark.parametrize(
    "prepare", [flat_validation, tiny_imagenet, tar_of_tars, prepared_by_tfds]
)
def test_a_conversion_that_was_cut_off_goes_on(prepare, tmp_path):
    open_source = prepare(tmp_path / "in")
    doors.convert_source(open_source(), tmp_path / "whole")

    doors.check_resumes(open_source, tmp_path / "out", tmp_path / "whole")
