"""A source to record shards, statistics and dataset.json, on all cores.

What is finished survives a kill at any moment: shards appear under their names
when complete, each with a report of it in `.conversion`, and the same call
goes on with the others. `dataset.json` comes last.
"""

import contextlib
import dataclasses
import multiprocessing
import pathlib
import shutil
from concurrent import futures
from concurrent.futures.process import BrokenProcessPool

from absl import logging

from input_pipeline import files
from input_pipeline.conversion import beam, finish, output_folder, worker

_SECONDS_BETWEEN_POLLS = 0.5


@dataclasses.dataclass(frozen=True)
class Settings:
    """What decides which bytes are written, apart from the source.

    Attributes:
        name: Of the data set; shards begin with it.
        image_size: Side in pixels; 0 keeps the size.
        jpeg_quality: From 1 to 100.
        train_shards: Files of the training split, at most.
        validation_shards: Files of each other split, at most.
        seed: Of the order of the training records.
    """

    name: str
    image_size: int = 256
    jpeg_quality: int = 95
    train_shards: int = 1024
    validation_shards: int = 128
    seed: int = 0

    def validate(self):
        """Refuses settings that make no data set."""
        limits = {
            "image_size": (0, 4096),
            "jpeg_quality": (1, 100),
            "train_shards": (1, 99_999),
            "validation_shards": (1, 99_999),
            "seed": (0, 2**32 - 1),
        }
        for field, (low, high) in limits.items():
            value = getattr(self, field)
            if not low <= value <= high:
                raise ValueError(
                    f"{field} must be from {low} to {high}. Received: {value}"
                )
        words = self.name.split("_")
        if not self.name[:1].isalpha() or not all(
            word.isalnum() and word.isascii() and word == word.lower()
            for word in words
        ):
            raise ValueError(
                "The name must be of small letters, digits and underlines, "
                f"and begin with a letter. Received: {self.name!r}"
            )


def convert(
    source,
    settings,
    output_dir,
    request,
    *,
    num_processes=1,
    on_error="fail",
    make_progress=None,
    beam_options=None,
):
    """Converts a data set, or goes on where an earlier call was cut off.

    Args:
        source: A `source.Source`.
        settings: `Settings`.
        output_dir: Folder for which `find_complete` has returned None.
        request: The same dict that was given to it.
        num_processes: How many convert at once.
        on_error: "fail" or "skip": what to do about files that are not images.
        make_progress: Function of the number of images that returns a context
            manager with a method `update(finished)`.
        beam_options: Flags for Apache Beam, which then converts instead of
            processes of our own; see `beam`.

    Returns:
        The `DatasetInfo` that was written.
    """
    settings.validate()
    work_dir = pathlib.Path(output_dir) / output_folder.WORK_DIR
    work_dir.mkdir(parents=True, exist_ok=True)
    with output_folder.locked(work_dir / "lock"):
        job = _prepare(source, settings, output_dir, request, on_error)
        tasks = [
            (split, index)
            for split, count in job.num_shards.items()
            for index in range(count)
        ]
        num_images = sum(len(source.splits[s]) for s in job.num_shards)
        progress = (make_progress or _NoProgress)(num_images)
        with progress as progress, _explain_full_disk(job, source, tasks):
            if beam_options is None:
                _run(job, source, tasks, num_processes, progress)
            else:
                # Beam's own pages and lines tell how far it is.
                beam.run(job, tasks, beam_options)
                progress.update(num_images)
        info = finish.finish(job, source, settings, request)
    shutil.rmtree(work_dir, ignore_errors=True)
    return info


class _NoProgress(contextlib.nullcontext):
    def update(self, finished):
        """Shows nothing."""

    def __enter__(self):
        return self


def _prepare(source, settings, output_dir, request, on_error):
    """Checks that there is enough to do and room for it; writes the job."""
    output_dir = pathlib.Path(output_dir).absolute()
    num_shards = {}
    for split, catalogue in source.splits.items():
        requested = settings.validation_shards
        if split == "train":
            requested = settings.train_shards
        count = min(requested, len(catalogue))
        if count < requested:
            logging.info(
                "%s has %d images: %d shards instead of %d.",
                split,
                len(catalogue),
                count,
                requested,
            )
        if count:
            num_shards[split] = count
    if "validation" not in num_shards:
        logging.warning(
            "There are no validation images, and there will be no such split. "
            "With --image_dir, --validation_fraction=0.1 takes some of the "
            "training images for it."
        )
    if "train" not in num_shards:
        raise ValueError("The training split must hold images. Received: none.")
    job = worker.Job(
        output_dir=output_dir,
        work_dir=output_dir / output_folder.WORK_DIR,
        name=settings.name,
        image_size=settings.image_size,
        jpeg_quality=settings.jpeg_quality,
        seed=settings.seed,
        on_error=on_error,
        synsets=source.synsets,
        num_shards=num_shards,
    )
    # What a killed run has begun, and nobody finishes.
    files.remove_temporary(output_dir)
    files.remove_temporary(job.work_dir)
    output_folder.check_space(job, source)
    for split in num_shards:
        source.splits[split].save(job.work_dir / f"catalogue-{split}")
    files.write_json(job.work_dir / "request.json", request)
    return job


def _run(job, source, tasks, num_processes, progress):
    """Converts all shards; raises the first error."""
    context = multiprocessing.get_context("spawn")
    num_processes = min(num_processes, len(tasks))
    shared = worker.SharedProgress(context, max(num_processes, 1))
    try:
        if num_processes == 1:
            _run_here(job, shared, tasks, progress)
        else:
            _run_in_pool(job, shared, tasks, num_processes, progress, context)
    except BrokenProcessPool:
        raise ValueError(
            "The processes must survive. Received: one was killed (for want "
            f"of memory?) while at work on {_in_work(job, source, shared)}"
            ". Run the same command again, with a smaller --num_processes or "
            "without that file."
        ) from None


@contextlib.contextmanager
def _explain_full_disk(job, source, tasks):
    """Adds to the error how much space the unfinished shards need."""
    try:
        yield
    except OSError as error:
        if error.errno in output_folder.FULL_DISK:
            finished = sum(job.result_path(*task).is_file() for task in tasks)
            left = output_folder.estimate_bytes(job, source)
            left = output_folder.to_gigabytes(
                left * (1 - finished / len(tasks))
            )
            error.strerror += f"; about {left} GB more are needed"
        raise


def _run_here(job, shared, tasks, progress):
    """Converts in this process."""
    here = worker.Worker(job, shared, 0)
    for split, index in tasks:
        before = shared.num_done[0]
        here.convert_shard(split, index)
        progress.update(shared.num_done[0] - before)


def _run_in_pool(job, shared, tasks, num_processes, progress, context):
    """Converts in many processes."""
    pool = futures.ProcessPoolExecutor(
        num_processes,
        mp_context=context,
        initializer=worker.start_process,
        initargs=(job, shared),
    )
    seen = 0
    try:
        waiting = {
            pool.submit(worker.convert_shard_here, *task) for task in tasks
        }
        while waiting:
            done, waiting = futures.wait(
                waiting, _SECONDS_BETWEEN_POLLS, futures.FIRST_COMPLETED
            )
            for future in done:
                future.result()
            progress.update(sum(shared.num_done) - seen)
            seen = sum(shared.num_done)
    finally:
        shared.stop.value = 1
        pool.shutdown(wait=True, cancel_futures=True)


def _in_work(job, source, shared):
    """Names the files that were being converted."""
    splits = list(job.num_shards)
    locations = [
        source.splits[splits[split]].location(position)
        for split, position in zip(shared.splits, shared.positions, strict=True)
        if position >= 0
    ]
    return " or ".join(locations) or "nothing"


def summarize(info):
    """Returns what a data set holds, in a few lines."""
    lines = [f"{info.name}: {info.num_classes} classes"]
    for name, split in info.splits.items():
        lines.append(
            f"{name}: {split.num_images} images in {len(split.shards)} shards"
        )
    for entry in info.mended:
        lines.append(f"mended {entry['file']}: {entry['what']}")
    for entry in info.skipped:
        lines.append(f"skipped {entry['file']}: {entry['reason']}")
    return "\n".join(lines)
