from concurrent import futures

import pytest

from input_pipeline.conversion import engines
from tests import ilsvrc_miniature as miniature
from tests.conversions import contents_of, run


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    return miniature.make(tmp_path_factory.mktemp("archives"))


def test_any_executor_writes_what_one_process_does(archives, tmp_path):
    run(archives, tmp_path / "local")

    with futures.ThreadPoolExecutor(3) as pool:
        run(archives, tmp_path / "pool", engine=engines.executor(pool))

    assert contents_of(tmp_path / "pool") == contents_of(tmp_path / "local")


def test_workers_of_another_machine_stop_after_an_error(archives, tmp_path):
    class Halting:
        def __init__(self, total):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *error):
            pass

        def update(self, finished):
            raise KeyboardInterrupt

    with (
        futures.ThreadPoolExecutor(1) as pool,
        pytest.raises(KeyboardInterrupt),
    ):
        run(
            archives,
            tmp_path,
            engine=engines.executor(pool),
            make_progress=Halting,
        )

    assert (tmp_path / ".conversion" / "stop").exists()
    run(archives, tmp_path)
    assert not (tmp_path / ".conversion").exists()


def test_workers_that_write_elsewhere_are_found_out(archives, tmp_path):
    class Elsewhere(futures.Executor):
        def submit(self, function, *arguments):
            future = futures.Future()
            future.set_result(0)
            return future

    with pytest.raises(ValueError, match="file system that all machines share"):
        run(archives, tmp_path, engine=engines.executor(Elsewhere()))
