import pytest

from input_pipeline.conversion import convert, output_folder
from input_pipeline.conversion.sources import ilsvrc
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


def test_two_converters_do_not_share_a_folder(archives, tmp_path):
    (tmp_path / ".conversion").mkdir()

    with (
        output_folder.locked(tmp_path / ".conversion" / "lock"),
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
