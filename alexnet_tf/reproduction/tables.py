"""The tables of results: the paper's rows, and what was measured here."""

import re

BEGIN = "<!-- results: written by python -m tools.results -->"
BEGIN_CLAIMS = "<!-- claims: written by python -m tools.results -->"
END = "<!-- end of results -->"
_TIES = {"class order": "", "original": "ties as the authors' program counts"}
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


def table(records):
    """Returns the table of docs/results.md.

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
        and _ties(e) == "class order"
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


def measured_table(records):
    """Returns README's table: what was measured, and the paper's beside it."""
    lines = table(records).splitlines()
    rows = [line for line in lines[2:] if "| not yet run |" not in line]
    cells = [[c.strip() for c in row.strip("|").split("|")] for row in rows]
    return "\n".join(
        [
            "| experiment | config | paper | top-1 / top-5 error |",
            "|---|---|---|---|",
            *(_line(*row[:2], row[2] or "none", row[3]) for row in cells),
        ]
    )


def replace_table(text, new, begin=BEGIN):
    """Returns a page with another table.

    Args:
        text: The page.
        new: The table.
        begin: The mark before it.

    Raises:
        ValueError: Its marks are not there.
    """
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(END)}", re.S)
    if len(pattern.findall(text)) != 1:
        raise ValueError(
            f"The page must have one table between {begin} and {END}."
        )
    return pattern.sub(lambda _: f"{begin}\n{new}\n{END}", text)


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
        record["note"],
        _TIES[_ties(found)],
        f"revision `{record['revision']}`",
        record["date"],
    ]
    return errors, ", ".join(filter(None, words))


def _ties(found):
    """Returns the rule by which an evaluation counted equal probabilities."""
    return found.get("protocol", {}).get("ties", "class order")


def _line(*cells):
    """Returns a line of the table."""
    return f"| {' | '.join(cells)} |".replace("|  |", "| |")


def _code(name):
    """Returns a file's name as code, or nothing."""
    return f"`{name}`" if name else ""
