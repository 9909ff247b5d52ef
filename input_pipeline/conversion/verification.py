"""Reads every record of a data set back and lists what is wrong."""

import hashlib
import multiprocessing
import os
import pathlib
import struct
from concurrent import futures

import numpy as np

from input_pipeline import dataset_info, record_index, records, statistics
from input_pipeline.conversion import images, worker
from input_pipeline.conversion.sources import encodings
from input_pipeline.dataset_info import DatasetInfo

_READ_BYTES = 2**22


def verify(data_dir, num_processes=1, report=None):
    """Returns the faults of a data set, each with shard and record.

    Args:
        data_dir: Folder of the records.
        num_processes: How many read at once.
        report: Function that is called with the number of records read.

    Returns:
        A list of lines; empty if everything is as it was written.
    """
    data_dir = pathlib.Path(data_dir)
    info = DatasetInfo.load(data_dir)
    tasks = [
        (data_dir, info, split, index)
        for split, value in info.splits.items()
        for index in range(len(value.shards))
    ]
    faults = _verify_statistics(data_dir, info)
    faults += _find_strays(data_dir, info)
    offsets = {split: [] for split in info.splits}
    for task, found in _map(tasks, num_processes):
        faults += found[0]
        offsets[task[2]].append(found[1])
        if report is not None:
            report(info.splits[task[2]].shards[task[3]].num_images)
    if not faults:
        for split, found in offsets.items():
            faults += _verify_index(data_dir, info, split, found)
    return faults


def _map(tasks, num_processes):
    """Yields tasks and their results in order."""
    if num_processes == 1:
        for task in tasks:
            yield task, _verify_shard(*task)
        return
    pool = futures.ProcessPoolExecutor(
        min(num_processes, len(tasks)),
        mp_context=multiprocessing.get_context("spawn"),
        initializer=worker.follow_parent,
    )
    try:
        yield from zip(
            tasks,
            pool.map(_verify_shard, *zip(*tasks, strict=True)),
            strict=True,
        )
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _verify_shard(data_dir, info, split, index):
    """Returns the faults of a shard and the offsets of its records."""
    shard = info.splits[split].shards[index]
    try:
        with open(data_dir / shard.file, "rb") as file:
            faults, offsets, digest = _read_shard(file, shard.file, info)
    except FileNotFoundError:
        return [f"{shard.file}: it is missing"], []
    if digest != shard.sha256:
        words = f"{shard.file}: its checksum is not that of dataset.json"
        faults.insert(0, words)
    if len(offsets) != shard.num_images:
        faults.append(
            f"{shard.file}: it has {len(offsets)} records instead of "
            f"{shard.num_images}"
        )
    return faults, offsets


def _read_shard(file, name, info):
    """Reads a shard record by record.

    Returns:
        Faults, the offsets of the records, and the checksum of the file.
    """
    size_bytes = os.fstat(file.fileno()).st_size
    sha256, faults, offsets, start = hashlib.sha256(), [], [], 0
    while start < size_bytes:
        where = f"{name}, record {len(offsets)}"
        header = file.read(records.HEADER_BYTES)
        sha256.update(header)
        length = records.read_length(header)
        payload = start + records.HEADER_BYTES
        start = payload + (length or 0) + records.FOOTER_BYTES
        if length is None or start > size_bytes:
            faults.append(f"{where}: it is damaged or cut off; the rest of the "
                          "shard cannot be read")  # fmt: skip
            break
        offsets.append(payload)
        serialized, footer = file.read(length), file.read(records.FOOTER_BYTES)
        sha256.update(serialized)
        sha256.update(footer)
        if footer != struct.pack("<I", records.masked_crc(serialized)):
            faults.append(f"{where}: it does not match its checksum")
            continue
        faults += [f"{where}: {fault}" for fault in _judge(serialized, info)]
    while block := file.read(_READ_BYTES):
        sha256.update(block)
    return faults, offsets, sha256.hexdigest()


def _find_strays(data_dir, info):
    """Returns what is wrong with files that look like shards."""
    known = {s.file for split in info.splits.values() for s in split.shards}
    return [
        f"{path.name}: {dataset_info.FILE_NAME} does not name it"
        for path in sorted(data_dir.glob("*.tfrecord-*"))
        if path.name not in known
    ]


def _judge(serialized, info):
    """Yields what is wrong with the contents of a record."""
    try:
        fields = encodings.parse_example(serialized)
        if set(fields) != {"image", "label", "file_name", "synset"}:
            yield f"it has the fields {sorted(fields)}"
            return
        label = fields["label"]
        if not -1 <= label < info.num_classes:
            yield f"its label is {label}"
        elif label >= 0 and fields["synset"].decode() != info.synsets[label]:
            yield f"its synset is not that of label {label}"
        image, _ = images.decode(fields["image"])
    except images.ImageError as error:
        yield f"its image: {error}"
        return
    size = info.image_size
    if size and image.shape != (size, size, 3):
        yield f"its image has the shape {image.shape}"


def _verify_statistics(data_dir, info):
    """Returns what is wrong with statistics.npz."""
    try:
        count = statistics.Statistics.load(data_dir).count
    except (FileNotFoundError, ValueError) as error:
        return [str(error)]
    expected = info.splits["train"].num_images
    if count != expected:
        return [f"statistics.npz: of {count} images instead of {expected}"]
    return []


def _verify_index(data_dir, info, split, offsets):
    """Returns what is wrong with the index of a split."""
    index = record_index.load_index(data_dir, info, split)
    if not np.array_equal(index.offset, np.concatenate(offsets)):
        return [f"index-{split}.npz: it does not match the shards; remove it"]
    return []
