r"""Draws the paper's figures from a run.

    python -m tools.make_figures --workdir=runs/alexnet --figure=3 \
        --output=kernels.png

Figure 1 shows the training error over epochs of --workdir (rectifiers) and of
--against (tanh), and how much sooner the first one reaches 25%:

    python -m tools.make_figures --workdir=runs/relu --against=runs/tanh \
        --figure=1 --output=figure_1.png

Figure 3 shows conv1's kernels, the first tower's half above the second's, and
says how coloured and how fine each tower's are, and whether they differ by
more than chance.
Figure 4 shows eight validation images and the five best guesses of each, from
the newest file that tools.evaluate has written. --figure=curves shows losses
and errors over epochs. --figure=projector puts a thousand validation images
into TensorBoard's projector, near each other where fc7 says so.
"""

if __name__ == "__main__" and not __package__:
    import by_path  # noqa: F401, makes it `python -m tools.NAME`

import pathlib

import numpy as np

from alexnet_tf.analysis import features, figures, kernels, plots, projector
from alexnet_tf.cli import program, progress
from alexnet_tf.experiment import experiment, workdir
from input_pipeline import files

flags = program.Flags()

_WORKDIR = flags.DEFINE_string(
    "workdir",
    None,
    "Folder of a run, such as runs/alexnet.",
    required=True,
)
_FIGURE = flags.DEFINE_enum(
    "figure",
    "4",
    ["1", "3", "4", "curves", "projector"],
    "1, 3 or 4 of the paper; curves; or projector.",
)
_AGAINST = flags.DEFINE_string(
    "against", None, "For figure 1: another run, such as runs/tanh."
)
_OUTPUT = flags.DEFINE_string(
    "output", None, "PNG file; WORKDIR/figures/figure_N.png if not given."
)
_CHECKPOINT = flags.DEFINE_checkpoint()
_DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "Where the records are now, if they have moved."
)
_IMAGES = 8
_POINTS = 1000
_MEASURES = {
    "colour": "share of colour",
    "frequency": "frequency, cycles per pixel",
}


def main(argv):
    """Draws one figure, and prints its path."""
    folder = pathlib.Path(_WORKDIR.value)
    run = experiment.open_workdir(folder, _DATA_DIR.value)
    default = folder / "figures" / f"figure_{_FIGURE.value}.png"
    if _FIGURE.value == "projector":
        # TensorBoard reads where a run has its figures.
        default = folder / "summaries" / "validation"
    path = pathlib.Path(_OUTPUT.value or default)
    path.parent.mkdir(parents=True, exist_ok=True)
    draw = {
        "1": _draw_errors,
        "3": _draw_kernels,
        "4": _draw_guesses,
        "curves": _draw_curves,
        "projector": _write_projector,
    }
    draw[_FIGURE.value](run, path)
    print(path)


def _draw_errors(run, path):
    """Figure 1."""
    runs = [run]
    if _AGAINST.value:
        runs.append(experiment.open_workdir(_AGAINST.value))
    curves = {}
    for each in runs:
        name = each.config.network_name
        if name in curves:
            # The same network, with other settings.
            name = str(each.workdir)
        curves[name] = workdir.training_errors(each.workdir)
    reached = plots.plot_training_errors(path, curves)
    for name, epoch in reached.items():
        words = f"after {epoch:.2f} epochs" if epoch else "never"
        print(f"{name}: 25% training error {words}")


def _draw_kernels(run, path):
    """Figure 3."""
    _, arrays = run.load_weights(_CHECKPOINT.value)
    conv1 = arrays["conv1/kernel"]
    figures.save_png(path, figures.kernel_grid(conv1))
    if run.config.make_network().towers == 1:
        return
    for name, found in kernels.compare_towers(conv1).items():
        first, second = found["towers"]
        print(
            f"{_MEASURES[name]}: {first:.3f} in the first tower, {second:.3f} "
            f"in the second, p = {found['p']:.4f}"
        )


def _draw_curves(run, path):
    """Losses and errors over epochs."""
    plots.plot_run(
        path,
        files.read_json_lines(run.workdir / "metrics.jsonl"),
        files.read_json_lines(run.workdir / "events.jsonl"),
    )


def _draw_guesses(run, path):
    """Figure 4, left: images evenly spread over the split."""
    files = (run.workdir / "predictions").glob("*.npz")
    newest = max(files, key=lambda f: f.stat().st_mtime, default=None)
    if newest is None:
        raise FileNotFoundError(
            f"{run.workdir} holds no predictions. Make them with: "
            f"python -m tools.evaluate --workdir={run.workdir}"
        )
    split = newest.name.split("-")[0]
    with np.load(newest) as found:
        positions = _spread(len(found["labels"]), _IMAGES)
        records = positions
        if "positions" in found:
            records = found["positions"][positions]
        plots.plot_guesses(
            path,
            run.images_at(split, records, found["file_names"][positions]),
            found["labels"][positions],
            found["probabilities"][positions],
            run.info.class_names,
        )


def _write_projector(run, path):
    """Points and pictures for TensorBoard's projector."""
    model, step = run.load(_CHECKPOINT.value)
    found, labels, records = features.load_or_compute(
        run,
        model,
        step,
        "validation",
        lambda total: progress.Progress("features", total, "images"),
    )
    positions = _spread(len(found), _POINTS)
    projector.write(
        path,
        found[positions],
        run.images_at("validation", records[positions]),
        labels[positions],
        run.info.class_names,
    )


def _spread(count, most):
    """Returns up to so many positions, evenly spread."""
    positions = np.linspace(0, count - 1, min(most, count))
    return np.unique(positions.round().astype(int))


if __name__ == "__main__":
    program.run(main, flags)
