"""Changes a running job by hand, as the authors did.

    python -m tools.control --workdir=runs/alexnet status
    python -m tools.control --workdir=runs/alexnet drop
    python -m tools.control --workdir=runs/alexnet set 0.0005
    python -m tools.control --workdir=runs/alexnet save
    python -m tools.control --workdir=runs/alexnet stop

drop divides the learning rate by --config.optimizer.divisor of the run (10),
set makes it what is named, save writes a checkpoint, stop saves and ends. The
job acts at its next step; this program waits until it has. What a schedule
does afterwards goes on from there: its next drop divides the new rate.
"""

if __name__ == "__main__" and not __package__:
    import by_path  # noqa: F401, makes it `python -m tools.NAME`

import pathlib
import time

from absl import app

from alexnet_tf.cli import program
from alexnet_tf.training import control
from input_pipeline import files

flags = program.Flags()

_WORKDIR = flags.DEFINE_string(
    "workdir",
    None,
    "Folder of the job, such as runs/alexnet.",
    required=True,
)
_TIMEOUT = flags.DEFINE_float(
    "timeout",
    600.0,
    "Seconds to wait for the job to act, such as 30; an evaluation may come "
    "first.",
)


def main(argv):
    """Sends one command, or prints the state of the job."""
    command, rate = _parse(argv[1:])
    workdir = pathlib.Path(_WORKDIR.value)
    if not (workdir / "config.json").exists():
        raise FileNotFoundError(
            f"{workdir} holds no config.json: it is no workdir. Make one "
            "with: python -m tools.train --help"
        )
    if command == "status":
        print(describe(workdir))
        return
    if not control.lock_owner(workdir):
        raise ValueError(
            f"A job must be at work in {workdir}. Found: none. Start it with "
            "python -m tools.train."
        )
    name = control.send_request(workdir, command, rate)
    event = _wait(workdir, name)
    after = f", rate {event['after']:.6g}" if "after" in event else ""
    print(f"{command}: done at step {event['step']}{after}")


main.takes_arguments = True


def describe(workdir):
    """Returns the state of a job, in a few lines."""
    lines = [f"job: {control.lock_owner(workdir) or 'none at work'}"]
    metrics = files.read_json_lines(workdir / "metrics.jsonl")
    for split in ("train", "validation"):
        of_split = [m for m in metrics if m["split"] == split]
        if of_split:
            words = (
                f"{name} {value:.6g}"
                for name, value in of_split[-1].items()
                if isinstance(value, (int, float)) and "/" not in name
            )
            lines.append(f"{split}: {', '.join(words)}")
    for event in files.read_json_lines(workdir / "events.jsonl")[-8:]:
        rest = {
            k: v
            for k, v in event.items()
            if k not in ("step", "epoch", "time", "what", "request")
        }
        words = ", ".join(f"{k} {v}" for k, v in rest.items())
        lines.append(
            f"{event['time']} step {event['step']}: {event['what']} {words}"
        )
    return "\n".join(line.rstrip() for line in lines)


def _parse(words):
    """Returns the command and the rate of a command line."""
    known = (*control.COMMANDS, "status")
    if not words or words[0] not in known:
        raise app.UsageError(
            f"Name one command of {', '.join(known)}. Received: {words}"
        )
    if len(words) != (2 if words[0] == "set" else 1):
        raise app.UsageError(f"Received too much or too little: {words}")
    if words[0] != "set":
        return words[0], None
    try:
        return "set", float(words[1])
    except ValueError:
        raise app.UsageError(
            f"The rate must be a number, such as 0.0005. Received: {words[1]}"
        ) from None


def _wait(workdir, name):
    """Returns the event by which the job says that it has acted."""
    until = time.monotonic() + _TIMEOUT.value
    while time.monotonic() < until:
        for event in reversed(files.read_json_lines(workdir / "events.jsonl")):
            if event.get("request") == name:
                return event
        if not control.lock_owner(workdir):
            break
        time.sleep(0.1)
    control.cancel_request(workdir, name)
    raise ValueError(
        f"The job of {workdir} must act within {_TIMEOUT.value:.0f} seconds. "
        "It did not, and the request was taken back. See: python -m "
        f"tools.control --workdir={workdir} status"
    )


if __name__ == "__main__":
    program.run(main, flags)
