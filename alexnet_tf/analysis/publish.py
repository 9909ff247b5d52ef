"""Figures fit for a lecture or a paper: formats, colours, captions."""

import io
import logging
import pathlib
import textwrap
from collections.abc import Sequence
from typing import Any

from input_pipeline import files

FORMATS = ("png", "pdf", "svg")
# Okabe and Ito, "Color Universal Design" (2008): told apart with any kind of
# colour vision, and in grey. Black comes last.
COLOURS = (
    "#0072B2",  # blue
    "#D55E00",  # vermillion
    "#009E73",  # bluish green
    "#E69F00",  # orange
    "#56B4E9",  # sky blue
    "#CC79A7",  # reddish purple
    "#000000",
)
# Rises evenly in lightness, in grey too.
HEAT = "viridis"
_DPI = 150
_LETTERS_AN_INCH = 19


def paths_of(path: Any, formats: Sequence[str] = FORMATS) -> list[pathlib.Path]:
    """Returns where a figure goes: one file, or one of each format.

    Args:
        path: With the ending of a format that one file; else, and with .png,
            all formats, one next to the other.
        formats: Of `FORMATS`.

    Raises:
        ValueError: A format is none of ours.
    """
    path = pathlib.Path(path)
    check_formats(formats)
    ending = path.suffix.removeprefix(".").lower()
    if ending in FORMATS and ending != "png":
        return [path]
    if ending and ending != "png":
        raise ValueError(
            f"A figure must be one of {', '.join(FORMATS)}. Received: {path}"
        )
    return [path.with_suffix(f".{name}") for name in formats]


def check_formats(formats: Sequence[str]) -> None:
    """Refuses formats that are none of ours.

    Raises:
        ValueError: One is none, or there are none.
    """
    unknown = sorted(set(formats) - set(FORMATS))
    if unknown or not formats:
        raise ValueError(
            f"The formats must be of {', '.join(FORMATS)}. "
            f"Received: {', '.join(unknown) or 'none'}"
        )


def import_pyplot() -> Any:
    """Imports matplotlib without a screen, our colours in their order.

    Raises:
        ValueError: It is not installed.
    """
    try:
        import matplotlib
    except ImportError:
        raise ValueError(
            "matplotlib must be installed for this figure. Install it with: "
            "pip install 'alexnet-tf[figures]'"
        ) from None
    matplotlib.use("Agg")
    # It tells of every font that goes into a PDF file.
    logging.getLogger("fontTools").setLevel(logging.WARNING)
    from matplotlib import rcsetup

    matplotlib.rcParams["axes.prop_cycle"] = rcsetup.cycler(color=list(COLOURS))
    # Text stays text, to be found and edited; files have no date in them.
    matplotlib.rcParams["svg.fonttype"] = "none"
    matplotlib.rcParams["svg.hashsalt"] = "alexnet_tf"
    matplotlib.rcParams["pdf.fonttype"] = 42
    from matplotlib import pyplot

    return pyplot


def save(figure: Any, paths: Any, caption: str = "") -> None:
    """Writes a figure, with its caption below it, each file in one piece.

    Args:
        figure: Of matplotlib, in the layout "constrained".
        paths: A path, PNG, PDF or SVG by its ending; or several.
        caption: What a reader must know: network, checkpoint, data, protocol.
    """
    if caption:
        letters = int(figure.get_figwidth() * _LETTERS_AN_INCH)
        figure.supxlabel(
            "\n".join(textwrap.wrap(caption, letters)),
            fontsize=7,
            x=0.01,
            ha="left",
        )
    several = isinstance(paths, (list, tuple))
    for path in map(pathlib.Path, paths if several else [paths]):
        kind = path.suffix.removeprefix(".") or "png"
        contents = io.BytesIO()
        figure.savefig(
            contents, format=kind, dpi=_DPI, metadata=_metadata(kind, caption)
        )
        files.write_atomically(path, contents.getvalue())
    import_pyplot().close(figure)


def _metadata(kind, caption):
    """Returns what a file says of itself: the caption, and no date."""
    if kind == "png":
        return {"Description": caption}
    if kind == "pdf":
        return {"Subject": caption, "CreationDate": None}
    return {"Description": caption, "Date": None}
