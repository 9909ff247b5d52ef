"""What an interrupted process wrote of later steps, taken back on resume."""

import json
import pathlib

import tensorflow as tf
from tensorboard.compat.proto import event_pb2

from input_pipeline import files

# A manual change comes again at its own step when a run resumes before it.
MANUAL_COMMANDS = ("drop", "set")


def keep_up_to(path, step):
    """Drops the lines of later steps, and those that are not whole."""
    if not path.exists():
        return
    kept = [
        json.dumps(line) + "\n"
        for line in files.read_json_lines(path)
        if line["step"] <= step or line.get("what") in MANUAL_COMMANDS
    ]
    files.write_atomically(path, "".join(kept).encode())


def take_back_from(folder, step):
    """Removes what TensorBoard's files say from a step on: it comes again."""
    for path in sorted(pathlib.Path(folder).glob("events.out.tfevents.*")):
        kept, taken_back = [], False
        try:
            for record in tf.data.TFRecordDataset(str(path)):
                event = event_pb2.Event.FromString(record.numpy())
                taken_back |= event.step >= step
                if event.step < step:
                    kept.append(record.numpy())
        except tf.errors.DataLossError:
            # The process died while it wrote the last record.
            taken_back = True
        if taken_back:
            with (
                files.unfinished(path) as temporary,
                tf.io.TFRecordWriter(str(temporary)) as writer,
            ):
                for record in kept:
                    writer.write(record)
