import importlib.util
import pickle
import sys

import pytest

from input_pipeline.conversion import beam, convert
from input_pipeline.conversion.sources import ilsvrc
from tests import ilsvrc_miniature as miniature
from tests.conversions import REQUEST, SETTINGS, contents_of, interrupt, run

IN_MEMORY = "--runner=DirectRunner"
TWO_PROCESSES = (
    f"{IN_MEMORY} --direct_num_workers=2 --direct_running_mode=multi_processing"
)

needs_beam = pytest.mark.skipif(
    importlib.util.find_spec("apache_beam") is None,
    reason="Apache Beam is not installed: pip install 'alexnet-tf[beam]'",
)


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    return miniature.make(
        tmp_path_factory.mktemp("archives"),
        test=miniature.numbered_images("test", 5),
    )


@pytest.fixture(scope="module")
def converted(archives, tmp_path_factory):
    output_dir = tmp_path_factory.mktemp("converted")
    run(archives, output_dir)
    return output_dir


@pytest.fixture
def job(archives, tmp_path):
    """What the pipeline is given, before any shard is made."""
    source = ilsvrc.open_source(archives)
    (tmp_path / ".conversion").mkdir()
    return convert._prepare(source, SETTINGS, tmp_path, REQUEST, "fail")


def broken_archives(directory):
    """Archives in which one file is no image and one is a PNG."""
    train = miniature.train_images()
    name, _ = train["n02000002"][1]
    train["n02000002"][1] = (name, b"no image")
    name, _ = train["n04000004"][2]
    train["n04000004"][2] = (name, miniature.encode(miniature.render(), "PNG"))
    return miniature.make(directory, train=train)


@needs_beam
@pytest.mark.parametrize(
    "options",
    [IN_MEMORY, pytest.param(TWO_PROCESSES, marks=pytest.mark.slow)],
)
def test_a_pipeline_writes_what_one_process_does(
    archives, converted, tmp_path, options
):
    run(archives, tmp_path, engine=beam.engine(options))

    assert contents_of(tmp_path) == contents_of(converted)


@needs_beam
def test_odd_files_are_listed_as_one_process_does(tmp_path):
    archives = broken_archives(tmp_path / "in")
    run(archives, tmp_path / "local", on_error="skip")

    info = run(
        archives,
        tmp_path / "beam",
        on_error="skip",
        engine=beam.engine(IN_MEMORY),
    )

    assert len(info.skipped) == len(info.mended) == 1
    assert contents_of(tmp_path / "beam") == contents_of(tmp_path / "local")


@needs_beam
def test_a_pipeline_goes_on_where_processes_were_cut_off(
    archives, converted, tmp_path
):
    interrupt(archives, tmp_path, after_images=4)
    finished = {p: p.stat().st_ino for p in tmp_path.glob("toy-*")}

    run(archives, tmp_path, engine=beam.engine(IN_MEMORY))

    assert 0 < len(finished) < 6
    assert finished == {p: p.stat().st_ino for p in finished}
    assert contents_of(tmp_path) == contents_of(converted)


@needs_beam
@pytest.mark.parametrize(
    "options",
    [IN_MEMORY, pytest.param(TWO_PROCESSES, marks=pytest.mark.slow)],
)
def test_a_file_that_is_no_image_is_named_as_one_process_does(
    tmp_path, options
):
    archives = broken_archives(tmp_path / "in")
    with pytest.raises(ValueError) as local:
        run(archives, tmp_path / "local")

    with pytest.raises(ValueError) as piped:
        run(archives, tmp_path / "beam", engine=beam.engine(options))

    assert "n02000002_11.JPEG" in str(local.value)
    assert str(piped.value) == str(local.value)


@needs_beam
def test_a_fault_that_was_mended_is_forgotten(archives, converted, tmp_path):
    (tmp_path / ".conversion").mkdir()
    (tmp_path / ".conversion" / "fault.json").write_text('{"message": "old"}')

    run(archives, tmp_path, engine=beam.engine(IN_MEMORY))

    assert contents_of(tmp_path) == contents_of(converted)


@needs_beam
def test_a_full_disk_names_the_shard_and_the_space(
    archives, tmp_path, monkeypatch
):
    def fail(self):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("input_pipeline.shards.ShardWriter.finish", fail)

    with pytest.raises(OSError, match="GB more are needed") as caught:
        run(archives, tmp_path, engine=beam.engine(IN_MEMORY))

    assert "toy-train.tfrecord-0000" in caught.value.filename


@needs_beam
@pytest.mark.parametrize(
    "options",
    [IN_MEMORY, pytest.param(TWO_PROCESSES, marks=pytest.mark.slow)],
)
def test_what_fails_on_a_worker_is_said_in_one_line(job, tmp_path, options):
    job.work_dir = tmp_path / "not here"

    with pytest.raises(ValueError, match="must run to its end") as caught:
        beam.run(job, [("train", 0)], options)

    assert "not here must be on a file system" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert "Traceback" not in str(caught.value)


@needs_beam
def test_workers_that_write_elsewhere_are_found_out(
    archives, tmp_path, monkeypatch
):
    monkeypatch.setattr(beam, "convert_shard", lambda task, job: None)

    with pytest.raises(ValueError, match="file system that all machines share"):
        run(archives, tmp_path, engine=beam.engine(IN_MEMORY))


def test_no_shard_is_begun_after_a_fault(job):
    beam._record_fault(job, {"message": "a fault"})

    beam.convert_shard(("train", 0), pickle.dumps(job))

    assert not job.shard_path("train", 0).exists()
    with pytest.raises(ValueError, match="a fault"):
        beam._raise_fault(job)


def test_a_machine_without_the_folder_says_so(job, tmp_path):
    job.work_dir = tmp_path / "not here"

    with pytest.raises(FileNotFoundError, match="that all machines share"):
        beam.convert_shard(("train", 0), pickle.dumps(job))


def test_other_errors_of_the_disk_are_left_to_the_runner(job, monkeypatch):
    def fail(self):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("input_pipeline.shards.ShardWriter.finish", fail)

    with pytest.raises(OSError, match="Input/output"):
        beam.convert_shard(("train", 0), pickle.dumps(job))

    beam._raise_fault(job)


def test_without_beam_the_error_names_the_extra(job, monkeypatch):
    monkeypatch.setitem(sys.modules, "apache_beam", None)

    with pytest.raises(ValueError, match=r"alexnet-tf\[beam\]"):
        beam.run(job, [("train", 0)], IN_MEMORY)
