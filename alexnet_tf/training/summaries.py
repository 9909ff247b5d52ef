"""TensorBoard, the console and metrics.jsonl from one call."""

import contextlib
import datetime
import pathlib

import tensorflow as tf
from absl import logging

from alexnet_tf.training import board, history
from input_pipeline import files


class SilentWriter:
    """Writes nothing: the writer of every host but the first.

    Also a context manager, which closes the files.

    Args:
        workdir: Folder of the run, of whose events it reads.
        num_classes: Of the data set, for what is printed.
    """

    def __init__(self, workdir, num_classes=None):
        self.workdir = pathlib.Path(workdir)
        self.num_classes = num_classes

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        self.close()

    def manual_rate_events(self):
        """Returns the events of manual changes of the rate, of any step."""
        return [
            event
            for event in files.read_json_lines(self.workdir / "events.jsonl")
            if event["what"] in history.MANUAL_COMMANDS
        ]

    def handled_requests(self):
        """Returns the names of the requests that have an event."""
        return {
            event["request"]
            for event in files.read_json_lines(self.workdir / "events.jsonl")
            if "request" in event
        }

    def write(self, split, step, scalars):
        """Writes no scalars."""

    def log(self, split, step, scalars):
        """Prints nothing."""

    def images(self, step, name, images):
        """Writes no pictures."""

    def event(self, step, what, **facts):
        """Writes no event."""

    def histograms(self, step, arrays):
        """Writes no distributions."""

    def profile(self, step, steps):
        """Profiles nothing."""

    def hyperparameters(self, values):
        """Writes no settings."""

    def flush(self):
        """Has nothing to bring to the disk."""

    def close(self):
        """Has no files to end."""


class SummaryWriter(SilentWriter):
    """Writes what people watch while a network trains.

    Args:
        workdir: Folder of the run.
        first_step: Step at which this process begins. The lines that an
            interrupted process wrote for later steps are taken back, as they
            come again. Where it is 0 and checkpoints were there before, the
            run is begun anew: what the files said is put aside.
        to_epochs: Function from steps to epochs.
        num_classes: Of the data set, for what is printed.
    """

    def __init__(self, workdir, first_step, to_epochs, num_classes=None):
        super().__init__(workdir, num_classes)
        self.to_epochs = to_epochs
        self._profiling = False
        self._metrics = self.workdir / "metrics.jsonl"
        self._events = self.workdir / "events.jsonl"
        if not first_step and self._is_begun_anew():
            for path in (self._metrics, self._events):
                if path.exists():
                    files.move(path, path.with_suffix(".before.jsonl"))
        history.keep_up_to(self._metrics, first_step)
        history.keep_up_to(self._events, first_step)
        self._is_full = False
        self._writers = {}
        for split in ("train", "validation"):
            folder = str(self.workdir / "summaries" / split)
            with self._guarded():
                if first_step:
                    history.take_back_from(folder, first_step + 1)
            self._writers[split] = tf.summary.create_file_writer(folder)

    def _is_begun_anew(self):
        """Returns whether checkpoints were written and have been removed."""
        events = files.read_json_lines(self._events)
        return any(event["what"] == "save" for event in events)

    @contextlib.contextmanager
    def _guarded(self):
        """A scope in which a full disk costs figures, and not the run."""
        try:
            yield
        except (OSError, tf.errors.OpError) as error:
            if not self._is_full:
                logging.warning(
                    "Figures could not be written (%s). Training goes on "
                    "without them.",
                    error,
                )
            self._is_full = True

    def write(self, split, step, scalars):
        """Writes scalars of a step.

        Args:
            split: "train" or "validation".
            step: Updates so far.
            scalars: Dict of floats. Errors are fractions; percentages are
                for the console only.
        """
        epoch = self.to_epochs(step)
        with self._guarded(), self._writers[split].as_default():
            record = board.scalars(scalars, epoch)
            tf.summary.experimental.write_raw_pb(record, step=step)
        line = {"split": split, "step": step, "epoch": round(epoch, 4)}
        with self._guarded():
            files.append_json_line(self._metrics, {**line, **scalars})

    def log(self, split, step, scalars):
        """Prints a line of figures."""
        logging.info(
            "%s, step %d (epoch %.2f): %s",
            split,
            step,
            self.to_epochs(step),
            describe(scalars, self.num_classes),
        )

    def images(self, step, name, images):
        """Writes pictures for TensorBoard.

        Args:
            step: Updates so far.
            name: Of the picture.
            images: uint8 `(n, height, width, 3)`.
        """
        with self._guarded(), self._writers["train"].as_default():
            tf.summary.image(name, images, step=step, max_outputs=len(images))

    def event(self, step, what, **facts):
        """Writes a line of events.jsonl, such as a resume or a drop.

        Raises:
            OSError: The disk is full, and it is a manual change of the rate:
                a resumed run could not do it again.
        """
        epoch = round(self.to_epochs(step), 4)
        line = {"step": step, "epoch": epoch, "time": _now(), "what": what}
        is_needed = what in history.MANUAL_COMMANDS
        with contextlib.nullcontext() if is_needed else self._guarded():
            files.append_json_line(self._events, {**line, **facts})

    def histograms(self, step, arrays):
        """Writes the distribution of each array's values.

        Args:
            step: Updates so far.
            arrays: A dict by name.
        """
        with self._guarded(), self._writers["train"].as_default():
            for name, array in arrays.items():
                tf.summary.histogram(name, array, step=step)

    def profile(self, step, steps):
        """Starts or ends the profiler, for TensorBoard's profile page.

        Args:
            step: Updates so far.
            steps: First and last step to record, or nothing.
        """
        if not steps:
            return
        if step == steps[0]:
            tf.profiler.experimental.start(
                str(self.workdir / "summaries" / "train")
            )
            self._profiling = True
        elif self._profiling and step >= steps[1]:
            tf.profiler.experimental.stop()
            self._profiling = False

    def hyperparameters(self, values):
        """Writes settings for TensorBoard's HParams page.

        Args:
            values: Dict of numbers, strings and booleans.
        """
        with self._guarded(), self._writers["validation"].as_default():
            board.write_hyperparameters(values)

    def flush(self):
        """Brings everything to the disk."""
        for writer in self._writers.values():
            with self._guarded():
                writer.flush()

    def close(self):
        """Ends the files."""
        for writer in self._writers.values():
            with self._guarded():
                writer.close()


def describe(scalars, num_classes=None):
    """Returns a few words for people: errors as percentages, rounded.

    Args:
        scalars: Dict of floats.
        num_classes: With five or fewer, where top-5 is never wrong, it is
            left out.
    """
    words = []
    if num_classes is not None and num_classes <= 5:
        scalars = {k: v for k, v in scalars.items() if k != "top5_error"}
    if "loss" in scalars:
        words.append(f"loss {scalars['loss']:.3f}")
    for name, title in (("top1_error", "top-1"), ("top5_error", "top-5")):
        if name in scalars:
            words.append(f"{title} error {scalars[name]:.1%}")
    if "learning_rate" in scalars:
        words.append(f"rate {scalars['learning_rate']:.3g}")
    if "images_per_second" in scalars:
        words.append(f"{scalars['images_per_second']:.0f} images/s")
    if scalars.get("skipped_records"):
        words.append(f"{scalars['skipped_records']} records skipped")
    if scalars.get("waiting_share", 0) > 0.3:
        words.append(f"{scalars['waiting_share']:.0%} waiting for input")
    return ", ".join(words)


def _now():
    """Returns the time, to the second, with its zone."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
