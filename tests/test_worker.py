import subprocess
import sys

import pytest

from tests import ilsvrc_miniature as miniature
from tests.conversions import contents_of, interrupt, run


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    return miniature.make(tmp_path_factory.mktemp("archives"))


@pytest.fixture(scope="module")
def converted(archives, tmp_path_factory):
    output_dir = tmp_path_factory.mktemp("converted")
    run(archives, output_dir)
    return output_dir


def test_a_run_that_was_cut_off_goes_on(archives, converted, tmp_path):
    interrupt(archives, tmp_path, after_images=7)
    (tmp_path / ".toy-train.tfrecord-00009-of-00004.1.tmp").write_text("half")
    times = {p: p.stat().st_mtime_ns for p in tmp_path.glob("toy-train*")}

    assert times
    run(archives, tmp_path)

    assert contents_of(tmp_path) == contents_of(converted)
    assert {p: p.stat().st_mtime_ns for p in times} == times


@pytest.mark.parametrize("harm", ["cut", "changed", "removed", "no report"])
def test_a_finished_shard_that_was_harmed_is_made_again(
    archives, converted, tmp_path, harm
):
    interrupt(archives, tmp_path, after_images=7)
    path = min(tmp_path.glob("toy-train*"))
    contents = path.read_bytes()
    if harm == "cut":
        path.write_bytes(contents[:-1])
    if harm == "changed":
        path.write_bytes(b"x" + contents[1:])
    if harm == "removed":
        path.unlink()
    if harm == "no report":
        report = min((tmp_path / ".conversion").glob("train-*.npz"))
        report.write_bytes(report.read_bytes()[:100])

    run(archives, tmp_path)

    assert contents_of(tmp_path) == contents_of(converted)


def test_a_mended_archive_is_read_again(archives, converted, tmp_path):
    directory = tmp_path / "archives"
    broken = miniature.train_images()
    synset, last = miniature.SORTED[-1], broken[miniature.SORTED[-1]][-1]
    broken[synset][-1] = (last[0], b"x" * len(last[1]))
    miniature.make(directory, train=broken)
    with pytest.raises(ValueError, match=last[0]):
        run(directory, tmp_path / "out")
    miniature.make(directory)

    run(directory, tmp_path / "out")

    ours = contents_of(tmp_path / "out")
    theirs = contents_of(converted)
    assert {n for n in ours if ours[n] != theirs[n]} <= {"dataset.json"}


def test_shards_of_other_images_are_made_again(tmp_path):
    directory = tmp_path / "archives"
    train = miniature.train_images()
    train["n01000001"][0] = (
        train["n01000001"][0][0],
        miniature.render_jpeg(7, 300, 200),
    )
    miniature.make(directory, train=train)
    interrupt(directory, tmp_path / "out", after_images=12)
    miniature.make(directory)

    run(directory, tmp_path / "out")

    run(directory, tmp_path / "whole")
    assert contents_of(tmp_path / "out") == contents_of(tmp_path / "whole")


def test_workers_need_no_tensorflow():
    script = (
        "import sys; from input_pipeline.conversion import convert;"
        "assert 'tensorflow' not in sys.modules"
    )

    subprocess.run([sys.executable, "-c", script], check=True)
