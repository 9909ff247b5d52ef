"""The claims and what was found of them, as a table and as a picture."""

import datetime
import json
import math
import pathlib

from alexnet_tf.analysis import plots
from alexnet_tf.reproduction import claims

PICTURE = "claims.png"
_ERRORS, _DIFFERENCES, _RATIOS = (
    "Top-1 test error in percent, ten views",
    "Top-1 error in points above that of the network it is held to",
    "Epochs to 25% training error, tanh's over rectifiers'",
)


def read(folder):
    """Returns the results of finished rows by name.

    Args:
        folder: `docs/results/reproduction`; may be missing.
    """
    paths = sorted(pathlib.Path(folder).glob("*.json"))
    results = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    return {result["name"]: result for result in results}


def judge_all(results):
    """Returns pairs of each claim and its `Finding`, or `None`."""
    return [(claim, claims.judge(claim, results)) for claim in claims.CLAIMS]


def table(judged):
    """Returns the lines of the table: claim, paper, measured, verdict, how.

    Args:
        judged: What `judge_all` returned.
    """
    lines = [
        "| claim | section | paper | measured on | measured, 95% interval | "
        "verdict | how |",
        "|---|---|---|---|---|---|---|",
    ]
    for claim, found in judged:
        cells = ["not yet run", "", ""]
        if found is not None:
            cells = [_figure(found), found.verdict, _how(found)]
        cells = [claim.words, claim.section, claim.paper, claim.data, *cells]
        lines.append(f"| {' | '.join(cells)} |".replace("|  ", "| "))
    if panels(judged):
        lines = [f"![Paper and measurement]({PICTURE})", "", *lines]
    return "\n".join(lines)


def panels(judged):
    """Returns what `plots.plot_intervals` draws; empty without figures."""
    found = {_ERRORS: [], _DIFFERENCES: [], _RATIOS: []}
    for claim, finding in judged:
        if finding is None or math.isnan(finding.value):
            continue
        words = _DIFFERENCES if claim.against else _ERRORS
        scale = 100.0
        if claim.line is not None:
            words, scale = _RATIOS, 1.0
        figures = finding.value, finding.low, finding.high, claim.expected
        found[words].append(
            (claim.words, *(None if x is None else scale * x for x in figures))
        )
    return {words: lines for words, lines in found.items() if lines}


def draw(path, judged):
    """Writes the picture, where there is something to show."""
    if found := panels(judged):
        plots.plot_intervals(path, found)


def _figure(found):
    """Returns what was measured, in words."""
    if math.isnan(found.value):
        return "no figure"
    if found.claim.line is not None:
        return f"{found.value:.1f} times ({found.low:.1f} to {found.high:.1f})"
    value, low, high = (100 * x for x in (found.value, found.low, found.high))
    if not found.claim.against:
        return f"{value:.1f}% ({low:.1f} to {high:.1f})"
    return f"{value:+.1f} points ({low:+.1f} to {high:+.1f})"


def _how(found):
    """Returns seeds, epochs, hours, precision, machine, revision and date."""
    results = found.results
    seeds = sorted({result["seed"] for result in results})
    hours = sum(result["hours"] for result in results)

    def each(key):
        return ", ".join(sorted({str(result[key]) for result in results}))

    epochs = sorted({round(result["epochs"]) for result in results})
    dates = [datetime.date.fromisoformat(r["finished"]) for r in results]
    revisions = sorted({result["revision"][:12] for result in results})
    return ", ".join(
        [
            f"{len(seeds)} seed{'s' * (len(seeds) > 1)}",
            f"{' and '.join(map(str, epochs))} epochs",
            f"{hours:.1f} h",
            each("precision"),
            each("machine"),
            " ".join(f"`{revision}`" for revision in revisions),
            max(dates).isoformat(),
        ]
    )
