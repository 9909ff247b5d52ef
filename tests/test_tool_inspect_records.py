"""A person sees the first records, and what the network sees of them."""

import data_sets
import numpy as np
import programs
import pytest
from PIL import Image

from input_pipeline import statistics
from input_pipeline.dataset_info import DatasetInfo


def _inspect(data_dir, output, *flags, status=0):
    return programs.run(
        "inspect_records",
        f"--data_dir={data_dir}",
        f"--output={output}",
        *flags,
        status=status,
    )


def test_prints_the_records_and_draws_them(tiny_data_dir, tmp_path):
    done = _inspect(tiny_data_dir, tmp_path / "sheet.png", "--images=5")

    lines = done.stdout.splitlines()
    assert lines[0].startswith("tiny: train 12 in 2 shards, validation 6")
    # Even numbers stand in the first shard; three classes take turns.
    assert [line.split()[4] for line in lines[2:7]] == list("02102")
    assert "train-8.JPEG" in lines[6]
    assert "48x48" in lines[2]
    sheet = np.asarray(Image.open(tmp_path / "sheet.png"))
    # An image of 128 screen pixels and four crops, two strips a row.
    assert sheet.shape[1] > 2 * (128 + 4 * 112)
    assert sheet.std() > 20


def test_images_of_their_own_sizes_are_drawn(tmp_path):
    info = data_sets.make_records(tmp_path / "data")
    info.image_size = 0
    info.save(tmp_path / "data")
    found = statistics.Statistics.load(tmp_path / "data")
    found.mean_image = None
    found.save(tmp_path / "data")
    assert DatasetInfo.load(tmp_path / "data").image_size == 0

    _inspect(tmp_path / "data", tmp_path / "sheet.png", "--crops=1")

    assert (tmp_path / "sheet.png").exists()


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--split=test"], "must hold a test split"),
        (["--crop_size=99"], "crop_size must be at most 48"),
    ],
)
def test_refuses_what_it_cannot_show(tiny_data_dir, tmp_path, flags, words):
    done = _inspect(tiny_data_dir, tmp_path / "a.png", *flags, status=1)

    assert words in done.stderr
    assert not (tmp_path / "a.png").exists()


def test_the_folder_of_the_sheet_must_be_there(tiny_data_dir, tmp_path):
    done = _inspect(tiny_data_dir, tmp_path / "b" / "a.png", status=1)

    assert "There is no folder" in done.stderr
