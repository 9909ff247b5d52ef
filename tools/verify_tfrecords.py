"""Reads every record back: checksums, counts, labels, images.

    python -m tools.verify_tfrecords --data_dir=data/ilsvrc2012

Prints one line for each fault and ends with status 1 if there are any.
"""

if __name__ == "__main__" and not __package__:
    import by_path  # noqa: F401, makes it `python -m tools.NAME`

import sys

from absl import app

from alexnet_tf.cli import program
from alexnet_tf.cli.progress import Progress

flags = program.Flags()

_DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "Folder of the records: --data_dir=data/ilsvrc2012"
)
_NUM_PROCESSES = flags.DEFINE_integer(
    "num_processes", None, "Default: one a core: --num_processes=8"
)


def main(argv):
    """Verifies a data set and prints its faults."""
    del argv
    # Every process imports this file: what is heavy comes here.
    from input_pipeline import files, machine
    from input_pipeline.conversion import verification
    from input_pipeline.dataset_info import DatasetInfo

    data_dir, num_processes = _DATA_DIR.value, _NUM_PROCESSES.value
    if not data_dir:
        raise app.UsageError("Give --data_dir.")
    if num_processes is not None and num_processes < 1:
        raise app.UsageError("--num_processes must be 1 or more.")
    data_dir = files.local_path(data_dir)
    info = DatasetInfo.load(data_dir)
    total = sum(split.num_images for split in info.splits.values())
    with Progress("verify", total, "records") as progress:
        faults = verification.verify(
            data_dir, num_processes or machine.count_cores(), progress.update
        )
    for fault in faults:
        print(fault)
    if faults:
        print(
            f"error: {data_dir} must be as it was written. Received: "
            f"{len(faults)} faults. Remove it and convert again.",
            file=sys.stderr,
        )
        sys.exit(1)
    print(f"{data_dir}: {total} records, no faults")


if __name__ == "__main__":
    program.run(main, flags)
