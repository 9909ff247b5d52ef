"""A source to record shards, statistics and dataset.json, on all cores.

What is finished survives a kill at any moment: shards appear under their names
when complete, each with a report of it in `.conversion`, and the same call
goes on with the others. `dataset.json` comes last.
"""

import contextlib
import dataclasses
import math

from absl import logging

from input_pipeline import dataset_info, files
from input_pipeline.conversion import (
    engines,
    finish,
    jobs,
    output_folder,
)

# Fewer than this are not worth a file, unless somebody says how many.
_IMAGES_A_SHARD = 100


@dataclasses.dataclass(frozen=True)
class Settings:
    """What decides which bytes are written, apart from the source.

    Attributes:
        name: Of the data set; shards begin with it. None for the source's.
        image_size: Side in pixels; 0 keeps the size.
        jpeg_quality: From 1 to 100.
        train_shards: Files of the training split, at most.
        validation_shards: Files of each other split, at most.
        seed: Of the order of the training records.
        resample: The filter; see `DatasetInfo`.
        resize: "shorter side" or "squash"; see `DatasetInfo`.
    """

    name: str | None
    image_size: int = 256
    jpeg_quality: int = 95
    train_shards: int = 1024
    validation_shards: int = 128
    seed: int = 0
    resample: str = "triangle"
    resize: str = "shorter side"

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
        dataset_info.check_resample(self.resample)
        dataset_info.check_resize(self.resize)
        if self.name is None:
            return
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
    engine=None,
):
    """Converts a data set, unless the folder holds the result already.

    Goes on where an earlier call was cut off.

    Args:
        source: A `source.Source`, or a function without arguments that
            returns one, and is called if there is something to do.
        settings: `Settings`.
        output_dir: Folder for the records.
        request: Dict of all that decides what the folder holds.
        num_processes: How many convert at once on this machine.
        on_error: "fail" or "skip": what to do about files that are not images.
        make_progress: Function of the number of images that returns a context
            manager with a method `update(finished)`.
        engine: What converts instead of processes of this machine: a function
            of job, tasks and progress, such as `dask_cluster.connect` gives.

    Returns:
        The `DatasetInfo` of the folder.

    Raises:
        ValueError: The folder holds, or is to hold, something else; or a file
            is not an image.
    """
    settings.validate()
    output_dir = files.local_path(output_dir).absolute()
    with output_folder.locked(output_dir):
        info = output_folder.find_complete(output_dir, request)
        if info is not None:
            logging.info("%s is already complete.", output_dir)
        else:
            source = source() if callable(source) else source
            settings = dataclasses.replace(
                settings, name=settings.name or source.name
            )
            job = _prepare(source, settings, output_dir, request, on_error)
            engine = engine or engines.local(num_processes, source)
            _run(job, source, make_progress or _NoProgress, engine)
            info = finish.finish(job, source, settings, request)
            # Of workers that were killed.
            files.remove_temporary(output_dir)
        # Within the lock: a second call must not find half of it.
        output_folder.remove_work_dir(output_dir)
    return info


class _NoProgress(contextlib.nullcontext):
    def update(self, finished):
        """Shows nothing."""

    def __enter__(self):
        return self


def _prepare(source, settings, output_dir, request, on_error):
    """Checks that there is enough to do and room for it; writes the job."""
    num_shards = {}
    for split, catalogue in source.splits.items():
        name = "train_shards" if split == "train" else "validation_shards"
        requested, most = getattr(settings, name), len(catalogue)
        if requested == getattr(Settings, name):
            # Nobody requested as many: 60 images are one file.
            most = math.ceil(most / _IMAGES_A_SHARD)
        count = min(requested, most)
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
    job = jobs.Job(
        output_dir=output_dir,
        work_dir=output_dir / output_folder.WORK_DIR,
        name=settings.name,
        image_size=settings.image_size,
        jpeg_quality=settings.jpeg_quality,
        resample=settings.resample,
        resize=settings.resize,
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
    files.write_json(job.work_dir / output_folder.REQUEST, request)
    return job


def _run(job, source, make_progress, engine):
    """Converts all shards; raises the first error."""
    tasks = [
        (split, index)
        for split, count in job.num_shards.items()
        for index in range(count)
    ]
    num_images = sum(len(source.splits[s]) for s in job.num_shards)
    with (
        make_progress(num_images) as progress,
        _explain_full_disk(job, source, tasks),
    ):
        engine(job, tasks, progress)


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
