"""What one process of the converter does: shard after shard.

Imports no TensorFlow: a process starts in a fraction of a second.
"""

import functools
import multiprocessing
import os
import pathlib
import pickle
import signal
import socket
import threading
from multiprocessing import connection

import cv2
import numpy as np

from input_pipeline import records, shards, statistics
from input_pipeline.conversion import images, jobs, shard_reports
from input_pipeline.conversion.sources import encodings, parquet_rows, source
from input_pipeline.conversion.sources.catalogue import Catalogue

# Images that the system is requested to fetch ahead of their use.
_READ_AHEAD_IMAGES = 16


class Worker:
    """Converts shards.

    Args:
        job: A `jobs.Job`.
        shared: A `jobs.SharedProgress`.
        slot: This process's index in it.
    """

    def __init__(self, job, shared, slot):
        self.job = job
        self.shared = shared
        self.slot = slot
        self.splits = list(job.num_shards)
        self.catalogues = {
            split: Catalogue.load(job.work_dir / f"catalogue-{split}")
            for split in self.splits
        }
        self.orders = {
            split: _order(split, catalogue, job.seed)
            for split, catalogue in self.catalogues.items()
        }

    def convert_shard(self, split, index):
        """Makes one shard and its report, unless both are there already.

        Returns:
            The number of images that belong to it.
        """
        catalogue, order = self.catalogues[split], self.orders[split]
        count = self.job.num_shards[split]
        start = index * len(order) // count
        end = (index + 1) * len(order) // count
        positions = order[start:end]
        digest = shard_reports.make_digest(catalogue, positions)
        report = shard_reports.load(self.job, split, index)
        path = self.job.shard_path(split, index)
        if (
            report
            and report["digest"] == digest
            and shard_reports.is_intact(path, report)
        ):
            self.shared.num_done[self.slot] += len(positions)
            return len(positions)
        self.shared.splits[self.slot] = self.splits.index(split)
        try:
            with shards.ShardWriter(path) as writer:
                report = self._convert(split, positions, writer)
                finished = writer.finish()
            report["digest"] = digest
            shard_reports.save(self.job, split, index, report, finished)
        except OSError as error:
            # A write fails without saying where.
            if error.filename is None:
                error.filename = str(path)
            raise
        self.shared.positions[self.slot] = -1
        return len(positions)

    def _convert(self, split, positions, writer):
        """Writes the records; returns what was odd, and the statistics."""
        report = {"skipped": [], "mended": [], "enlarged": 0}
        accumulator = statistics.Accumulator(self.job.image_size)
        catalogue = self.catalogues[split]
        for position in positions[:_READ_AHEAD_IMAGES]:
            catalogue.prefetch(position)
        for i, position in enumerate(positions):
            if self.shared.stop.value:
                raise KeyboardInterrupt
            self.shared.positions[self.slot] = position
            for later in positions[i + _READ_AHEAD_IMAGES :][:1]:
                catalogue.prefetch(later)
            try:
                serialized, image, what, enlarged = self._convert_image(
                    catalogue, int(position)
                )
            except images.ImageError as error:
                file = catalogue.location(position)
                if self.job.on_error == "fail":
                    message = source.describe_fault(file, str(error))
                    raise ValueError(message) from None
                report["skipped"].append({"file": file, "reason": str(error)})
            else:
                writer.write(serialized)
                report["enlarged"] += enlarged
                if what:
                    file = catalogue.location(position)
                    report["mended"].append({"file": file, "what": what})
                if split == "train":
                    accumulator.add(image)
            self.shared.num_done[self.slot] += 1
        report["statistics"] = accumulator.to_arrays()
        return report

    def _convert_image(self, catalogue, position):
        """Returns a record, its pixels, what was odd, and if it was small."""
        contents, label, name = encodings.read(catalogue, position)
        if not -1 <= label < len(self.job.synsets):
            raise images.ImageError(f"its label is {label}")
        jpeg, image, what = images.convert(
            contents,
            self.job.image_size,
            self.job.jpeg_quality,
            self.job.resample,
            self.job.resize,
        )
        synset = self.job.synsets[label] if label >= 0 else ""
        enlarged = images.is_smaller(contents, self.job.image_size)
        record = records.serialize(jpeg, label, name, synset)
        return record, image, what, enlarged


def start_process(job, shared):
    """Prepares a process that `convert_shard_here` is then called in."""
    global _worker
    follow_parent()
    with shared.next_slot.get_lock():
        slot = shared.next_slot.value
        shared.next_slot.value += 1
    cv2.setNumThreads(1)
    _worker = Worker(job, shared, slot)


def convert_shard_here(split, index):
    """Makes one shard in a process that `start_process` has prepared."""
    _worker.convert_shard(split, index)


def convert_shard_anywhere(path, task):
    """Makes one shard in any process of any machine.

    Args:
        path: Of the pickled `jobs.Job`.
        task: Pair of split and index.

    Returns:
        The number of images that belong to it.
    """
    try:
        contents = pathlib.Path(path).read_bytes()
    except FileNotFoundError:
        raise ValueError(
            f"{path} must be on a file system that all machines share. "
            f"Received: none such on {socket.gethostname()}"
        ) from None
    return make_worker(contents).convert_shard(*task)


@functools.lru_cache(1)
def make_worker(pickled_job):
    """Returns the worker of a job, which is kept for the next shard."""
    job = pickle.loads(pickled_job)
    return Worker(job, jobs.FileProgress(job.work_dir), 0)


def follow_parent():
    """Leaves Ctrl-C to the process that started this one, and ends with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()

    def wait():
        connection.wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _order(split, catalogue, seed):
    """Returns the order of the records; only training images are shuffled."""
    count = len(catalogue)
    if split != "train":
        return np.arange(count)
    # RandomState's streams never change between versions of NumPy.
    chance = np.random.RandomState(seed)
    if catalogue.encoding != "parquet":
        return chance.permutation(count)
    # Rows can only be read one after the other: their groups are shuffled.
    groups = parquet_rows.find_groups(catalogue.rows)
    ends = np.append(groups[1:], count)
    return np.concatenate(
        [np.arange(groups[i], ends[i]) for i in chance.permutation(len(groups))]
    )
