r"""Trains one experiment, or resumes it from its last checkpoint.

    python -m tools.train --config=ilsvrc2012 \
        --config.data.directory=data/ilsvrc2012 --workdir=runs/alexnet

With --dry_run it prints the network layer by layer instead, with its
parameters, multiply-adds and devices, and touches nothing.

Any field of the config can be set on the command line, such as
--config.data.batch_size=64. Ctrl-C saves and stops; the same command goes on.
Watch the run with: tensorboard --logdir=runs/alexnet/summaries
"""

if __name__ == "__main__" and not __package__:
    import by_path  # noqa: F401, makes it `python -m tools.NAME`

import functools

from alexnet_tf.cli import config_flag, program, progress

flags = program.Flags()

_CONFIG = config_flag.define(flags)
_WORKDIR = flags.DEFINE_string(
    "workdir",
    None,
    "Folder for checkpoints, summaries and config.json, such as runs/alexnet.",
)
_DRY_RUN = flags.DEFINE_boolean(
    "dry_run", False, "Whether to print the network only, and train nothing."
)


def main(argv):
    """Trains, and prints the scores at the end."""
    # TensorFlow comes with these: --help and a slip need not wait for it.
    from alexnet_tf import summary
    from alexnet_tf.experiment import start, train
    from alexnet_tf.training import summaries

    if _DRY_RUN.value:
        print(summary.dry_run(_CONFIG.value))
        return
    if not _WORKDIR.value:
        raise ValueError("Training needs --workdir, such as runs/alexnet.")
    make_progress = functools.partial(_make_progress, "train")
    with start.begin(_CONFIG.value, _WORKDIR.value) as run:
        scores = train.train(run, make_progress)
    words = summaries.describe(scores, run.info.num_classes)
    print(f"validation, one crop: {words}")
    print(f"workdir: {_WORKDIR.value}")


def _make_progress(description, total, initial):
    """Returns the progress of a run that may have begun before."""
    return progress.Progress(description, total, "steps", initial)


if __name__ == "__main__":
    program.run(main, flags)
