"""Prints the errors of a checkpoint, and writes its probabilities.

    python -m tools.evaluate --workdir=runs/alexnet --crops=10

The probabilities go to WORKDIR/predictions, for tools.ensemble; the whole
protocol is in the JSON file next to them.
"""

if __name__ == "__main__" and not __package__:
    import by_path  # noqa: F401, makes it `python -m tools.NAME`

import pathlib

import numpy as np

from alexnet_tf import evaluation, predictions, protocol
from alexnet_tf.analysis import figures
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
_CHECKPOINT = flags.DEFINE_checkpoint()
_SPLIT = flags.DEFINE_string(
    "split",
    "validation",
    "train, validation or test; or held_out, where the run held images out.",
)
_CROPS = flags.DEFINE_integer(
    "crops", 10, "1 for the centre; 10 for four corners, centre and mirrors."
)
_DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "Where the records are now, if they have moved."
)


_TIES = flags.DEFINE_enum(
    "ties",
    "class order",
    list(evaluation.TIES),
    "Of equal probabilities the lower class first, or as the authors' program "
    "counts: --ties=original.",
)


def main(argv):
    """Evaluates, prints the errors with the protocol, writes both."""
    run = experiment.open_workdir(_WORKDIR.value, _DATA_DIR.value)
    dataset = run.make_eval_dataset(_SPLIT.value, _CROPS.value, file_names=True)
    classifier, step = run.load_classifier(_CHECKPOINT.value)
    total = run.num_images(_SPLIT.value)
    with progress.Progress("evaluate", total, "images") as bar:
        predictor = evaluation.make_predictor(classifier.model)
        found = evaluation.predict(predictor, dataset, bar, count=total)
    skipped = total - len(found["labels"])
    if skipped and run.config.data.on_error == "fail":
        raise ValueError(
            f"{_SPLIT.value} must have {total} images, as dataset.json says. "
            f"Found: {len(found['labels'])}. List the faults with: "
            "python -m tools.verify_tfrecords --help"
        )
    scores = protocol.evaluate(classifier, found, _TIES.value)
    result = {
        "num_images": total - skipped,
        "skipped_images": skipped,
        "crops": _CROPS.value,
        "split": _SPLIT.value,
        "step": step,
        "protocol": {
            "data": run.info.name,
            **protocol.describe(classifier, _CROPS.value, _TIES.value),
            "network": run.config.network_name,
            "without": run.config.without,
            "changes": run.config.changes,
        },
        "revision": workdir.revision(),
        **scores,
    }
    if run.config.data.on_error == "skip":
        # Where the rows are in the split, for the figures.
        found["positions"] = run.whole_positions(_SPLIT.value)
    path = _write(run, found, result)
    _print(result, run.info.num_classes)
    print(path)


def _print(result, num_classes):
    """Prints the errors, or that there are no labels."""
    title = (
        f"{result['split']}, {result['num_images']} images, step "
        f"{result['step']}, {result['crops']} crop"
        f"{'s' if result['crops'] > 1 else ''}"
    )
    if "top1_error" not in result:
        print(f"{title}: no labels, so no errors; the probabilities are in")
        return
    print(f"{title}: {protocol.describe_errors(result, num_classes)}")
    low, high = result["top1_interval"]
    print(f"top-1 error, 95% interval: {low:.2%} to {high:.2%}")
    for pair in result["confused"][:3]:
        times = "once" if pair["images"] == 1 else f"{pair['images']} times"
        print(
            f"taken for {figures.short(pair['guess'])}: "
            f"{figures.short(pair['label'])}, {times}"
        )


def _write(run, found, result):
    """Writes probabilities and errors; returns the path of the first."""
    folder = pathlib.Path(_WORKDIR.value) / "predictions"
    folder.mkdir(exist_ok=True)
    name = f"{_SPLIT.value}-{result['step']:08d}-{_CROPS.value}"
    found["file_names"] = np.array(
        [file_name.decode() for file_name in found["file_names"]]
    )
    if _TIES.value != "class order":
        name += "-original"
    found["synsets"] = np.array(run.info.synsets)
    path = folder / f"{name}.npz"
    predictions.save(path, found)
    files.write_json(folder / f"{name}.json", result)
    return path


if __name__ == "__main__":
    program.run(main, flags)
