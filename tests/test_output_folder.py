import shutil

import pytest

from input_pipeline import files
from input_pipeline.conversion import convert, output_folder
from input_pipeline.conversion.sources import ilsvrc
from input_pipeline.dataset_info import DatasetInfo
from tests import ilsvrc_miniature as miniature
from tests.conversions import REQUEST, SETTINGS, interrupt, run


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    return miniature.make(tmp_path_factory.mktemp("archives"))


def test_a_complete_folder_is_recognized(archives, tmp_path):
    run(archives, tmp_path)

    assert output_folder.find_complete(tmp_path, REQUEST).name == "toy"


@pytest.mark.parametrize("complete", [True, False])
def test_other_settings_are_refused(archives, tmp_path, complete):
    if complete:
        run(archives, tmp_path)
    else:
        interrupt(archives, tmp_path, after_images=7)

    with pytest.raises(ValueError, match="image_size=16 there and 32 here"):
        output_folder.find_complete(tmp_path, {**REQUEST, "image_size": 32})


def test_an_unfinished_folder_is_not_complete(archives, tmp_path):
    interrupt(archives, tmp_path, after_images=7)

    assert output_folder.find_complete(tmp_path, REQUEST) is None


def test_a_folder_of_other_files_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")

    with pytest.raises(ValueError, match="must be empty"):
        output_folder.find_complete(tmp_path, REQUEST)


def test_a_complete_folder_that_lost_a_shard_is_refused(archives, tmp_path):
    run(archives, tmp_path)
    (tmp_path / "toy-train.tfrecord-00001-of-00004").unlink()

    with pytest.raises(FileNotFoundError, match="must hold .*00001-of-00004"):
        output_folder.find_complete(tmp_path, REQUEST)


def test_what_another_converter_finished_meanwhile_stays(archives, tmp_path):
    run(archives, tmp_path)
    before = {p: p.stat().st_mtime_ns for p in tmp_path.iterdir()}

    # It looked, found nothing, and has only now read the archives.
    with pytest.raises(ValueError, match="image_size=16 there and 32 here"):
        convert.convert(
            ilsvrc.open_source(archives),
            SETTINGS,
            tmp_path,
            {**REQUEST, "image_size": 32},
        )
    convert.convert(pytest.fail, SETTINGS, tmp_path, REQUEST)

    assert {p: p.stat().st_mtime_ns for p in tmp_path.iterdir()} == before


def test_the_work_folder_goes_while_the_lock_is_held(
    archives, tmp_path, monkeypatch
):
    held = []
    rmtree = shutil.rmtree

    def remove(path, **options):
        if path == tmp_path / ".conversion":
            held.append(files.lock_owner(path / "lock"))
        rmtree(path, **options)

    monkeypatch.setattr(shutil, "rmtree", remove)

    run(archives, tmp_path)

    assert held[0].startswith("process ")


def test_a_refusal_leaves_no_folder(tmp_path):
    lost = tmp_path / "lost"

    with pytest.raises(FileNotFoundError, match="none at .*lost"):
        convert.convert(
            lambda: ilsvrc.open_source(lost), SETTINGS, tmp_path / "out/a", {}
        )

    assert not list(tmp_path.iterdir())


def test_settings_are_refused_before_the_archives_are_read(tmp_path):
    with pytest.raises(ValueError, match="jpeg_quality must be"):
        convert.convert(
            pytest.fail, convert.Settings(None, jpeg_quality=0), tmp_path, {}
        )


@pytest.mark.parametrize(
    ("before", "after", "has_skipped", "fits"),
    [
        ("fail", "skip", False, True),
        ("skip", "fail", False, True),
        ("skip", "fail", True, False),
        ("skip", "skip", True, True),
    ],
)
def test_what_was_left_out_belongs_to_the_request(
    archives, tmp_path, before, after, has_skipped, fits
):
    run(archives, tmp_path)
    info = DatasetInfo.load(tmp_path)
    info.source["request"] = {**REQUEST, "on_error": before}
    info.skipped = [{"file": "x", "reason": "y"}] * has_skipped
    info.save(tmp_path)
    request = {**REQUEST, "on_error": after}

    if fits:
        assert output_folder.find_complete(tmp_path, request)
    else:
        with pytest.raises(ValueError, match="on_error=skip there and fail"):
            output_folder.find_complete(tmp_path, request)


def test_shards_with_images_left_out_are_not_taken_for_whole_ones(tmp_path):
    train = miniature.train_images()
    train["n01000001"][0] = (train["n01000001"][0][0], b"no image")
    archives = miniature.make(tmp_path / "in", train=train)
    out = tmp_path / "out"
    with output_folder.locked(out):
        convert._prepare(
            ilsvrc.open_source(archives, "skip"),
            SETTINGS,
            out,
            {**REQUEST, "on_error": "skip"},
            "skip",
        )

    with pytest.raises(ValueError, match="on_error=skip there and fail here"):
        output_folder.find_complete(out, {**REQUEST, "on_error": "fail"})


def test_two_converters_do_not_share_a_folder(archives, tmp_path):
    with (
        output_folder.locked(tmp_path),
        pytest.raises(ValueError, match="Only one converter"),
    ):
        run(archives, tmp_path)


def test_too_little_space_is_said_before_starting(
    archives, tmp_path, monkeypatch
):
    monkeypatch.setattr(
        "shutil.disk_usage", lambda path: type("Usage", (), {"free": 9})
    )

    with pytest.raises(OSError, match="GB are needed") as caught:
        run(archives, tmp_path)

    assert caught.value.filename == str(tmp_path)
    assert not list(tmp_path.glob("toy*"))


def test_a_full_disk_names_the_shard_and_the_space(
    archives, tmp_path, monkeypatch
):
    def fail(temporary, path):
        raise OSError(28, "No space left on device", str(path))

    source = ilsvrc.open_source(archives)
    monkeypatch.setattr("input_pipeline.shards.files.commit", fail)
    monkeypatch.setattr(
        "input_pipeline.files.write_atomically",
        lambda path, contents: path.write_bytes(contents),
    )
    with pytest.raises(OSError, match="more are needed") as caught:
        convert.convert(source, SETTINGS, tmp_path, REQUEST)

    assert caught.value.filename.endswith("toy-train.tfrecord-00000-of-00004")
    assert not list(tmp_path.glob("toy*"))
