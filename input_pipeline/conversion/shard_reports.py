"""Reports of finished shards, by which a later call knows them again."""

import dataclasses
import hashlib
import json
import os
import zipfile

import numpy as np

from input_pipeline import files

_READ_BYTES = 2**22


def load(job, split, index):
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


def save(job, split, index, report, finished):
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


def make_digest(catalogue, positions):
    """Returns a checksum of what a shard is made from.

    Of which images, where they are, and when their files or archives were
    changed, or what they begin with.
    """
    digest = hashlib.sha256(catalogue.encoding.encode())
    rows = catalogue.rows[positions]
    for field in ("label", "stamp", "offset", "size"):
        digest.update(np.ascontiguousarray(rows[field]).tobytes())
    for container in np.unique(rows["container"][rows["size"] >= 0]):
        changed = os.stat(catalogue.containers[container]).st_mtime_ns
        digest.update(str(changed).encode())
    for position in positions:
        container = catalogue.containers[catalogue.rows["container"][position]]
        digest.update(os.fsencode(container) + b"\0")
        digest.update(catalogue.raw_name(position) + b"\0")
    return digest.hexdigest()


def is_intact(path, report):
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
