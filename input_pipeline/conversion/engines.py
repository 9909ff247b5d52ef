"""What converts the shards: this process, processes of its machine, a pool.

An engine is a function of job, tasks and progress. A task is a pair of split
and index, and becomes a shard. It raises the first error.
"""

import multiprocessing
import pickle
from concurrent import futures
from concurrent.futures.process import BrokenProcessPool

from input_pipeline import files
from input_pipeline.conversion import jobs, worker

_SECONDS_BETWEEN_POLLS = 0.5


def local(num_processes, source):
    """Returns the engine of this machine.

    Args:
        num_processes: How many convert at once; one is this process.
        source: The `source.Source`, for messages.
    """

    def run(job, tasks, progress):
        context = multiprocessing.get_context("spawn")
        count = min(num_processes, len(tasks))
        shared = jobs.SharedProgress(context, max(count, 1))
        if count == 1:
            _run_here(job, shared, tasks, progress)
            return
        pool = futures.ProcessPoolExecutor(
            count,
            mp_context=context,
            initializer=worker.start_process,
            initargs=(job, shared),
        )
        try:
            _wait_for_all(
                pool,
                [(worker.convert_shard_here, *task) for task in tasks],
                lambda: sum(shared.num_done),
                progress,
            )
        except BrokenProcessPool:
            raise ValueError(
                "The processes must survive. Received: one was killed (for "
                "want of memory?) while at work on "
                f"{_in_work(job, source, shared)}. Run the same command again, "
                "with a smaller --num_processes or without that file."
            ) from None
        finally:
            shared.stop.value = 1
            pool.shutdown(wait=True, cancel_futures=True)

    return run


def executor(pool):
    """Returns the engine of any `concurrent.futures.Executor`.

    Its workers may be on other machines, which find the images, the output
    folder and this package under the same paths.

    Args:
        pool: The executor; it is shut down by its owner.
    """

    def run(job, tasks, progress):
        stop = job.work_dir / jobs.STOP
        stop.unlink(missing_ok=True)
        path = job.work_dir / "job.pickle"
        files.write_atomically(path, pickle.dumps(job))
        done = []
        try:
            _wait_for_all(
                pool,
                [(worker.convert_shard_anywhere, path, task) for task in tasks],
                lambda: sum(done),
                progress,
                done.append,
            )
        except BaseException:
            stop.touch()
            raise
        check_all_written(job, tasks)

    return run


def check_all_written(job, tasks):
    """Refuses shards that were written to some other disk."""
    missing = [task for task in tasks if not job.result_path(*task).is_file()]
    if missing:
        raise ValueError(
            f"Every worker must write into {job.output_dir}. Received: workers "
            f"that are done, and no {missing[0]} there. The folder must be on "
            "a file system that all machines share."
        )


def _run_here(job, shared, tasks, progress):
    """Converts in this process."""
    here = worker.Worker(job, shared, 0)
    for split, index in tasks:
        before = shared.num_done[0]
        here.convert_shard(split, index)
        progress.update(shared.num_done[0] - before)


def _wait_for_all(
    pool, calls, count_done, progress, handle=lambda result: None
):
    """Has calls made by a pool; raises the first error.

    Args:
        pool: An executor.
        calls: Tuples of a function and its arguments.
        count_done: Returns how many images are finished.
        progress: Is told of them.
        handle: Is called with each result.
    """
    seen = 0
    waiting = {pool.submit(*call) for call in calls}
    try:
        while waiting:
            done, waiting = futures.wait(
                waiting, _SECONDS_BETWEEN_POLLS, futures.FIRST_COMPLETED
            )
            for future in done:
                handle(future.result())
            progress.update(count_done() - seen)
            seen = count_done()
    finally:
        for future in waiting:
            future.cancel()


def _in_work(job, source, shared):
    """Names the files that were being converted."""
    splits = list(job.num_shards)
    locations = [
        source.splits[splits[split]].location(position)
        for split, position in zip(shared.splits, shared.positions, strict=True)
        if position >= 0
    ]
    return " or ".join(locations) or "nothing"
