"""Writes shards, which appear under their names only when complete."""

import dataclasses
import hashlib
import pathlib

import numpy as np

from input_pipeline import dataset_info, files, records


@dataclasses.dataclass
class FinishedShard:
    """What a `ShardWriter` has written.

    Attributes:
        shard: File name, number of images and checksum.
        size_bytes: Of the file.
        offsets: `(n,)` int64, where each payload starts.
        lengths: `(n,)` int32, bytes of each payload.
    """

    shard: dataset_info.Shard
    size_bytes: int
    offsets: np.ndarray
    lengths: np.ndarray


class ShardWriter:
    """Writes one shard, which has its name only when it is complete.

        with ShardWriter(path) as writer:
            writer.write(serialized)
            finished = writer.finish()

    Args:
        path: Of the finished shard.
    """

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.temporary = files.make_temporary_path(self.path)
        self.file = open(self.temporary, "wb")  # noqa: SIM115
        self.sha256 = hashlib.sha256()
        self.size_bytes = 0
        self.offsets = []
        self.lengths = []

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        try:
            self.file.close()
        except OSError:
            if kind is None:
                raise
        self.temporary.unlink(missing_ok=True)

    def write(self, serialized):
        """Appends one record."""
        framed = records.frame(serialized)
        self.file.write(framed)
        self.sha256.update(framed)
        self.offsets.append(self.size_bytes + records.HEADER_BYTES)
        self.lengths.append(len(serialized))
        self.size_bytes += len(framed)

    def finish(self):
        """Makes the shard durable, gives it its name, and describes it."""
        self.file.close()
        files.commit(self.temporary, self.path)
        return FinishedShard(
            shard=dataset_info.Shard(
                file=self.path.name,
                num_images=len(self.lengths),
                sha256=self.sha256.hexdigest(),
            ),
            size_bytes=self.size_bytes,
            offsets=np.array(self.offsets, np.int64),
            lengths=np.array(self.lengths, np.int32),
        )
