"""Draws the paper's figures from a run.

    python -m tools.make_figures --workdir=runs/alexnet --figure=3 \
        --output=kernels.png

Figure 3 shows conv1's kernels, the first tower's half above the second's.
Figure 4 shows eight validation images and the five best guesses of each, from
the newest file that tools.evaluate has written.
"""

import pathlib

import numpy as np
from absl import flags

from alexnet_tf import experiment, figures
from input_pipeline import sources, transforms
from tools import program

_WORKDIR = flags.DEFINE_string(
    "workdir", None, "Folder of a run, such as runs/alexnet."
)
_FIGURE = flags.DEFINE_enum("figure", "4", ["3", "4"], "3 or 4 of the paper.")
_OUTPUT = flags.DEFINE_string(
    "output", None, "PNG file; WORKDIR/figures/figure_N.png if not given."
)
_CHECKPOINT = flags.DEFINE_string(
    "checkpoint", "last", "For figure 3: best, last, or a step: 5000."
)
_DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "Where the records are now, if they have moved."
)
_IMAGES = 8


def main(argv):
    """Draws one figure, and prints its path."""
    workdir = pathlib.Path(_WORKDIR.value)
    run = experiment.open_workdir(workdir, _DATA_DIR.value)
    default = workdir / "figures" / f"figure_{_FIGURE.value}.png"
    path = pathlib.Path(_OUTPUT.value or default)
    path.parent.mkdir(parents=True, exist_ok=True)
    draw = _draw_kernels if _FIGURE.value == "3" else _draw_guesses
    draw(run, path)
    print(path)


def _draw_kernels(run, path):
    """Figure 3."""
    _, arrays = run.load_weights(_CHECKPOINT.value)
    figures.save_png(path, figures.kernel_grid(arrays["conv1/kernel"]))


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
    source = sources.open_source(run.config.data)
    index = source.load_index(split)
    with np.load(newest) as found:
        places = np.linspace(0, len(index) - 1, min(_IMAGES, len(index)))
        places = np.unique(places.round().astype(int))
        jpegs = [source.parse(index.read(p))["image"] for p in places]
        figures.plot_guesses(
            path,
            [transforms.decode(jpeg).numpy() for jpeg in jpegs],
            found["labels"][places],
            found["probabilities"][places],
            run.info.class_names,
        )


if __name__ == "__main__":
    flags.mark_flag_as_required("workdir")
    program.run(main)
