"""One call of training: an experiment's parts, wired into the loop."""

import functools

import keras
import numpy as np
import tensorflow as tf
from absl import logging

from alexnet_tf import config as config_lib
from alexnet_tf import evaluation, figures, model, plan, weights
from alexnet_tf import workdir as workdirs
from alexnet_tf.training import (
    agreement,
    checkpoint,
    control,
    interruption,
    loop,
    optimizer,
    rates,
    step,
    strategy,
    summaries,
    watch,
)
from input_pipeline import pipeline


class Trainer:
    """Trains an experiment to its end.

    Args:
        experiment: An `experiment.Experiment`.
        make_progress: See `Experiment.train`.
    """

    def __init__(self, experiment, make_progress):
        self.experiment = experiment
        self.config = experiment.config
        self.make_progress = make_progress

    def train(self):
        """Trains; see `Experiment.train`."""
        with interruption.Interruption() as request:
            place = self.experiment.strategy or self._make_strategy()
            self.host, self.hosts = strategy.host_of(place)
            if self.host > 0:
                return self._train(place, request)
            with control.Lock(self.experiment.workdir):
                return self._train(place, request)

    def _make_strategy(self):
        """Returns the strategy, with the rows of towers that it spans."""
        devices = self._devices()
        rows = None
        if devices and self.config.strategy == "mirrored":
            towers = self.config.make_network().towers
            rows = strategy.tower_places(devices, towers)[1]
        return strategy.make_strategy(self.config.strategy, rows)

    def _devices(self):
        """Returns the devices of the config, if they are here."""
        return strategy.existing_devices(self.config.tower_devices())

    def _train(self, place, request):
        config, experiment = self.config, self.experiment
        replicas = place.num_replicas_in_sync
        strategy.check_share(config.data.batch_size, replicas)
        intervals, epochs = plan.make_intervals(
            config, experiment.info.splits["train"].num_images
        )
        network, rule, outer = self._build(place)
        state = checkpoint.TrainState(
            experiment.checkpoints,
            network,
            rule,
            plan.make_schedule(config, intervals, epochs),
            config.training.keep_checkpoints,
            outer if outer is not rule else None,
            writes=self.host == 0,
        )
        state.check_space()
        self._begin(state, intervals)
        writer = self._make_writer(state, epochs)
        hand = rates.Hand()
        for event in writer.by_hand():
            hand.set(event["step"], event["factor"])
        all_rates = plan.make_rates(config, intervals, epochs, hand)
        all_rates.schedule = state.schedule
        predictor = evaluation.make_predictor(network)
        validation = experiment.make_eval_dataset(config.training.eval_split, 1)
        # Hosts must leave an evaluation together.
        stops = request if self.hosts == 1 else None
        try:
            with self.make_progress(
                intervals.total_steps, state.step
            ) as progress:
                scores = loop.Loop(
                    step.make_train_step(
                        network, outer, place, config.data.batch_size
                    ),
                    iter(self._batches(place, state.step)),
                    state,
                    intervals,
                    all_rates,
                    batch_size=config.data.batch_size,
                    evaluate=functools.partial(
                        self._look,
                        network,
                        writer,
                        state,
                        predictor,
                        validation,
                        stops,
                    ),
                    writer=writer,
                    progress=progress,
                    agreement=self._agreement(place, request),
                    apply_rates=functools.partial(
                        _apply_rates, network, rule, all_rates, state
                    ),
                    watch=watch.Watch(experiment.info.num_classes),
                    draw=functools.partial(self._draw, network, writer),
                    facts=functools.partial(self._facts, network, rule),
                    divisor=config.optimizer.divisor,
                ).run()
            scores = scores or self._scores(predictor, validation, stops)
            writer.hyperparameters(_flat(config), scores)
            return scores
        finally:
            writer.close()

    def _build(self, place):
        """Returns the network, the rule and what applies the rule."""
        config = self.config
        devices = self._devices()
        if devices:
            towers = config.make_network().towers
            devices = strategy.tower_places(devices, towers)[0]
        with place.scope():
            network = self.experiment.build(devices)
            outer = rule = optimizer.PaperSGD(
                config.optimizer.learning_rate,
                config.optimizer.momentum,
                config.optimizer.weight_decay,
                config.optimizer.bias_decay,
                rates.parse_layers(
                    "optimizer.layer_decays", config.optimizer.layer_decays
                ),
            )
            rule.build(network.trainable_variables)
            if config.precision == "mixed_float16":
                outer = keras.optimizers.LossScaleOptimizer(rule)
                outer.build(network.trainable_variables)
        model.follow_steps(network, rule.iterations)
        return network, rule, outer

    def _begin(self, state, intervals):
        """Restores, or takes weights from elsewhere, or starts afresh."""
        if state.restore():
            logging.info("Going on from step %d.", state.step)
            if state.step >= intervals.total_steps:
                logging.info("That is all of them: nothing is left to do.")
        elif self.config.init_from:
            # Here, as it makes an experiment, which makes trainers.
            from alexnet_tf import experiment

            other = experiment.open_workdir(self.config.init_from)
            _, arrays = other.load_weights()
            weights.from_arrays(state.model, arrays)

    def _make_writer(self, state, epochs):
        """Returns what people watch; a host that is not the first is mute."""
        if self.host > 0:
            return summaries.Mute(self.experiment.workdir)
        writer = summaries.SummaryWriter(
            self.experiment.workdir, state.step, epochs
        )
        writer.event(
            state.step,
            "resume" if state.step else "start",
            revision=workdirs.revision(),
        )
        return writer

    def _batches(self, place, first_step):
        """Returns the batches from a step on, on their way to the replicas."""
        dataset = pipeline.make_train_dataset(
            self.config.data.directory,
            self.config.data,
            self.config.training.seed,
            first_step=first_step,
            statistics=self.experiment.statistics,
            host=self.host,
            num_hosts=self.hosts,
            skipped=self.experiment.skipped,
        )
        if place.num_replicas_in_sync == 1:
            return dataset
        return strategy.split_batches(dataset, place)

    def _agreement(self, place, request):
        """Returns how hosts agree on requests."""
        if self.hosts == 1:
            return agreement.Agreement(self.experiment.workdir, request)
        return agreement.SharedAgreement(
            self.experiment.workdir, request, place, self.host == 0
        )

    def _facts(self, network, rule):
        """Returns what TensorBoard shows beside the figures of training."""
        facts = norms(network, rule)
        if self.config.data.on_error == "skip":
            facts["skipped_records"] = self.experiment.skipped.count
        return facts

    def _look(self, network, writer, state, predictor, dataset, stops):
        """Returns validation scores, and writes the weights' histograms."""
        scores = self._scores(predictor, dataset, stops)
        writer.histograms(state.step, weights.to_arrays(network))
        return scores

    def _scores(self, predictor, dataset, stops):
        """Returns errors of the whole validation split, one crop an image."""
        found = evaluation.predict(predictor, dataset, interruption=stops)
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
        sheet = figures.batch_sheet(
            images.numpy(), self.experiment.statistics.mean_rgb
        )
        writer.images(number, "augmented_batch", sheet[np.newaxis])


def _apply_rates(network, rule, all_rates, state, groups):
    """Sets the rates of all variables for the coming step."""
    rule.set_rates(
        all_rates.base(state.step),
        rates.per_variable(network, groups, all_rates.factors),
    )


def norms(network, rule):
    """Returns the norms of every layer's kernels and of their velocities.

    Args:
        network: What `model.build` returned.
        rule: A `PaperSGD` built on its variables.
    """
    layers = [layer for layer in network.layers if layer.weights]
    kernels = [[k.value for k in layer.kernels] for layer in layers]
    moved = [
        [rule.velocity(k).value for k in layer.kernels] for layer in layers
    ]
    found = np.reshape(_norms(kernels + moved), (2, -1))
    return {
        f"{what}_norm/{layer.name}": float(norm)
        for what, row in zip(("weight", "velocity"), found, strict=True)
        for layer, norm in zip(layers, row, strict=True)
    }


@tf.function
def _norms(groups):
    """Returns the Euclidean norm over each group of variables."""
    return tf.stack([tf.linalg.global_norm(group) for group in groups])


def _flat(config):
    """Returns a config's fields as one dict, for TensorBoard's HParams."""
    flat = {}
    for name, value in config_lib.to_dict(config).items():
        inner = value.items() if isinstance(value, dict) else [(None, value)]
        for key, v in inner:
            label = f"{name}.{key}" if key else name
            plain = isinstance(v, (bool, int, float, str))
            flat[label] = v if plain else str(v)
    return flat
