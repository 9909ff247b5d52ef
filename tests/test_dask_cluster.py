"""A Dask cluster, with processes of its own, makes what one process makes."""

import signal
import sys
import threading
import time

import dask_processes
import pytest

from input_pipeline.conversion import convert, dask_cluster
from tests import ilsvrc_miniature as miniature
from tests.conversions import contents_of, run

pytestmark = pytest.mark.slow

pytest.importorskip("distributed", reason="pip install 'alexnet-tf[cluster]'")
MANY = convert.Settings("toy", 64, train_shards=16, validation_shards=2)


@pytest.fixture(scope="module")
def two_workers():
    with dask_processes.started() as (address, _):
        yield address


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    return miniature.make(tmp_path_factory.mktemp("archives"))


class Progress(convert._NoProgress):
    """Counts what a bar would show."""

    def __init__(self, total):
        self.total, self.counts = total, []

    def update(self, finished):
        self.counts.append(finished)


def test_two_workers_write_what_one_process_does(
    two_workers, archives, tmp_path
):
    run(archives, tmp_path / "local")
    made = []

    def make_progress(total):
        made.append(Progress(total))
        return made[0]

    with dask_cluster.connect(two_workers) as engine:
        run(
            archives,
            tmp_path / "dask",
            engine=engine,
            make_progress=make_progress,
        )

    assert contents_of(tmp_path / "dask") == contents_of(tmp_path / "local")
    assert sum(made[0].counts) == made[0].total == 18


def test_a_file_that_is_no_image_is_named_as_one_process_does(
    two_workers, tmp_path
):
    train = miniature.train_images()
    train["n02000002"][1] = (train["n02000002"][1][0], b"no image")
    archives = miniature.make(tmp_path / "in", train=train)
    with pytest.raises(ValueError) as local:
        run(archives, tmp_path / "local")

    with (
        dask_cluster.connect(two_workers) as engine,
        pytest.raises(ValueError) as remote,
    ):
        run(archives, tmp_path / "dask", engine=engine)
    with dask_cluster.connect(two_workers) as engine:
        info = run(archives, tmp_path / "dask", on_error="skip", engine=engine)

    assert str(remote.value) == str(local.value)
    assert len(info.skipped) == 1


def test_a_killed_worker_costs_its_shards_only(tmp_path):
    jpeg = miniature.render_jpeg(0, 1200, 900)
    many = [(f"n01000001_{i}.JPEG", jpeg) for i in range(160)]
    archives = miniature.make(tmp_path / "in", train={"n01000001": many})
    run(archives, tmp_path / "local", MANY)
    out = tmp_path / "dask"

    with (
        dask_processes.started() as (address, workers),
        dask_cluster.connect(address) as engine,
    ):

        def kill():
            while not list(out.glob("toy-train*")):
                time.sleep(0.01)
            workers[0].send_signal(signal.SIGKILL)

        killer = threading.Thread(target=kill)
        killer.start()
        run(archives, out, MANY, engine=engine)
        killer.join()
        assert workers[0].wait() == -signal.SIGKILL

    assert contents_of(out) == contents_of(tmp_path / "local")


def test_a_scheduler_that_is_not_there_is_one_line():
    with pytest.raises(ValueError, match="must listen at tcp://localhost:1"):
        dask_cluster.connect("tcp://localhost:1", 0.2).__enter__()


def test_a_cluster_without_workers_is_one_line():
    with (
        dask_processes.started(0) as (address, _),
        pytest.raises(ValueError, match="must have workers.*dask worker tcp"),
    ):
        dask_cluster.connect(address, 0.5).__enter__()


def test_without_dask_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)

    with pytest.raises(ValueError, match=r"alexnet-tf\[cluster\]"):
        dask_cluster.connect("tcp://localhost:1").__enter__()
