"""Config in, live objects out: the only module that wires everything."""

import dataclasses
import pathlib

import numpy as np

from alexnet_tf import model, trainer, weights
from alexnet_tf import workdir as workdirs
from alexnet_tf.training import stored, strategy
from input_pipeline import (
    dataset_info,
    held_out,
    pipeline,
    reading,
    sources,
    statistics,
    transforms,
)


class Experiment:
    """A workdir: its config, its data set and its checkpoints.

    Attributes:
        config: A `config.Config`.
        workdir: Path of the run.
        info: `DatasetInfo` of the data that it is trained on.
        statistics: `Statistics` of that data.
        skipped: Counts damaged records, a `reading.Skipped`.
        strategy: The `tf.distribute.Strategy` to train with; made when
            training begins, if `None`.
    """

    def __init__(self, config, workdir):
        self.config = config
        self.workdir = pathlib.Path(workdir)
        # A workdir is enough to evaluate and to serve: it keeps its own copy.
        # Before its first checkpoint nothing binds it to that copy.
        begun = stored.steps(self.checkpoints)
        if begun:
            self.info = dataset_info.DatasetInfo.load(self.workdir)
            self.statistics = statistics.Statistics.load(self.workdir)
        else:
            source = sources.open_source(config.data)
            self.info = source.info
            self.statistics = source.load_statistics()
        self.skipped = reading.Skipped()
        self.strategy = None

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
            precision=self.config.precision,
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
        found, folder = stored.find(self.checkpoints, which)
        return found, stored.load_arrays(folder / "weights.npz")

    def make_eval_dataset(self, split, crops, file_names=False):
        """Returns a split of the data set, from where it is now.

        The mean image is that of the training, wherever the images are.

        Raises:
            ValueError: The records are others than those of the run.
        """
        self.open_source(split)
        return pipeline.make_eval_dataset(
            self.config.data.directory,
            self.config.data,
            split,
            crops,
            file_names,
            self.statistics.mean_image,
            skipped=self.skipped,
        )

    def num_images(self, split):
        """Returns the number of images of a split, or of the held-out ones."""
        if split == held_out.SPLIT:
            total = self.info.splits["train"].num_images
            return round(total * self.config.data.held_out_fraction)
        return self.info.splits[split].num_images

    def sample_images(self, split, count):
        """Returns images of a split, evenly spread over it.

        Args:
            split: "train", "validation" or "test".
            count: Images; fewer where the split, or what is whole of it, has
                no more.

        Returns:
            uint8 `(n, image_size, image_size, 3)`, RGB.

        Raises:
            ValueError: The records are others than those of the run.
        """
        source = self.open_source(split)
        skips = self.config.data.on_error == "skip"
        skipped = self.skipped if skips else None
        reader = reading.Reader(source.load_index(split, skipped), skipped)
        count = min(count, len(reader))
        places = np.linspace(0, len(reader) - 1, count).astype(int)
        size = self.info.image_size
        images = [
            transforms.square_from_bytes(source.parse(record)["image"], size)
            for record in reader.read(places)
        ]
        return np.array(images, np.uint8).reshape(-1, size, size, 3)

    def images_at(self, split, places, file_names=None):
        """Returns the images at some places of a split.

        Args:
            split: "train", "validation" or "test".
            places: Integers from 0, in the order of the records.
            file_names: What the records there must be called, or `None`.

        Returns:
            A list of uint8 `(rows, columns, 3)`, RGB.

        Raises:
            ValueError: The records are others than those of the run, or are
                called otherwise.
        """
        source = self.open_source(split)
        index = source.load_index(split)
        images = []
        for number, place in enumerate(places):
            record = source.parse(index.read(int(place)))
            name = record["file_name"].numpy().decode()
            if file_names is not None and name != file_names[number]:
                raise ValueError(
                    f"Image {place} of {split} must be {file_names[number]}, "
                    f"as it was when it was evaluated. Found: {name}. "
                    "Evaluate the present records again."
                )
            images.append(transforms.decode(record["image"]).numpy())
        return images

    def open_source(self, split):
        """Returns where the records are now, if they are those of the run.

        Raises:
            ValueError: They are others, or the run has no such split.
        """
        directory = self.config.data.directory
        if split == held_out.SPLIT:
            split = "train"
        if split not in self.info.splits:
            raise ValueError(
                f"The split must be one of {', '.join(self.info.splits)}. "
                f"Received: {split}"
            )
        source = sources.open_source(self.config.data)
        there = source.info
        mine, its = self.info.splits.get(split), there.splits.get(split)
        if (
            there.synsets != self.info.synsets
            or there.image_size != self.info.image_size
            or (mine is not None and mine != its)
        ):
            raise self.other_records(directory)
        return source

    def other_records(self, directory):
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
        return trainer.Trainer(self, make_progress).train()


def from_config(config, workdir):
    """Returns the experiment of a config, new or begun, in a workdir.

    Raises:
        ValueError: The config could not train, or the workdir is that of
            another network.
        FileNotFoundError: There is no data set.
    """
    config.validate()
    workdir = pathlib.Path(workdir)
    if stored.steps(workdir / "checkpoints"):
        workdirs.check_same_run(workdir, config)
    if not config.data.directory:
        raise ValueError(
            "data.directory must name a folder of records. Received: "
            "nothing. Pass --config.data.directory=DIR; make one with: "
            "python -m tools.build_tfrecords --help"
        )
    place = None
    if config.strategy == "multi_worker":
        # It must come before anything else of TensorFlow's.
        place = strategy.make_strategy(config.strategy)
    experiment = Experiment(config, workdir)
    experiment.strategy = place
    _check_data(experiment)
    if place is not None and strategy.host_of(place)[0] > 0:
        # The first host writes the workdir, which all of them see.
        return experiment
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
        raise experiment.other_records(directory)
