"""A run on disk and in memory: config in, network and data out."""

import dataclasses
import pathlib

from alexnet_tf import classifier, model, weights
from alexnet_tf.experiment import split_images
from alexnet_tf.experiment import workdir as workdirs
from alexnet_tf.training import checkpoint
from input_pipeline import (
    augmentation,
    dataset_info,
    datasets,
    held_out,
    pipeline,
    record_reader,
    statistics,
    training_crops,
)


class Experiment(split_images.SplitImages):
    """A workdir: its config, its data set and its checkpoints.

    Args:
        config: A `config.Config`.
        workdir: Path of the run.
        source: The opened data set, an `input_pipeline.datasets.Source`; it
            is opened when it is first needed, if `None`.
        placement: Where to train, a `training.strategy.Placement`.

    Attributes:
        info: `DatasetInfo` of the data that it is trained on.
        statistics: `Statistics` of that data.
        skipped: Counts damaged records, a `record_reader.Skipped`.
        initial: Weights from elsewhere that a new run begins with, a
            `weights.pretrained.Pretrained`, or `None`.
    """

    def __init__(self, config, workdir, source=None, placement=None):
        self.config = config
        self.workdir = pathlib.Path(workdir)
        self.placement = placement
        self.info = None
        self._source = source
        # A workdir is enough to evaluate and to serve: it keeps its own copy.
        # Before its first checkpoint nothing binds it to that copy.
        if checkpoint.steps(self.checkpoints):
            self.info = dataset_info.DatasetInfo.load(self.workdir)
            self.statistics = statistics.Statistics.load(self.workdir)
        else:
            self.info = self.source.info
            self.statistics = self.source.load_statistics()
        self.skipped = record_reader.Skipped()
        self.initial = None

    @property
    def source(self):
        """The records where they are now, an opened data set."""
        if self._source is None:
            self._source = datasets.open_source(self.data_config())
        return self._source

    def data_config(self):
        """Returns the data's settings, with the filter of the training."""
        if self.info is None:
            return self.config.data
        resample = self.info.resample
        if resample == dataset_info.BLUR_LINEAR:
            resample = "triangle"
        return dataclasses.replace(
            self.config.data, resample=resample, resize=self.info.resize
        )

    @property
    def checkpoints(self):
        """The folder of the checkpoints."""
        return self.workdir / "checkpoints"

    def build(self, devices=None, native_ops_only=False):
        """Returns the network with its first weights; see `model.build`."""
        return model.build(
            self.config.make_network(),
            self.info.num_classes,
            image_size=self.config.data.crop_size,
            devices=devices,
            seed=self.config.training.seed,
            native_ops_only=native_ops_only,
            precision=self.config.precision,
        )

    def load(self, which="last", devices=None, native_ops_only=False):
        """Returns a trained network and its step.

        Args:
            which: "last", "best" or a step.
            devices: See `model.build`.
            native_ops_only: See `model.build`.

        Raises:
            FileNotFoundError: There is no such checkpoint.
        """
        found, arrays = self.load_weights(which)
        network = self.build(devices, native_ops_only)
        weights.from_arrays(network, arrays)
        return network, found

    def load_classifier(self, which="last", native_ops_only=False):
        """Returns the `Classifier` around a trained network, and its step.

        Args:
            which: "last", "best" or a step.
            native_ops_only: See `model.build`.

        Raises:
            FileNotFoundError: There is no such checkpoint.
        """
        network, step = self.load(which, native_ops_only=native_ops_only)
        found = classifier.Classifier(
            network,
            self.statistics,
            self.info.class_names,
            mean=self.config.data.mean,
            resample=self.info.resample,
            resize=self.info.resize,
            synsets=self.info.synsets,
        )
        return found, step

    def load_weights(self, which="last"):
        """Returns the step of a checkpoint, and its weights as arrays."""
        found, folder = checkpoint.find(self.checkpoints, which)
        return found, checkpoint.load_arrays(folder / "weights.npz")

    def make_train_dataset(self, first_step, host=0, num_hosts=1):
        """Returns a host's endless batches from a step on.

        They are images and labels, or what `make_augment` makes those of.
        """
        make = pipeline.make_train_dataset
        if self.config.data.augment_on == "device":
            make = training_crops.make_crop_dataset
        return make(
            self.source,
            self.config.data,
            self.config.training.seed,
            first_step,
            statistics=self.statistics,
            host=host,
            num_hosts=num_hosts,
            skipped=self.skipped,
        )

    def make_augment(self):
        """Returns what a batch still needs on its device, or `None`."""
        if self.config.data.augment_on == "host":
            return None
        return augmentation.make_augment(self.config.data, self.statistics)

    def make_eval_dataset(self, split, crops, file_names=False, **how):
        """Returns a split from where it is now, less the training's mean.

        Args:
            split: See `pipeline.make_eval_dataset`; as all others.
            crops: The same.
            file_names: The same.
            **how: `host`, `num_hosts`, `first_record`.

        Raises:
            ValueError: The records are others than those of the run.
        """
        mean_image = self.statistics.mean_image
        return pipeline.make_eval_dataset(
            self.open_source(split),
            self.config.data,
            split,
            crops,
            file_names,
            mean_image,
            skipped=self.skipped,
            **how,
        )

    def num_images(self, split):
        """Returns the number of images of a split, or of the held-out ones."""
        splits = self._splits()
        if split == held_out.SPLIT:
            total = splits["train"].num_images
            return round(total * self.config.data.held_out_fraction)
        return splits[split].num_images

    def open_source(self, split):
        """Returns where the records are now, if they are those of the run.

        Raises:
            ValueError: They are others, or the run has no such split.
        """
        directory = self.config.data.directory
        if split == held_out.SPLIT:
            split = "train"
        splits = self._splits()
        if split not in splits:
            raise ValueError(
                f"The split must be one of {', '.join(splits)}. "
                f"Received: {split}"
            )
        found = self.source.info
        if (
            found.synsets != self.info.synsets
            or found.image_size != self.info.image_size
            or found.splits.get(split) != splits[split]
        ):
            raise self.other_records(directory)
        return self.source

    def _splits(self):
        """Returns the splits of the run, or of the data that are there.

        Imported weights know their classes, and no records.
        """
        return self.info.splits or self.source.info.splits

    def other_records(self, directory):
        """Returns the error for records that the run does not know."""
        return ValueError(
            f"{self.workdir} was trained on other records than those of "
            f"{directory}. Use another --workdir, or the data set "
            f"{self.info.name} that it began with."
        )


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
