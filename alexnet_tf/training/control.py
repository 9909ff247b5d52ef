"""Requests to a running job, as files: it carries them out at its next step.

    runs/alexnet/control/00000001790000000000000000.json     a request
    runs/alexnet/.lock                                       held by the job

A request is written under another name and renamed; the job removes it after
it has carried it out and recorded that in events.jsonl. Nothing else connects
the two: no signal, no port.
"""

import json
import os
import pathlib
import time

from input_pipeline import files

COMMANDS = ("drop", "set", "save", "stop")


def send_request(workdir, command, rate=None):
    """Leaves a request for the job of a workdir.

    Args:
        workdir: Of the job.
        command: "drop" divides the rate, "set" makes it `rate`, "save"
            writes a checkpoint, "stop" saves and ends.
        rate: For "set".

    Returns:
        The name of the request, which its event bears.

    Raises:
        ValueError: There is no such command, or the rate could not train.
    """
    if command not in COMMANDS:
        raise ValueError(
            f"The command must be one of {', '.join(COMMANDS)}. "
            f"Received: {command!r}"
        )
    if command == "set" and not (rate and 0 < rate < float("inf")):
        raise ValueError(f"set needs a rate above 0. Received: {rate}")
    folder = pathlib.Path(workdir) / "control"
    folder.mkdir(exist_ok=True)
    name = f"{time.time_ns():026d}"
    request = {"command": command, "rate": rate}
    files.write_json(folder / f"{name}.json", request)
    return name


def cancel_request(workdir, name):
    """Takes a request back that nobody has answered."""
    path = pathlib.Path(workdir) / "control" / f"{name}.json"
    path.unlink(missing_ok=True)


class Requests:
    """The requests to a job, in the order in which they were made.

    Args:
        workdir: Of the job.
    """

    def __init__(self, workdir):
        self.folder = pathlib.Path(workdir) / "control"

    def next(self):
        """Returns the oldest request: its name and its dict, or `None`.

        One that cannot be read is put aside as NAME.refused.
        """
        try:
            names = [n for n in os.listdir(self.folder) if n.endswith(".json")]
        except FileNotFoundError:
            return None
        for name in sorted(names):
            path = self.folder / name
            try:
                request = json.loads(path.read_text(encoding="utf-8"))
                if request["command"] in COMMANDS:
                    if request["command"] == "set":
                        rate = float(request["rate"])
                        if not 0 < rate < float("inf"):
                            raise ValueError(rate)
                        request["rate"] = rate
                    return path.stem, request
            except FileNotFoundError:
                # Cancelled a moment ago.
                continue
            except (KeyError, OSError, TypeError, ValueError):
                pass
            files.move(path, path.with_suffix(".refused"))
        return None

    def done(self, name):
        """Removes a request that has been carried out."""
        (self.folder / f"{name}.json").unlink(missing_ok=True)


def lock(workdir):
    """A scope that keeps a second job out of a workdir.

    Args:
        workdir: Of the job, a folder that exists.

    Raises:
        ValueError: Another job is at work there.
    """
    return files.locked(
        pathlib.Path(workdir) / ".lock",
        lambda owner: (
            f"{workdir} must have one job at a time. Found: {owner} at work "
            f"there. Stop it with: python -m tools.control "
            f"--workdir={workdir} stop"
        ),
    )


def lock_owner(workdir):
    """Returns who trains in a workdir, in words, or `None` for nobody."""
    return files.lock_owner(pathlib.Path(workdir) / ".lock")
