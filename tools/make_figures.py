r"""Draws the paper's figures, and others, from a run.

    python -m tools.make_figures --workdir=runs/alexnet --figure=3
    python -m tools.make_figures --workdir=runs/relu --against=runs/tanh \
        --figure=1 --output=figure_1.pdf

1: the training error over epochs of --workdir (rectifiers) and of --against
(tanh), and how much sooner the first one reaches 25%. 3: conv1's kernels; it
says how coloured and how fine each tower's are, and whether they differ by
more than chance. 4: eight validation images and the five best guesses of each,
from the newest file that tools.evaluate has written. curves: losses and errors
over epochs. deconvnet: the nine images of a split that move feature maps most,
and what in them does (Zeiler and Fergus 2013, Figure 2). units: images that
classes or maps want to see. projector: a thousand validation images for
TensorBoard, near each other where fc7 says so.

Each figure comes as PNG, PDF and SVG, with a caption of network, checkpoint,
data and protocol.
"""

if __name__ == "__main__" and not __package__:
    import by_path  # noqa: F401, makes it `python -m tools.NAME`

import pathlib

from alexnet_tf.cli import program, progress

flags = program.Flags()

_WORKDIR = flags.DEFINE_string(
    "workdir", None, "Folder of a run, such as runs/alexnet.", required=True
)
_FIGURE = flags.DEFINE_enum(
    "figure",
    "4",
    ["1", "3", "4", "curves", "deconvnet", "units", "projector"],
    "1, 3 or 4 of the paper; curves, deconvnet, units; or projector.",
)
_AGAINST = flags.DEFINE_string(
    "against", None, "For figure 1: another run, such as runs/tanh."
)
_LAYER = flags.DEFINE_string(
    "layer",
    None,
    "For deconvnet, such as conv3; the last if not given. For units, any; the "
    "classes if not given.",
)
_UNITS = flags.DEFINE_list(
    "units", [], "Numbers of maps, such as 0,7; of classes, also ids or names."
)
_SPLIT = flags.DEFINE_string(
    "split", "validation", "For deconvnet: train, validation or test."
)
_STEPS = flags.DEFINE_integer("steps", 256, "For units: of the climb.")
_SEED = flags.DEFINE_integer("seed", 0, "For units: of the first noise.")
_OUTPUT = flags.DEFINE_string(
    "output",
    None,
    "WORKDIR/figures/figure_N if not given. With .pdf or .svg that one file.",
)
_FORMATS = flags.DEFINE_list(
    "formats", ["png", "pdf", "svg"], "What is written, such as png,pdf."
)
_CHECKPOINT = flags.DEFINE_checkpoint()
_DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "Where the records are now, if they have moved."
)


def main(argv):
    """Draws one figure, and prints where it is."""
    from alexnet_tf.analysis import publish
    from alexnet_tf.experiment import drawing, experiment

    folder = pathlib.Path(_WORKDIR.value)
    run = experiment.open_workdir(folder, _DATA_DIR.value)
    if _FIGURE.value == "projector":
        # TensorBoard reads where a run has its figures.
        path = pathlib.Path(_OUTPUT.value or folder / "summaries/validation")
        path.mkdir(parents=True, exist_ok=True)
        drawing.write_projector(run, path, _CHECKPOINT.value, _bar("images"))
        print(path)
        return
    name = _OUTPUT.value or folder / "figures" / f"figure_{_FIGURE.value}"
    paths = publish.paths_of(name, _FORMATS.value)
    paths[0].parent.mkdir(parents=True, exist_ok=True)
    print(*_draw(run, paths), *paths, sep="\n")


def _draw(run, paths):
    """Draws a figure; returns lines that go with it."""
    from alexnet_tf.experiment import drawing, drawing_inside

    figure, which = _FIGURE.value, _CHECKPOINT.value
    chosen = which, _LAYER.value, _UNITS.value
    if figure == "1":
        return drawing.draw_errors(run, paths, _AGAINST.value)
    if figure == "3":
        return drawing.draw_kernels(run, paths, which)
    if figure == "4":
        drawing.draw_guesses(run, paths)
    elif figure == "curves":
        drawing.draw_curves(run, paths)
    elif figure == "deconvnet":
        drawing_inside.draw_feature_maps(
            run, paths, _bar("images"), *chosen, _SPLIT.value
        )
    else:
        drawing_inside.draw_units(
            run, paths, _bar("steps"), *chosen, _STEPS.value, _SEED.value
        )
    return []


def _bar(unit):
    """Returns what makes a progress bar of so many of a unit."""
    return lambda total: progress.Progress(_FIGURE.value, total, unit)


if __name__ == "__main__":
    program.run(main, flags)
