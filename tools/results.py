"""Collects what runs have measured into docs/results and README's table.

    python -m tools.results --workdirs=runs/demo,runs/alexnet

Each run becomes a file docs/results/NAME.json, from what tools.evaluate wrote
with its predictions; the table between README's two marks is then written
again from all of those files. A test holds one to the other.
"""

if __name__ == "__main__" and not __package__:
    import by_path  # noqa: F401, makes it `python -m tools.NAME`

import json
import pathlib
import re

from alexnet_tf.cli import program
from alexnet_tf.experiment import workdir
from input_pipeline import files

flags = program.Flags()

_WORKDIRS = flags.DEFINE_list(
    "workdirs", [], "Folders of runs with commas; none: the table only."
)
_EXPERIMENT = flags.DEFINE_string(
    "experiment", None, "Words for the table, such as 'the demo'; for one run."
)
_CONFIG = flags.DEFINE_string(
    "config_file", None, "Such as configs/demo.py; for one run."
)
_NOTE = flags.DEFINE_string(
    "note", "", "More words for the table, such as 'resumed twice'."
)
_ROOT = flags.DEFINE_string(
    "root", ".", "Folder of README.md and docs/results."
)

BEGIN = "<!-- results: written by python -m tools.results -->"
END = "<!-- end of results -->"
# What the paper measured (Tables 1 and 2, §3, §6, §7): the experiment, where
# ours is run from, what it found; and which run here it is held to: network,
# data set, crops.
_2012, _2010 = "configs/ilsvrc2012.py", "configs/ilsvrc2010.py"
PAPER = (
    (
        "1 CNN, ILSVRC-2012 validation, ten crops",
        _2012,
        "40.7% / 18.2%",
        ("PAPER", "ilsvrc2012", 10),
    ),
    (
        "the authors' own 2012 program, ten crops",
        "configs/original_2012.py",
        "",
        ("ORIGINAL_2012", "ilsvrc2012", 10),
    ),
    ("1 CNN, ILSVRC-2010 test, ten crops", _2010, "37.5% / 17.0%", None),
    ("the same, centre crop only", _2010, "39.0% / 18.3%", None),
    ("5 CNNs, ILSVRC-2012", "configs/five_cnns.py", "38.1% / 16.4%", None),
    (
        "1 CNN, pre-trained on the 2011 release",
        "configs/finetune_fall2011.py",
        "39.0% / 16.6%",
        ("CONV6", "ilsvrc2012", 10),
    ),
    (
        "7 CNNs, two of them pre-trained",
        "configs/seven_cnns.py",
        "36.7% / 15.4%",
        None,
    ),
    (
        "ImageNet 2009, 10,184 classes",
        "configs/fall2009.py",
        "67.4% / 40.9%",
        ("LAYERS_141", "fall2009", 10),
    ),
    (
        "without response normalization",
        "configs/no_lrn.py",
        "1.4 / 1.2 points worse",
        ("ORIGINAL_NO_LRN", "ilsvrc2012", 10),
    ),
    (
        "pooling without overlap",
        "configs/non_overlapping.py",
        "0.4 / 0.3 points worse",
        ("ORIGINAL_NON_OVERLAPPING", "ilsvrc2012", 10),
    ),
    (
        "half the kernels on one GPU",
        "configs/half_width.py",
        "1.7 / 1.2 points worse",
        ("ORIGINAL_HALF_WIDTH", "ilsvrc2010", 10),
    ),
)


def main(argv):
    """Writes the files of the runs, and the table."""
    if len(_WORKDIRS.value) > 1 and (_EXPERIMENT.value or _CONFIG.value):
        raise ValueError("--experiment and --config_file are for one workdir.")
    root = pathlib.Path(_ROOT.value)
    folder = root / "docs" / "results"
    folder.mkdir(parents=True, exist_ok=True)
    names = [pathlib.Path(each).name for each in _WORKDIRS.value]
    if len(set(names)) < len(names):
        raise ValueError(f"Workdirs must have different names. Found: {names}")
    for each, name in zip(_WORKDIRS.value, names, strict=True):
        path = folder / f"{name}.json"
        record = collect(each)
        # Words that were given once stay.
        before = json.loads(path.read_text()) if path.exists() else {}
        for key, flag in (
            ("experiment", _EXPERIMENT),
            ("config_file", _CONFIG),
            ("note", _NOTE),
        ):
            record[key] = flag.value or before.get(key) or record[key]
        table([record])
        files.write_json(path, record)
        print(path)
    readme = root / "README.md"
    text = readme.read_text(encoding="utf-8")
    new = replace_table(text, table(read(folder)))
    if new != text:
        files.write_atomically(readme, new.encode())
        print(readme)


def collect(directory):
    """Returns what a run has measured, and how.

    Args:
        directory: A workdir.

    Raises:
        FileNotFoundError: It is no workdir, or has not been evaluated.
    """
    directory = pathlib.Path(directory)
    config = workdir.read_config(directory)
    record = json.loads((directory / workdir.FILE_NAME).read_text())
    info = json.loads((directory / "dataset.json").read_text())
    paths = sorted((directory / "predictions").glob("*.json"))
    if not paths:
        raise FileNotFoundError(
            f"{directory} has not been evaluated. Do so with: "
            f"python -m tools.evaluate --workdir={directory}"
        )
    metrics = files.read_json_lines(directory / "metrics.jsonl")
    train = [m for m in metrics if m["split"] == "train"]
    events = files.read_json_lines(directory / "events.jsonl")
    if not (train and events):
        raise ValueError(
            f"{directory} must hold figures of training. Found: none in "
            "metrics.jsonl or events.jsonl"
        )
    return {
        "experiment": f"{config.network_name} on {info['name']}",
        "config_file": "",
        "note": "",
        "network": config.network_name,
        "without": config.without,
        "changes": config.changes,
        "init_from": config.init_from,
        "data": info["name"],
        "seed": config.training.seed,
        "epochs": train[-1]["epoch"],
        "minutes_of_updates": _minutes(train, config.data.batch_size),
        "resumed": sum(e["what"] == "resume" for e in events),
        "revision": record["revision"],
        "versions": record["versions"],
        "date": events[-1]["time"][:10],
        "evaluations": [_evaluation(path) for path in paths],
    }


def _minutes(train, batch_size):
    """Returns how long the updates took, without start-up and evaluations."""
    steps = [0, *(m["step"] for m in train)]
    seconds = sum(
        (step - before) * batch_size / m["images_per_second"]
        for before, step, m in zip(steps, steps[1:], train, strict=False)
    )
    return round(seconds / 60, 1)


def _evaluation(path):
    """Returns an evaluation's figures and protocol, without the classes."""
    found = json.loads(path.read_text(encoding="utf-8"))
    return {k: v for k, v in found.items() if k not in ("classes", "confused")}


def read(folder):
    """Returns the records of docs/results, by file name."""
    return [
        json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(pathlib.Path(folder).glob("*.json"))
    ]


def table(records):
    """Returns README's table.

    Args:
        records: What `collect` returned, with words for the table.
    """
    lines = [
        "| experiment | config | paper, top-1 / top-5 error | measured, "
        "top-1 / top-5 error | how |",
        "|---|---|---|---|---|",
    ]
    measured = {
        (r["network"], r["data"], e["crops"]): (r, e)
        for r in records
        for e in r["evaluations"]
        if e["split"] == "validation"
        and not (r["without"] or r["changes"] or r["init_from"])
    }
    shown = []
    for title, config, paper, key in PAPER:
        cells = ("not yet run", "")
        if key in measured:
            shown.append(measured[key])
            cells = _cells(*measured[key])
        lines.append(_line(title, _code(config), paper, *cells))
    for record in records:
        for found in record["evaluations"]:
            if any(r is record and e is found for r, e in shown):
                continue
            crops = "ten crops" if found["crops"] == 10 else "centre crop"
            lines.append(
                _line(
                    f"{record['experiment']}, {crops}",
                    _code(record["config_file"]),
                    "",
                    *_cells(record, found),
                )
            )
    return "\n".join(lines)


def replace_table(text, new):
    """Returns README with another table.

    Raises:
        ValueError: Its marks are not there.
    """
    pattern = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.S)
    if len(pattern.findall(text)) != 1:
        raise ValueError(
            f"README.md must have one table between {BEGIN} and {END}."
        )
    return pattern.sub(lambda _: f"{BEGIN}\n{new}\n{END}", text)


def _cells(record, found):
    """Returns the errors, and how they came about."""
    low, high = found["top1_interval"]
    errors = (
        f"{found['top1_error']:.1%} ({100 * low:.1f} to {high:.1%}) / "
        f"{found['top5_error']:.1%}"
    )
    versions = record["versions"]
    gpus = sum("GPU" in name for name in versions["devices"])
    words = [
        f"{found['num_images']:,} {found['split']} images",
        f"{record['epochs']:.0f} epochs",
        f"{record['minutes_of_updates']:.0f} min of updates",
        f"{gpus} GPU{'s' * (gpus > 1)}"
        if gpus
        else f"{versions['cpus']} CPU cores",
        *([record["note"]] if record["note"] else []),
        f"revision `{record['revision']}`",
        record["date"],
    ]
    return errors, ", ".join(words)


def _line(*cells):
    """Returns a line of the table."""
    return f"| {' | '.join(cells)} |".replace("|  |", "| |")


def _code(name):
    """Returns a file's name as code, or nothing."""
    return f"`{name}`" if name else ""


if __name__ == "__main__":
    program.run(main, flags)
