"""Config in, live objects out: the only module that wires everything."""

import dataclasses
import functools
import pathlib

import numpy as np
import tensorflow as tf
from absl import logging

from alexnet_tf import evaluation, figures, model, plan, weights
from alexnet_tf import workdir as workdirs
from alexnet_tf.training import (
    checkpoint,
    interruption,
    loop,
    optimizer,
    step,
    strategy,
    summaries,
)
from input_pipeline import dataset_info, pipeline, reading, sources, statistics


class Experiment:
    """A workdir: its config, its data set and its checkpoints.

    Attributes:
        config: A `config.Config`.
        workdir: Path of the run.
        info: `DatasetInfo` of the data that it is trained on.
        statistics: `Statistics` of that data.
        skipped: Counts damaged records, a `reading.Skipped`.
    """

    def __init__(self, config, workdir):
        self.config = config
        self.workdir = pathlib.Path(workdir)
        # A workdir is enough to evaluate and to serve: it keeps its own copy.
        # Before its first checkpoint nothing binds it to that copy.
        begun = checkpoint.steps(self.checkpoints)
        if begun:
            self.info = dataset_info.DatasetInfo.load(self.workdir)
            self.statistics = statistics.Statistics.load(self.workdir)
        else:
            source = sources.open_source(config.data)
            self.info = source.info
            self.statistics = source.load_statistics()
        self.skipped = reading.Skipped()

    @property
    def checkpoints(self):
        """The folder of the checkpoints."""
        return self.workdir / "checkpoints"

    def build(self, devices=None, portable=False):
        """Returns the network with its first weights; see `model.build`."""
        return model.build(
            self.config.make_network(),
            self.info.num_classes,
            image_size=self.config.data.crop_size,
            devices=devices,
            seed=self.config.training.seed,
            portable=portable,
        )

    def load(self, which="last", devices=None, portable=False):
        """Returns a trained network and its step.

        Args:
            which: "last", "best" or a step.
            devices: See `model.build`.
            portable: See `model.build`.

        Raises:
            FileNotFoundError: There is no such checkpoint.
        """
        found, arrays = self.load_weights(which)
        network = self.build(devices, portable)
        weights.from_arrays(network, arrays)
        return network, found

    def load_weights(self, which="last"):
        """Returns the step of a checkpoint, and its weights as arrays."""
        found, folder = checkpoint.find(self.checkpoints, which)
        return found, checkpoint.load_arrays(folder / "weights.npz")

    def make_eval_dataset(self, split, crops, file_names=False):
        """Returns a split of the data set, from where it is now.

        The mean image is that of the training, wherever the images are.

        Raises:
            ValueError: The records are others than those of the run.
        """
        directory = self.config.data.directory
        there = sources.open_source(self.config.data).info
        mine, its = self.info.splits.get(split), there.splits.get(split)
        if (
            there.synsets != self.info.synsets
            or there.image_size != self.info.image_size
            or (mine is not None and mine != its)
        ):
            raise self._other_records(directory)
        return pipeline.make_eval_dataset(
            directory,
            self.config.data,
            split,
            crops,
            file_names,
            self.statistics.mean_image,
            skipped=self.skipped,
        )

    def _other_records(self, directory):
        """Returns the error for records that the run does not know."""
        return ValueError(
            f"{self.workdir} was trained on other records than those of "
            f"{directory}. Use another --workdir, or the data set "
            f"{self.info.name} that it began with."
        )

    def train(self, make_progress):
        """Trains to the end, from the last checkpoint if there is one.

        Args:
            make_progress: Called as `make_progress(total, initial)`, returns
                a scope with `update(steps, facts)`.

        Returns:
            The validation scores at the end, a dict.
        """
        with interruption.Interruption() as request:
            return self._train(make_progress, request)

    def _train(self, make_progress, request):
        config = self.config
        place = strategy.make_strategy(config.strategy)
        replicas = place.num_replicas_in_sync
        strategy.check_share(config.data.batch_size, replicas)
        intervals, steps_per_epoch = plan.make_intervals(
            config, self.info.splits["train"].num_images
        )
        with place.scope():
            network = self.build(
                strategy.existing_devices(config.tower_devices())
            )
            rule = optimizer.PaperSGD(
                config.optimizer.learning_rate,
                config.optimizer.momentum,
                config.optimizer.weight_decay,
            )
            rule.build(network.trainable_variables)
        model.follow_steps(network, rule.iterations)
        state = checkpoint.TrainState(
            self.checkpoints,
            network,
            rule,
            plan.make_schedule(config, intervals, steps_per_epoch),
            config.training.keep_checkpoints,
        )
        state.check_space()
        self._begin(state, intervals)
        dataset = pipeline.make_train_dataset(
            config.data.directory,
            config.data,
            config.training.seed,
            first_step=state.step,
            statistics=self.statistics,
            skipped=self.skipped,
        )
        writer = summaries.SummaryWriter(
            self.workdir, state.step, steps_per_epoch
        )
        writer.event(
            state.step,
            "resume" if state.step else "start",
            revision=workdirs.revision(),
        )
        if replicas > 1:
            dataset = place.experimental_distribute_dataset(dataset)
        predictor = evaluation.make_predictor(network)
        validation = self.make_eval_dataset("validation", 1)
        try:
            with make_progress(intervals.total_steps, state.step) as progress:
                scores = loop.run(
                    step.make_train_step(
                        network, rule, place, config.data.batch_size
                    ),
                    iter(dataset),
                    state,
                    intervals,
                    batch_size=config.data.batch_size,
                    evaluate=functools.partial(
                        self._scores, predictor, validation
                    ),
                    writer=writer,
                    progress=progress,
                    interruption=request,
                    draw=functools.partial(self._draw, network, writer),
                    facts=self._facts,
                )
        finally:
            writer.close()
        return scores or self._scores(predictor, validation)

    def _begin(self, state, intervals):
        """Restores, or takes weights from elsewhere, or starts afresh."""
        if state.restore():
            logging.info("Going on from step %d.", state.step)
            if state.step >= intervals.total_steps:
                logging.info("That is all of them: nothing is left to do.")
        elif self.config.init_from:
            _, arrays = open_workdir(self.config.init_from).load_weights()
            weights.from_arrays(state.model, arrays)

    def _facts(self):
        """Returns what TensorBoard shows beside the figures of training."""
        skips = self.config.data.on_error == "skip"
        return {"skipped_records": self.skipped.count} if skips else {}

    def _scores(self, predictor, dataset):
        """Returns errors of the whole validation split, one crop an image."""
        found = evaluation.predict(predictor, dataset)
        return evaluation.errors(found["probabilities"], found["labels"])

    def _draw(self, network, writer, number, batch):
        """Writes conv1's kernels and the batch as pictures."""
        arrays = weights.to_arrays(network)
        writer.images(
            number,
            "conv1_kernels",
            figures.kernel_grid(next(iter(arrays.values())))[np.newaxis],
        )
        images = batch[0]
        if isinstance(images, tf.distribute.DistributedValues):
            images = images.values[0]
        sheet = figures.batch_sheet(images.numpy(), self.statistics.mean_rgb)
        writer.images(number, "augmented_batch", sheet[np.newaxis])


def from_config(config, workdir):
    """Returns the experiment of a config, new or begun, in a workdir.

    Raises:
        ValueError: The config could not train, or the workdir is that of
            another network.
        FileNotFoundError: There is no data set.
    """
    config.validate()
    workdir = pathlib.Path(workdir)
    if checkpoint.steps(workdir / "checkpoints"):
        workdirs.check_same_run(workdir, config)
    if not config.data.directory:
        raise ValueError(
            "data.directory must name a folder of records. Received: "
            "nothing. Pass --config.data.directory=DIR; make one with: "
            "python -m tools.build_tfrecords --help"
        )
    experiment = Experiment(config, workdir)
    _check_data(experiment)
    workdir.mkdir(parents=True, exist_ok=True)
    workdirs.write_config(workdir, config)
    experiment.info.save(workdir)
    experiment.statistics.save(workdir)
    return experiment


def open_workdir(workdir, data_dir=None):
    """Returns the experiment that was trained in a workdir.

    Args:
        workdir: Folder with config.json.
        data_dir: Where the records are now; where they were, if `None`.

    Raises:
        FileNotFoundError: It is no workdir.
    """
    config = workdirs.read_config(workdir)
    if data_dir:
        config.data = dataclasses.replace(config.data, directory=data_dir)
    return Experiment(config, workdir)


def _check_data(experiment):
    """Refuses a data set that cannot train, or is another than before."""
    directory = experiment.config.data.directory
    there = sources.open_source(experiment.config.data).info
    for split in ("train", "validation"):
        if split not in there.splits or not there.splits[split].num_images:
            raise ValueError(
                f"{directory} must hold a {split} split with records. "
                f"Received: {sorted(there.splits)}"
            )
    if there.splits != experiment.info.splits:
        raise experiment._other_records(directory)
