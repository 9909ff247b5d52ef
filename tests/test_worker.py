import os
import subprocess
import sys

import pytest

from input_pipeline.conversion import convert
from input_pipeline.conversion.sources import image_folders
from tests import ilsvrc_miniature as miniature
from tests.conversions import REQUEST, SETTINGS, contents_of, interrupt, run


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


@pytest.mark.parametrize("what", ["time", "first bytes"])
def test_an_image_replaced_under_its_name_is_read_again(tmp_path, what):
    directory, out = tmp_path / "archives", tmp_path / "out"
    miniature.make(directory)
    interrupt(directory, out, after_images=12)
    path = directory / "ILSVRC2012_img_train.tar"
    before, contents = path.stat(), bytearray(path.read_bytes())
    first = contents.index(b"\xff\xd8")
    if what == "time":
        # Behind the bytes that are looked at: the comments of another camera.
        contents[contents.index(b"\xff\xda") + 40] ^= 1
    else:
        contents[first + 30] ^= 1
    path.write_bytes(contents)
    if what == "first bytes":
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    run(directory, out)

    run(directory, tmp_path / "whole")
    assert contents_of(out) == contents_of(tmp_path / "whole")


def test_a_file_replaced_under_its_name_is_read_again(tmp_path):
    folder, out = tmp_path / "in", tmp_path / "out"
    for number, colour in enumerate(["a", "b"]):
        (folder / colour).mkdir(parents=True)
        jpeg = miniature.render_jpeg(number)
        (folder / colour / "1.jpg").write_bytes(jpeg)
    jpegs = [miniature.render_jpeg(9), (folder / "a/1.jpg").read_bytes()]
    padding = max(map(len, jpegs))
    jpegs = [jpeg.ljust(padding, b"\0") for jpeg in jpegs]
    (folder / "a/1.jpg").write_bytes(jpegs[1])

    def go(output_dir):
        source = image_folders.open_source(folder)
        return convert.convert(source, SETTINGS, output_dir, REQUEST)

    with pytest.raises(RuntimeError):
        convert.convert(
            image_folders.open_source(folder),
            SETTINGS,
            out,
            REQUEST,
            make_progress=fail_at_the_end,
        )
    (folder / "a/1.jpg").write_bytes(jpegs[0])

    go(out)
    go(tmp_path / "whole")

    assert contents_of(out) == contents_of(tmp_path / "whole")


class fail_at_the_end(convert._NoProgress):
    def __exit__(self, *error):
        raise RuntimeError


def test_workers_need_no_tensorflow():
    script = (
        "import sys; from input_pipeline.conversion import convert;"
        "assert 'tensorflow' not in sys.modules"
    )

    subprocess.run([sys.executable, "-c", script], check=True)
