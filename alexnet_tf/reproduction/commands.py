"""The commands of a run: train it, evaluate it; or average others."""

import dataclasses
import pathlib
import sys

from alexnet_tf.reproduction import result


@dataclasses.dataclass(frozen=True)
class Folders:
    """Where a run finds and leaves things.

    Attributes:
        output_dir: Of the queue.
        data: The records.
        name: Of the run.
    """

    output_dir: pathlib.Path
    data: pathlib.Path
    name: str

    @property
    def workdir(self):
        """The run's workdir."""
        return self.of(self.name)

    def of(self, name):
        """Returns the workdir of a run."""
        return self.output_dir / "runs" / name


def left(run, record, folders, members):
    """Yields the commands that are left of a run, one after another.

    Args:
        run: A `rows.Run`.
        record: What the queue knows of it; is looked at between commands.
        folders: `Folders`.
        members: Names of the runs that it needs.
    """
    if run.row.averages:
        yield from _average(folders, members)
        return
    if not record["trained"]:
        yield _program(
            "train",
            f"--config={record['config']}",
            f"--config.data.directory={folders.data}",
            *map(_override, record["changes"].items()),
            *(f"--config.init_from={folders.of(name)}" for name in members),
            f"--workdir={folders.workdir}",
        )
    step = result.last_step(folders.workdir)
    for crops in run.row.crops:
        name = f"validation-{step:08d}-{crops}.json"
        if not (folders.workdir / "predictions" / name).exists():
            yield _program(
                "evaluate",
                f"--workdir={folders.workdir}",
                "--checkpoint=last",
                f"--crops={crops}",
            )


def _average(folders, members):
    """Yields the command that averages other runs' predictions."""
    output = folders.workdir / result.AVERAGE
    output.parent.mkdir(parents=True, exist_ok=True)
    if not output.with_suffix(".json").exists():
        found = [
            next(folders.of(name).glob("predictions/validation-*-10.npz"))
            for name in members
        ]
        yield _program(
            "ensemble",
            f"--predictions={','.join(map(str, found))}",
            f"--output={output}",
        )


def _program(name, *flags):
    return [sys.executable, "-m", f"tools.{name}", *flags]


def _override(change):
    """Returns a change of the config as a flag."""
    field, value = change
    # JSON has no tuples, and the config no lists.
    value = tuple(value) if isinstance(value, list) else value
    return f"--config.{field}={value}"
