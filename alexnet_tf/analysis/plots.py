"""Figures with axes, by matplotlib: curves, guesses as bars (§3.1, §6.1)."""

import textwrap

import numpy as np

from alexnet_tf.analysis import figures, publish

_SPLITS = {"train": "training", "validation": "validation"}
_MEASURES = {
    "loss": "loss",
    "top1_error": "top-1 error",
    "top5_error": "top-5 error",
}
# Light enough for words upon them.
_RIGHT, _WRONG = "#F5C877", "#A8CBE8"
# Of a class's name above a picture, and in a bar.
_TITLE_LETTERS, _BAR_LETTERS = 24, 34
# How events of a run are drawn.
_RATE, _RESUME = ("#555555", "-"), ("#D55E00", ":")
_MARKS = {"rate": _RATE, "drop": _RATE, "set": _RATE, "resume": _RESUME}


def plot_guesses(
    path, images, labels, probabilities, class_names, columns=4, caption=""
):
    """Draws Figure 4, left: images, and the five best guesses of each.

    The right one is orange and has a mark, the others are blue.

    Args:
        path: The file to write, PNG, PDF or SVG by its ending; or several.
        images: Sequence of uint8 `(height, width, 3)`.
        labels: `(n,)`, from 0.
        probabilities: `(n, classes)`.
        class_names: By label.
        columns: Images a row.
        caption: See `publish.save`.
    """
    pyplot = publish.import_pyplot()
    count = len(images)
    columns = min(columns, count)
    rows = -(-count // columns)
    figure, axes = pyplot.subplots(
        2 * rows,
        columns,
        figsize=(2.6 * columns, 4.0 * rows),
        squeeze=False,
        gridspec_kw={"height_ratios": [2, 1] * rows},
        layout="constrained",
    )
    for axis in axes.flat:
        axis.set_axis_off()
    for number in range(count):
        row, column = 2 * (number // columns), number % columns
        picture, bars = axes[row, column], axes[row + 1, column]
        picture.imshow(images[number])
        title = _fit(class_names[labels[number]], _TITLE_LETTERS)
        picture.set_title(title, fontsize=10)
        best = np.argsort(-probabilities[number], kind="stable")[:5]
        bars_y = np.arange(len(best))
        # The authors' red and blue are told apart by fewer people.
        right = [guess == labels[number] for guess in best]
        colours = [_RIGHT if each else _WRONG for each in right]
        bars.barh(bars_y, probabilities[number][best], color=colours)
        bars.set(xlim=(0, 1), ylim=(4.5, -0.5))
        for y, guess, is_right in zip(bars_y, best, right, strict=True):
            words = _fit(class_names[guess], _BAR_LETTERS)
            words = f"✓ {words}" if is_right else words
            bars.text(0.02, y, words, va="center", fontsize=8)
    publish.save(figure, path, caption)


def _fit(class_name, letters):
    """Returns the first of a class's synonyms, cut at a word if it is long."""
    return textwrap.shorten(
        figures.short(class_name), letters, placeholder="..."
    )


def plot_training_errors(path, curves, line=0.25, caption=""):
    """Draws Figure 1: training errors over epochs, and who is how much faster.

    Args:
        path: As of `plot_guesses`.
        curves: Dict by name of `(epochs, errors)`; the first is drawn solid,
            the others dashed, as in the paper.
        line: Error at which the curves are compared. Paper: 25%.
        caption: See `publish.save`.

    Returns:
        The epoch at which each curve first reaches the line, by name; `None`
        for one that never does.
    """
    pyplot = publish.import_pyplot()
    figure, axis = pyplot.subplots(figsize=(6, 4.5), layout="constrained")
    reached = {}
    for number, (name, (epochs, errors)) in enumerate(curves.items()):
        axis.plot(epochs, errors, "-" if not number else "--", label=name)
        below = np.flatnonzero(np.asarray(errors) <= line)
        reached[name] = float(epochs[below[0]]) if len(below) else None
    axis.axhline(line, color="grey", linewidth=0.8, linestyle=":")
    axis.set(xlabel="Epochs", ylabel="Training error rate", ylim=(0, None))
    axis.legend()
    first, *others = reached
    for other in others:
        if reached[first] and reached[other]:
            ratio = reached[other] / reached[first]
            axis.set_title(
                f"{line:.0%}: {first} after {reached[first]:.1f} epochs,\n"
                f"{other} after {reached[other]:.1f}, {ratio:.1f} times",
                fontsize=10,
            )
    publish.save(figure, path, caption)
    return reached


def plot_arms(path, arms, title=""):
    """Draws validation errors over epochs: a thin line a seed, a thick mean.

    Args:
        path: As of `plot_guesses`.
        arms: Dict by name of a list of `(epochs, errors)`, one a seed, of
            equal epochs.
        title: What stands above.
    """
    pyplot = publish.import_pyplot()
    figure, axis = pyplot.subplots(figsize=(6, 4.5), layout="constrained")
    for number, (name, seeds) in enumerate(arms.items()):
        colour = f"C{number}"
        for epochs, errors in seeds:
            axis.plot(epochs, errors, color=colour, linewidth=0.7, alpha=0.5)
        mean = np.mean([errors for _, errors in seeds], axis=0)
        axis.plot(seeds[0][0], mean, "o-", color=colour, label=name)
    axis.set(xlabel="Epochs", ylabel="Top-1 validation error", ylim=(0, 1))
    axis.set_title(title, fontsize=10)
    axis.legend()
    publish.save(figure, path)


def plot_intervals(path, panels):
    """Draws measured figures with their intervals beside the paper's.

    Args:
        path: As of `plot_guesses`.
        panels: Dict by the words of an axis of a list of `(name, value, low,
            high, paper)`, where `paper` may be `None`.
    """
    pyplot = publish.import_pyplot()
    counts = [len(lines) for lines in panels.values()]
    figure, axes = pyplot.subplots(
        len(panels),
        squeeze=False,
        figsize=(7, 1.2 * len(panels) + 0.4 * sum(counts)),
        height_ratios=counts,
        layout="constrained",
    )
    for axis, (words, lines) in zip(axes[:, 0], panels.items(), strict=True):
        for y, (_, value, low, high, paper) in enumerate(reversed(lines)):
            axis.plot([low, high], [y, y], color="C0", linewidth=2)
            axis.plot(value, y, "o", color="C0", label="measured here, 95%")
            if paper is not None:
                axis.plot(paper, y, "D", color="C1", label="paper")
        names = [name for name, *_ in reversed(lines)]
        axis.set_yticks(range(len(names)), names)
        axis.set(xlabel=words, ylim=(-0.6, len(names) - 0.4))
        axis.grid(axis="x", alpha=0.3)
    handles = {
        label: handle
        for axis in axes[:, 0]
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)
    }
    figure.legend(handles.values(), handles, loc="outside upper right", ncols=2)
    publish.save(figure, path)


def plot_run(path, metrics, events, caption=""):
    """Draws loss and errors over epochs, and when the rate fell.

    Args:
        path: As of `plot_guesses`.
        metrics: The lines of metrics.jsonl, as dicts.
        events: Those of events.jsonl: resumes are dotted lines.
        caption: See `publish.save`.
    """
    pyplot = publish.import_pyplot()
    figure, (losses, errors) = pyplot.subplots(
        1, 2, figsize=(10, 4), layout="constrained"
    )
    for split, style in (("train", "-"), ("validation", "o-")):
        lines = [m for m in metrics if m["split"] == split]
        epochs = [m["epoch"] for m in lines]
        for axis, name, colour in (
            (losses, "loss", "C0"),
            (errors, "top1_error", "C0"),
            (errors, "top5_error", "C3"),
        ):
            axis.plot(
                epochs,
                [m[name] for m in lines],
                style,
                color=colour,
                alpha=0.4 if split == "train" else 1.0,
                markersize=3,
                linewidth=1,
                label=f"{_MEASURES[name]}, {_SPLITS[split]}",
            )
    for axis in (losses, errors):
        for event in events:
            if event["what"] in _MARKS:
                shade, style = _MARKS[event["what"]]
                axis.axvline(
                    event["epoch"], color=shade, linestyle=style, linewidth=0.8
                )
        axis.set_xlabel("Epochs")
        axis.legend(fontsize=8)
    losses.set_ylabel("Cross-entropy in nats")
    errors.set(ylabel="Error rate", ylim=(0, 1))
    losses.set_title(
        "Grey line: the learning rate changes. Dotted: the run resumes.",
        fontsize=9,
    )
    publish.save(figure, path, caption)
