"""How far the queue has come, in words."""

import json
import pathlib

from alexnet_tf.experiment import workdir as workdirs
from alexnet_tf.reproduction import queue, result, rows
from input_pipeline import files, held_out


def describe(table, output_dir):
    """Returns what is done, begun and to come, with the time left.

    Args:
        table: `rows.Row`s.
        output_dir: Folder of the queue.
    """
    output_dir = pathlib.Path(output_dir)
    done = queue.load_results(output_dir)
    lines, left = [], 0.0
    for run in rows.runs_in_order(table, done):
        if run.name in done:
            lines.append(f"done     {run.name}: {_done(done[run.name])}")
            continue
        hours = _expected_hours(run.row, done)
        share = _share(output_dir / "runs" / run.name)
        record = _record(output_dir, run.name)
        if share:
            # What it took so far says more than what was reckoned.
            hours = record["seconds"] / 3600 / share
        left += hours * (1 - share)
        state = f"{share:.1%} done, " if record else ""
        lines.append(
            f"{'begun   ' if record else 'to come '} {run.name}: {state}"
            f"{hours * (1 - share):.1f} h left"
        )
    for row, needed in rows.waiting_rows(table, done):
        hours = _expected_hours(row, done) * len(row.seeds)
        left += hours
        lines.append(f"waits    {row.name}: for {needed}, about {hours:.1f} h")
    lines.append(f"about {left:.1f} h left, if the machine has nothing else")
    return "\n".join(lines)


def _done(found):
    """Returns a finished run in words."""
    return f"{result.describe(found)}, revision {found['revision']}"


def _expected_hours(row, done):
    """Returns what a run takes: as measured in its row, else as reckoned."""
    measured = [d["hours"] for d in done.values() if d["row"] == row.name]
    return sum(measured) / len(measured) if measured else row.hours


def _record(output_dir, name):
    """Returns what the queue knows of a run, or nothing."""
    path = output_dir / "records" / f"{name}.json"
    if not path.exists():
        return {}
    return json.loads(path.read_text(encoding="utf-8"))


def _share(workdir):
    """Returns how much of a training is done, a fraction."""
    path = workdir / "metrics.jsonl"
    if not path.exists():
        return 0.0
    lines = files.read_json_lines(path)
    if not lines:
        return 0.0
    config = workdirs.read_config(workdir)
    info = json.loads((workdir / "dataset.json").read_text(encoding="utf-8"))
    num_images = info["splits"]["train"]["num_images"]
    total = config.training.total_steps or held_out.Epochs(
        num_images, config.data
    ).steps(config.training.total_epochs)
    return min(1.0, lines[-1]["step"] / total)
