"""Runs the rows of a table one after another, and goes on where it stopped.

OUTPUT_DIR/
    data/NAME/          records, made once with tools.build_tfrecords
    code/REVISION/      the checkout that runs are made with
    runs/NAME/          workdirs
    records/NAME.json   what a run is and how far it has come
    logs/NAME.log       what its programs print
    results/NAME.json   what it has measured; then it is done
"""

import json
import pathlib
import shutil
import time

from absl import logging

from alexnet_tf.reproduction import commands, process, result, rows, turns
from input_pipeline import files

_NEEDED_BYTES = 500_000_000
_RETRY_SECONDS = 30.0
_SAVE_SECONDS = 30.0
_ATTEMPTS = 3


class Queue:
    """The queue of an output folder.

    Args:
        table: `rows.Row`s.
        output_dir: Folder of everything that the queue keeps.
        revision: Of the code that new runs are made with; it must be in
            OUTPUT_DIR/code. Runs that have begun go on with theirs.
        retry_seconds: Between two attempts at a run, or at a full disk.
        niceness: Of the programs, 0 to 19.
    """

    def __init__(
        self,
        table,
        output_dir,
        revision,
        *,
        retry_seconds=_RETRY_SECONDS,
        niceness=process.LOWEST_PRIORITY,
    ):
        self.table = table
        self.output_dir = pathlib.Path(output_dir).absolute()
        self.revision = revision
        self.retry_seconds = retry_seconds
        self.niceness = niceness
        self._stopping = False
        self._process = None
        self._failures = {}

    def run(self):
        """Runs what is not done, to the end or until `stop`.

        Returns:
            The names of runs that failed again and again.

        Raises:
            KeyboardInterrupt: It was stopped.
            ValueError: Another queue is at work in the folder.
        """
        for name in ("code", "runs", "records", "logs", "results"):
            (self.output_dir / name).mkdir(parents=True, exist_ok=True)
        for row in self.table:
            self._data(row)
        with lock(self.output_dir), turns.Turn() as turn:
            while not self._stopping:
                run = self._next()
                if run is None:
                    return self._given_up()
                try:
                    self._attempt(run, turn)
                except OSError as error:
                    # A full disk, most of all: what is there is whole.
                    logging.warning("%s: %s", run.name, error)
                    self._wait()
        raise KeyboardInterrupt

    def stop(self):
        """Has the running program save, and ends the queue."""
        self._stopping = True
        if self._process is not None:
            self._process.stop()

    def _next(self):
        """Returns the next run that is neither done nor given up."""
        done = load_results(self.output_dir)
        for run in rows.runs_in_order(self.table, done):
            if run.name not in done and run.name not in self._given_up():
                return run
        return None

    def _given_up(self):
        """Returns the names of runs that failed too often in this call."""
        return [n for n, f in self._failures.items() if f >= _ATTEMPTS]

    def _attempt(self, run, turn):
        """Does what is left of a run; counts a failure."""
        self._wait_for_room()
        record = self._open_record(run)
        folders = commands.Folders(
            self.output_dir, self._data(run.row), run.name
        )
        members = sorted(rows.needs(run, self.table))
        for command in commands.left(run, record, folders, members):
            if self._stopping:
                return
            logging.info("%s: %s", run.name, " ".join(command))
            status = self._execute(run, record, command, turn)
            if self._stopping:
                return
            if status and _has_diverged(self._log(run)):
                logging.info("%s: its loss is no number.", run.name)
                record["diverged"] = True
                break
            if status:
                self._fail(run, status)
                return
            if not record["trained"]:
                record["trained"] = True
                self._write("records", run.name, record)
        if run.row.averages:
            done = load_results(self.output_dir)
            found = result.collect_average(
                folders.workdir, record, [done[name] for name in members]
            )
        else:
            found = result.collect(folders.workdir, record)
        self._write("results", run.name, found)
        logging.info("%s: %s", run.name, result.describe(found))

    def _fail(self, run, status):
        """Counts a failure; a full disk is none of the run's."""
        if shutil.disk_usage(self.output_dir).free >= _NEEDED_BYTES:
            self._failures[run.name] = self._failures.get(run.name, 0) + 1
        logging.warning(
            "%s ended with status %d; see %s", run.name, status, self._log(run)
        )
        self._wait()

    def _execute(self, run, record, command, turn):
        """Runs a command of a run, and keeps account of its time."""
        saved = time.monotonic()
        before = record["seconds"], record["cpu_seconds"]
        program = process.Process(
            command,
            self.output_dir / "code" / record["revision"],
            self._log(run),
            turn,
            self.niceness,
        )

        def account():
            nonlocal saved
            record["seconds"] = before[0] + program.seconds
            record["cpu_seconds"] = before[1] + program.cpu_seconds
            if time.monotonic() - saved > _SAVE_SECONDS:
                saved = time.monotonic()
                self._write("records", run.name, record)

        self._process = program
        try:
            status = program.run(account)
        finally:
            self._process = None
        self._write("records", run.name, record)
        return status

    def _open_record(self, run):
        """Returns what a run is, as it was when it began."""
        path = self.output_dir / "records" / f"{run.name}.json"
        if path.exists():
            return json.loads(path.read_text(encoding="utf-8"))
        record = {
            "name": run.name,
            "row": run.row.name,
            "claim": run.row.claim,
            "config": run.row.config,
            "changes": run.changes,
            "seed": run.seed,
            "revision": self.revision,
            "trained": False,
            "diverged": False,
            "seconds": 0.0,
            "cpu_seconds": 0.0,
        }
        self._write("records", run.name, record)
        return record

    def _data(self, row):
        """Returns the folder of a row's records.

        Raises:
            FileNotFoundError: Nobody has made them.
        """
        folder = self.output_dir / "data" / row.data
        if not (folder / "dataset.json").exists():
            raise FileNotFoundError(
                f"{folder} must hold the records of {row.data}. There is "
                "no dataset.json. Make them with: python -m "
                f"tools.build_tfrecords --output_dir={folder} --help"
            )
        return folder

    def _wait_for_room(self):
        """Waits until the disk has room for a run."""
        while not self._stopping:
            free = shutil.disk_usage(self.output_dir).free
            if free >= _NEEDED_BYTES:
                return
            logging.warning(
                "%s has %d MB free. Waiting for %d MB.",
                self.output_dir,
                free // 10**6,
                _NEEDED_BYTES // 10**6,
            )
            self._wait()

    def _wait(self):
        """Lets some time pass before the next attempt."""
        until = time.monotonic() + self.retry_seconds
        while not self._stopping and time.monotonic() < until:
            time.sleep(0.1)

    def _log(self, run):
        return self.output_dir / "logs" / f"{run.name}.log"

    def _write(self, folder, name, contents):
        """Writes a file of JSON, whole or not at all."""
        text = json.dumps(contents, indent=1) + "\n"
        path = self.output_dir / folder / f"{name}.json"
        files.write_atomically(path, text.encode())


def load_results(output_dir):
    """Returns the finished runs' results, by name."""
    paths = sorted((pathlib.Path(output_dir) / "results").glob("*.json"))
    return {p.stem: json.loads(p.read_text(encoding="utf-8")) for p in paths}


def lock(output_dir):
    """A scope that keeps a second queue out of a folder.

    Raises:
        ValueError: A queue is at work there.
    """
    return files.locked(
        pathlib.Path(output_dir) / "lock",
        lambda owner: (
            f"{output_dir} must have one queue at a time. Found: another one "
            f"at work, {owner}. See how far it is with --status."
        ),
    )


def _has_diverged(log):
    """Returns whether a run ended because its loss is no number."""
    with open(log, "rb") as file:
        file.seek(max(0, file.seek(0, 2) - 2000))
        return b"error: The loss is" in file.read()
