"""What a process of the converter is given: the job, and who is how far."""

import dataclasses
import pathlib
import time

from input_pipeline import records

# Its presence in the work folder ends the work of other machines.
STOP = "stop"
_SECONDS_BETWEEN_CHECKS = 1.0


@dataclasses.dataclass
class Job:
    """All that a process needs to know.

    Attributes:
        output_dir: Folder of the records.
        work_dir: Folder of what is needed until they are complete.
        name: Of the data set.
        image_size: Side in pixels; 0 keeps the size.
        jpeg_quality: From 1 to 100.
        resample: The filter.
        resize: "shorter side" or "squash".
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
    resample: str
    resize: str
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


class FileProgress:
    """Instead of `SharedProgress` where processes share only a disk.

    Args:
        work_dir: Folder in which `STOP` appears when there is no more to do.
    """

    def __init__(self, work_dir):
        self.stop = _StopFile(work_dir / STOP)
        self.num_done, self.splits, self.positions = [0], [-1], [-1]


class _StopFile:
    """Says whether a file has appeared; checks once a second."""

    def __init__(self, path):
        self.path = path
        self.checked = 0.0

    @property
    def value(self):
        """Whether to stop."""
        now = time.monotonic()
        if now < self.checked + _SECONDS_BETWEEN_CHECKS:
            return False
        self.checked = now
        return self.path.exists()
