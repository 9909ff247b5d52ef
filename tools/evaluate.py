"""Prints the errors of a checkpoint, and writes its probabilities.

    python -m tools.evaluate --workdir=runs/alexnet --crops=10
    python -m tools.evaluate --workdir=runs/alexnet --data_dir=tfds:imagenet_v2

The probabilities go to WORKDIR/predictions, for tools.ensemble; the whole
protocol is in the JSON file next to them.
"""

if __name__ == "__main__" and not __package__:
    import by_path  # noqa: F401, makes it `python -m tools.NAME`

import functools

from alexnet_tf import evaluation, protocol
from alexnet_tf.analysis import figures
from alexnet_tf.cli import program, progress
from alexnet_tf.experiment import evaluate, experiment, test_sets

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
    "data_dir",
    None,
    "Where the records are now, if they have moved; or a test set of TFDS: "
    "tfds:imagenet_v2, imagenet_r, imagenet_a, imagenet_sketch, "
    "imagenet2012_real, imagenet2012_corrupted/*.",
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
    classifier, step = run.load_classifier(_CHECKPOINT.value)
    how = {
        "split": _SPLIT.value,
        "crops": _CROPS.value,
        "step": step,
        "ties": _TIES.value,
    }
    if test_sets.is_other(run):
        for result in test_sets.evaluate(run, classifier, how, _bar_of):
            _print_other(result, run.info.num_classes)
        return
    bar = functools.partial(_bar_of, "evaluate")
    result, path = evaluate.evaluate(run, classifier, how, bar)
    _print(result, run.info.num_classes)
    print(path)


def _bar_of(name, total):
    """Returns a bar of images."""
    return progress.Progress(name, total, "images")


def _print_other(result, num_classes):
    """Prints the errors on a test set of other people, or their mean."""
    if "mce" in result:
        for name, error in result["corruption_errors"].items():
            print(f"{name}: corruption error {error:.2%} of AlexNet's")
        mean = f"{result['mce']:.2%}" if result["mce"] else "needs the missing"
        print(f"mCE: {mean}")
        if result["missing"]:
            print(f"not prepared: {', '.join(result['missing'])}")
    elif "top5_error" in result:
        _print({**result, "split": result["name"]}, num_classes)
    else:
        print(
            f"{result['name']}, {result['num_images']} images with labels: "
            f"top-1 error {result['top1_error']:.2%}"
        )
    print(result["path"])


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


if __name__ == "__main__":
    program.run(main, flags)
