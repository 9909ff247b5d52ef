"""Collects what runs have measured into docs/results and the tables.

    python -m tools.results --workdirs=runs/demo,runs/alexnet

Each run becomes a file docs/results/NAME.json, from what tools.evaluate wrote
with its predictions; the table between the two marks of docs/results.md, and
README's of the rows that were measured, are then written again from all of
those files. A test holds them to each other.
"""

if __name__ == "__main__" and not __package__:
    import by_path  # noqa: F401, makes it `python -m tools.NAME`

import json
import pathlib

from alexnet_tf.cli import program
from alexnet_tf.reproduction import measured, tables
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
_ROOT = flags.DEFINE_string("root", ".", "Folder of README.md and docs.")


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
        record = measured.collect(each)
        # Words that were given once stay.
        before = json.loads(path.read_text()) if path.exists() else {}
        for key, flag in (
            ("experiment", _EXPERIMENT),
            ("config_file", _CONFIG),
            ("note", _NOTE),
        ):
            record[key] = flag.value or before.get(key) or record[key]
        tables.table([record])
        files.write_json(path, record)
        print(path)
    records = measured.read(folder)
    for page, new in (
        (root / "docs" / "results.md", tables.table(records)),
        (root / "README.md", tables.measured_table(records)),
    ):
        text = page.read_text(encoding="utf-8")
        if (replaced := tables.replace_table(text, new)) != text:
            files.write_atomically(page, replaced.encode())
            print(page)


if __name__ == "__main__":
    program.run(main, flags)
