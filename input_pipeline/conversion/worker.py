"""What one process of the converter does: shard after shard.

Imports no TensorFlow: a process starts in a fraction of a second.
"""

import dataclasses
import hashlib
import json
import multiprocessing
import os
import pathlib
import signal
import threading
import zipfile
from multiprocessing import connection

import cv2
import numpy as np

from input_pipeline import files, records, shards, statistics
from input_pipeline.conversion import images
from input_pipeline.conversion.sources import encodings, source
from input_pipeline.conversion.sources.catalogue import Catalogue

# Images that the system is requested to fetch ahead of their use.
_READ_AHEAD_IMAGES = 16
_READ_BYTES = 2**22


@dataclasses.dataclass
class Job:
    """All that a process needs to know.

    Attributes:
        output_dir: Folder of the records.
        work_dir: Folder of what is needed until they are complete.
        name: Of the data set.
        image_size: Side in pixels; 0 keeps the size.
        jpeg_quality: From 1 to 100.
        seed: Of the order of the training records.
        on_error: "fail" or "skip".
        synsets: By label.
        num_shards: By name of the split.
    """

    output_dir: pathlib.Path
    work_dir: pathlib.Path
    name: str
    image_size: int
    jpeg_quality: int
    seed: int
    on_error: str
    synsets: list[str]
    num_shards: dict[str, int]

    def shard_path(self, split, index):
        """Returns the final path of a shard."""
        count = self.num_shards[split]
        return self.output_dir / records.shard_name(
            self.name, split, index, count
        )

    def result_path(self, split, index):
        """Returns where the report of a finished shard is stored."""
        return self.work_dir / f"{split}-{index:05d}.npz"


class SharedProgress:
    """Memory that the processes share: who is where, and whether to stop.

    Args:
        context: Of `multiprocessing`.
        num_processes: How many processes write to it.
    """

    def __init__(self, context, num_processes):
        self.stop = context.RawValue("b", 0)
        self.next_slot = context.Value("i", 0)
        self.num_done = context.RawArray("q", num_processes)
        # Split and position of the image in work, -1 for none.
        self.splits = context.RawArray("i", [-1] * num_processes)
        self.positions = context.RawArray("q", [-1] * num_processes)


class Worker:
    """Converts shards.

    Args:
        job: A `Job`.
        shared: A `SharedProgress`.
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
            split: _order(split, len(catalogue), job.seed)
            for split, catalogue in self.catalogues.items()
        }

    def convert_shard(self, split, index):
        """Makes one shard and its report, unless both are there already."""
        catalogue, order = self.catalogues[split], self.orders[split]
        count = self.job.num_shards[split]
        start = index * len(order) // count
        end = (index + 1) * len(order) // count
        positions = order[start:end]
        digest = _digest(catalogue, positions)
        report = load_shard_report(self.job, split, index)
        path = self.job.shard_path(split, index)
        if report and report["digest"] == digest and _is_intact(path, report):
            self.shared.num_done[self.slot] += len(positions)
            return
        self.shared.splits[self.slot] = self.splits.index(split)
        try:
            with shards.ShardWriter(path) as writer:
                report = self._convert(split, positions, writer)
                finished = writer.finish()
            report["digest"] = digest
            _save_shard_report(self.job, split, index, report, finished)
        except OSError as error:
            # A write fails without saying where.
            if error.filename is None:
                error.filename = str(path)
            raise
        self.shared.positions[self.slot] = -1

    def _convert(self, split, positions, writer):
        """Writes the records; returns what was odd, and the statistics."""
        report = {"skipped": [], "mended": []}
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
                serialized, image, what = self._convert_image(
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
                if what:
                    file = catalogue.location(position)
                    report["mended"].append({"file": file, "what": what})
                if split == "train":
                    accumulator.add(image)
            self.shared.num_done[self.slot] += 1
        report["statistics"] = accumulator.to_arrays()
        return report

    def _convert_image(self, catalogue, position):
        """Returns a record, its pixels, and what was odd about the file."""
        contents, label, name = encodings.read(catalogue, position)
        if not -1 <= label < len(self.job.synsets):
            raise images.ImageError(f"its label is {label}")
        jpeg, image, what = images.convert(
            contents, self.job.image_size, self.job.jpeg_quality
        )
        synset = self.job.synsets[label] if label >= 0 else ""
        return records.serialize(jpeg, label, name, synset), image, what


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


def follow_parent():
    """Leaves Ctrl-C to the process that started this one, and ends with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()

    def wait():
        connection.wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def load_shard_report(job, split, index):
    """Returns the report of a finished shard, None if there is none.

    A dict: `shard` (a dict of `dataset_info.Shard`), `size_bytes`, `digest`,
    `skipped`, `mended`, `offsets`, `lengths`, and `statistics`, a dict of
    arrays.
    """
    try:
        with np.load(job.result_path(split, index)) as saved:
            arrays = dict(saved)
        report = json.loads(str(arrays.pop("report")))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    report["offsets"] = arrays.pop("offsets")
    report["lengths"] = arrays.pop("lengths")
    report["statistics"] = arrays
    return report


def _save_shard_report(job, split, index, report, finished):
    """Writes the report of a shard that is complete."""
    arrays = report.pop("statistics")
    report["shard"] = dataclasses.asdict(finished.shard)
    report["size_bytes"] = finished.size_bytes
    files.write_arrays(
        job.result_path(split, index),
        report=np.array(json.dumps(report)),
        offsets=finished.offsets,
        lengths=finished.lengths,
        **arrays,
    )


def _order(split, count, seed):
    """Returns the order of the records; only training images are shuffled."""
    if split != "train":
        return np.arange(count)
    # RandomState's streams never change between versions of NumPy.
    return np.random.RandomState(seed).permutation(count)


def _digest(catalogue, positions):
    """Returns a checksum of which images a shard holds."""
    digest = hashlib.sha256(catalogue.encoding.encode())
    rows = catalogue.rows[positions]
    for field in ("label", "offset", "size"):
        digest.update(np.ascontiguousarray(rows[field]).tobytes())
    for position in positions:
        digest.update(catalogue.location(position).encode("utf-8", "replace"))
    return digest.hexdigest()


def _is_intact(path, report):
    """Says whether a shard is as its report says."""
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            if os.fstat(file.fileno()).st_size != report["size_bytes"]:
                return False
            while block := file.read(_READ_BYTES):
                digest.update(block)
    except FileNotFoundError:
        return False
    return digest.hexdigest() == report["shard"]["sha256"]
