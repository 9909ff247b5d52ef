"""The figures of a run, each with a caption that says what it is of."""

import json

import numpy as np

from alexnet_tf.analysis import features, kernels, plots, projector, sheets
from alexnet_tf.experiment import captions, workdir
from alexnet_tf.experiment.experiment import open_workdir
from input_pipeline import files

_IMAGES = 8
_POINTS = 1000
_MEASURES = {
    "colour": "share of colour",
    "frequency": "frequency, cycles per pixel",
}
_ACTIVATIONS = {"relu": "rectified linear units", "tanh": "tanh units"}


def draw_errors(run, paths, against=None):
    """Draws Figure 1; returns a line for each run.

    Args:
        run: An `Experiment`.
        paths: Files to write, PNG, PDF or SVG by their endings.
        against: Another workdir, or `None`.
    """
    runs = [run] + ([open_workdir(against)] if against else [])
    names = [_describe_units(each) for each in runs]
    if len(set(names)) < len(names):
        # The same units, with other settings.
        names = [str(each.workdir) for each in runs]
    curves = {
        name: workdir.training_errors(each.workdir)
        for name, each in zip(names, runs, strict=True)
    }
    caption = " ".join(
        captions.describe(each, how="Training split, random crops.")
        for each in runs
    )
    reached = plots.plot_training_errors(paths, curves, caption=caption)
    return [
        f"{name}: 25% training error "
        + (f"after {epoch:.2f} epochs" if epoch else "never")
        for name, epoch in reached.items()
    ]


def draw_kernels(run, paths, checkpoint):
    """Draws Figure 3; returns how the towers' kernels differ, in lines."""
    step, arrays = run.load_weights(checkpoint)
    conv1 = arrays["conv1/kernel"]
    towers = run.config.make_network().towers
    rows, columns = conv1.shape[:2]
    how = (
        f"The {conv1.shape[-1]} kernels of conv1, {rows} x {columns} pixels, "
        "on one scale for all."
    )
    sheets.plot_kernels(paths, conv1, towers, captions.describe(run, step, how))
    if towers == 1:
        return []
    lines = []
    for name, found in kernels.compare_towers(conv1).items():
        first, second = found["towers"]
        lines.append(
            f"{_MEASURES[name]}: {first:.3f} in the first tower, {second:.3f} "
            f"in the second, p = {found['p']:.4f}"
        )
    return lines


def draw_guesses(run, paths):
    """Draws Figure 4, left: images evenly spread over the split.

    Raises:
        FileNotFoundError: Nothing has been evaluated.
    """
    found = (run.workdir / "predictions").glob("*.npz")
    newest = max(found, key=lambda f: f.stat().st_mtime, default=None)
    if newest is None:
        raise FileNotFoundError(
            f"{run.workdir} holds no predictions. Make them with: "
            f"python -m tools.evaluate --workdir={run.workdir}"
        )
    split = newest.name.split("-")[0]
    how = json.loads(newest.with_suffix(".json").read_text("utf-8"))
    crops = "centre crop" if how["crops"] == 1 else f"{how['crops']} crops"
    words = f"{split.capitalize()} split, {crops}; the five best guesses."
    with np.load(newest) as rows:
        # Records that were skipped have a place, and no row.
        total = len(rows["labels"])
        places = rows["positions"] if "positions" in rows else np.arange(total)
        chosen = _spread(total, _IMAGES)
        plots.plot_guesses(
            paths,
            run.images_at(split, places[chosen], rows["file_names"][chosen]),
            rows["labels"][chosen],
            rows["probabilities"][chosen],
            run.info.class_names,
            caption=captions.describe(run, how["step"], words),
        )


def draw_curves(run, paths):
    """Draws losses and errors over epochs."""
    how = (
        "Training: running means over batches of random crops, with dropout. "
        "Validation: centre crops."
    )
    plots.plot_run(
        paths,
        files.read_json_lines(run.workdir / "metrics.jsonl"),
        files.read_json_lines(run.workdir / "events.jsonl"),
        captions.describe(run, how=how),
    )


def write_projector(run, folder, checkpoint, make_progress):
    """Writes points and pictures for TensorBoard's projector.

    Args:
        run: An `Experiment`.
        folder: Where a run has its summaries.
        checkpoint: "last", "best" or a step.
        make_progress: Called with the number of images, gives a `Progress`.
    """
    model, step = run.load(checkpoint)
    found, labels, records = features.load_or_compute(
        run, model, step, "validation", make_progress
    )
    positions = _spread(len(found), _POINTS)
    projector.write(
        folder,
        found[positions],
        run.images_at("validation", records[positions]),
        labels[positions],
        run.info.class_names,
    )


def _describe_units(run):
    """Returns what follows a run's layers, in plain words."""
    kinds = {
        layer.activation
        for layer in run.config.make_network().layers
        # Nothing follows the classes' own layer, whatever it says.
        if getattr(layer, "units", layer.name) is not None
        and hasattr(layer, "activation")
    } - {"none"}
    if len(kinds) != 1:
        return str(run.workdir)
    return _ACTIVATIONS[kinds.pop()]


def _spread(count, most):
    """Returns up to so many positions, evenly spread."""
    positions = np.linspace(0, count - 1, min(most, count))
    return np.unique(positions.round().astype(int))
