"""Collects what runs have measured into docs/results and the tables.

    python -m tools.results --workdirs=runs/demo,runs/alexnet

Each run becomes a file docs/results/NAME.json, from what tools.evaluate wrote
with its predictions; the table between the two marks of docs/results.md, and
README's of the rows that were measured, are then written again from all of
those files. A test holds them to each other. The table of the paper's claims
comes from docs/results/reproduction, where `tools.reproduce --copy_to` puts
the finished rows of the queue.
"""

if __name__ == "__main__" and not __package__:
    import by_path  # noqa: F401, makes it `python -m tools.NAME`

import json
import pathlib

from alexnet_tf.cli import program
from alexnet_tf.reproduction import claims_page, measured, tables
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
    judged = claims_page.judge_all(claims_page.read(folder / "reproduction"))
    page = root / "docs" / "results.md"
    _replace(page, claims_page.table(judged), tables.BEGIN_CLAIMS)
    claims_page.draw(page.with_name(claims_page.PICTURE), judged)
    _replace(page, tables.table(records))
    _replace(root / "README.md", tables.measured_table(records))


def _replace(page, table, begin=tables.BEGIN):
    """Writes a page again where its table changed."""
    text = page.read_text(encoding="utf-8")
    if (replaced := tables.replace_table(text, table, begin)) != text:
        files.write_atomically(page, replaced.encode())
        print(page)


if __name__ == "__main__":
    program.run(main, flags)
