"""Validation scores of a run, on one host or shared by several."""

import numpy as np

from alexnet_tf import evaluation
from alexnet_tf.training import coordination

_NAMES = ("loss", "top1_error", "top5_error")


def make_evaluation(experiment, model, interruption):
    """Returns the function that computes validation scores, one crop each.

    Of several hosts each evaluates its part of the images; every image counts
    once, and all hosts get the same scores.

    Args:
        experiment: An `Experiment` with its placement.
        model: The network.
        interruption: A `signals.Interruption`.

    Returns:
        A function of nothing, which returns a dict of floats: "loss" in nats,
        "top1_error" and "top5_error" as fractions; it raises a
        `KeyboardInterrupt` where a host is interrupted.
    """
    placement, config = experiment.placement, experiment.config
    predictor = evaluation.make_predictor(model)
    host, num_hosts = placement.host, placement.num_hosts
    split = config.training.eval_split
    dataset = experiment.make_eval_dataset(
        split, 1, host=host, num_hosts=num_hosts
    )
    if num_hosts == 1:
        return lambda: _score(predictor, dataset, interruption)
    host_sum = coordination.HostSum(placement.strategy)
    fewest = experiment.num_images(split) // num_hosts
    num_batches = -(-fewest // config.data.eval_batch_size)

    def compute_scores():
        shared = coordination.SharedInterruption(
            interruption, host_sum, num_batches
        )
        sums = np.zeros(1 + len(_NAMES))
        # With fewer images than hosts, some have none.
        if fewest or list(dataset.take(1)):
            found = _predict(predictor, dataset, shared)
            count = len(found["labels"])
            scores = evaluation.errors(found["probabilities"], found["labels"])
            sums[:] = [count, *(count * scores[name] for name in _NAMES)]
        count, *totals = host_sum(sums)
        return {
            name: float(total / count)
            for name, total in zip(_NAMES, totals, strict=True)
        }

    return compute_scores


def _score(predictor, dataset, interruption):
    """Returns the scores of a whole split."""
    found = _predict(predictor, dataset, interruption)
    return evaluation.errors(found["probabilities"], found["labels"])


def _predict(predictor, dataset, interruption):
    """Returns the probabilities and labels of a dataset."""
    return evaluation.predict(predictor, dataset, interruption=interruption)
