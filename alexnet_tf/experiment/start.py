"""The start of a run: checked, locked, compared with what was, written."""

import contextlib
import pathlib

from absl import logging

from alexnet_tf.experiment import initialize
from alexnet_tf.experiment import workdir as workdirs
from alexnet_tf.experiment.experiment import Experiment
from alexnet_tf.training import checkpoint, control, hardware, strategy
from input_pipeline import datasets

# Times the crop. The paper's records are 8/7 of it.
_LARGE = 1.5


@contextlib.contextmanager
def begin(config, workdir):
    """A scope in which an experiment may train, alone in its workdir.

    A job that is refused has changed nothing: the workdir is locked before
    anything in it is compared or written.

    Args:
        config: A `config.Config`.
        workdir: Folder of the run, new or begun.

    Yields:
        The `Experiment`, with its `placement`.

    Raises:
        ValueError: The config could not train, the workdir is that of another
            run, or another job is at work there.
        FileNotFoundError: There is no data set.
    """
    config.validate()
    config = config.settled()
    if not config.data.directory:
        raise ValueError(
            "data.directory must name a folder of records. Received: "
            "nothing. Pass --config.data.directory=DIR; make one with: "
            "python -m tools.build_tfrecords --help"
        )
    workdir = pathlib.Path(workdir)
    hardware.prepare(
        _asks_for_gpus(config),
        deterministic=config.deterministic,
        tf32=config.tf32,
    )
    # Of several hosts it must come before anything else of TensorFlow's.
    placement = strategy.make_placement(
        config.strategy, config.tower_devices(), config.make_network().towers
    )
    source = datasets.open_source(config.data)
    _check_splits(config, source)
    if not placement.is_chief:
        # The first host writes the workdir, which all of them see.
        yield _open(config, workdir, source, placement)
        return
    workdir.mkdir(parents=True, exist_ok=True)
    with control.lock(workdir):
        experiment = _open(config, workdir, source, placement)
        workdirs.write_config(workdir, config)
        experiment.info.save(workdir)
        experiment.statistics.save(workdir)
        # A refused job has one line, its error.
        hardware.log_precision(config.precision)
        yield experiment


def _asks_for_gpus(config):
    """Returns the setting that is meant for GPUs, or nothing."""
    if config.devices:
        return f"devices={config.devices}" if "GPU" in config.devices else ""
    if config.strategy == "one_device":
        return ""
    return f"strategy={config.strategy}"


def _open(config, workdir, source, placement):
    """Returns the experiment, if the workdir is new or that of the same run."""
    begun = checkpoint.steps(workdir / "checkpoints")
    if begun:
        workdirs.check_same_run(workdir, config)
    experiment = Experiment(config, workdir, source, placement)
    if source.info.splits != experiment.info.splits:
        raise experiment.other_records(config.data.directory)
    for name in ("resample", "resize"):
        before = getattr(experiment.info, name)
        if before != getattr(source.info, name):
            raise ValueError(
                f"{workdir} was trained with {name}={before}, but the data set "
                f"has {getattr(source.info, name)}. Add "
                f"--config.data.{name}={before}, or use another --workdir."
            )
    _warn_of_large_records(config.data, experiment.info.image_size)
    if config.init_from and not begun:
        experiment.initial = initialize.load(config)
        if config.init_mean == "source":
            experiment.statistics = initialize.with_mean_of(
                experiment.statistics, experiment.initial
            )
    return experiment


def _warn_of_large_records(config, image_size):
    """Says so where crops show a small part of each image."""
    if image_size <= _LARGE * config.crop_size:
        return
    fits = config.crop_size * 8 // 7
    made = config.directory.startswith(("tfds:", "synthetic:"))
    logging.warning(
        "Images of %d pixels are much larger than crops of %d: the network "
        "sees %.0f%% of one at a time. The paper's crops are seven eighths. "
        "Try %s%d, or --config.data.crop_size=%d.",
        image_size,
        config.crop_size,
        100 * (config.crop_size / image_size) ** 2,
        "--config.data.image_size="
        if made
        else "to convert with --image_size=",
        fits,
        image_size * 7 // 8,
    )


def _check_splits(config, source):
    """Refuses a data set that cannot train."""
    splits = source.info.splits
    for name in ("train", "validation"):
        if name not in splits or not splits[name].num_images:
            raise ValueError(
                f"{config.data.directory} must hold a {name} split with "
                f"records. Received: {sorted(splits)}"
            )
