"""Competitors of `tools.benchmark --mode=loop` and `--mode=update`."""

import itertools
import tempfile

import numpy as np

# The demo's batch, and its interval between two checkpoints and two pictures.
_BATCH = 16
_STEPS = 500
_LOG_STEPS = 50


def of_loop():
    """Returns the demo's network in the whole loop, and its updates alone."""
    return [
        {
            "name": "DEMO in training.loop, with checkpoints and summaries",
            "function": f"{__package__}.loop:make_loop",
            "arguments": [],
        },
        {
            "name": "the same updates alone",
            "function": f"{__package__}.loop:make_updates",
            "arguments": [],
        },
    ]


def of_update():
    """Returns the rule on the paper's weights, and a pass over memory."""
    return [
        {
            "name": "PaperSGD on 60,965,224 weights",
            "function": f"{__package__}.loop:make_rule",
            "arguments": [],
        },
        {
            "name": "a pass that reads three such arrays and writes two",
            "function": f"{__package__}.loop:make_pass",
            "arguments": [],
        },
    ]


def make_loop():
    """Returns a turn of 500 steps of the real loop, one batch in memory.

    Everything of the demo's training is in it but its input and evaluation:
    figures every 50 steps, pictures and an asynchronous checkpoint every 500,
    requests of hands, TensorBoard, metrics.jsonl and the bar.
    """
    from alexnet_tf import weights
    from alexnet_tf.analysis import figures
    from alexnet_tf.cli import progress
    from alexnet_tf.experiment import steps
    from alexnet_tf.training import (
        coordination,
        learning_rates,
        loop,
        metrics,
        schedule,
        signals,
        summaries,
    )
    from alexnet_tf.training.diagnostics import Diagnostics
    from alexnet_tf.training.reports import Reporter
    from alexnet_tf.training.requests import RequestHandler
    from alexnet_tf.training.state import TrainState

    network, optimizer, train_step, batch = _make_parts()
    folder = tempfile.TemporaryDirectory()
    constant = schedule.Constant(1e-6)
    state = TrainState(
        f"{folder.name}/checkpoints", network, optimizer, constant
    )
    writer = summaries.SummaryWriter(folder.name, 0, float)
    rates = learning_rates.Rates(constant)
    source = coordination.LocalRequests(folder.name, signals.Interruption())
    watched = {"window": metrics.Window(_BATCH), "writer": writer}

    def make_pictures(images):
        kernels = next(iter(weights.to_arrays(network).values()))
        return {"conv1_kernels": figures.kernel_grid(kernels)[np.newaxis]}

    def turn(folder=folder):
        end = state.step + _STEPS
        intervals = steps.Intervals(end, 10**9, _STEPS, _LOG_STEPS, _STEPS)
        saver = loop.Saver(state, intervals, **watched)
        updater = loop.Updater(
            state,
            train_step,
            itertools.repeat(batch),
            rates,
            intervals=intervals,
            **watched,
        )
        evaluator = loop.Evaluator(
            state,
            intervals,
            lambda: {"top1_error": 1.0},
            saver=saver,
            **watched,
        )
        requests = RequestHandler(state, source, rates, saver, writer)
        with progress.Progress("train", end, "steps") as bar:
            reporter = Reporter(
                state,
                intervals,
                rates,
                progress=bar,
                diagnostics=Diagnostics(10),
                make_pictures=make_pictures,
                extra_scalars=lambda: metrics.layer_norms(network, optimizer),
                **watched,
            )
            loop.run(
                state, intervals, requests, updater, reporter, evaluator, saver
            )
        return _STEPS * _BATCH

    return turn


def make_updates():
    """Returns a turn of 500 updates alone, on one batch in memory."""
    _, _, train_step, batch = _make_parts()

    def turn():
        for _ in range(_STEPS):
            metrics = train_step(batch)
        float(metrics["loss"])
        return _STEPS * _BATCH

    return turn


def make_rule():
    """Returns a turn of ten updates of the paper's weights."""
    import tensorflow as tf

    import alexnet_tf
    from alexnet_tf.training import PaperSGD

    variables = alexnet_tf.AlexNet().trainable_variables
    rule = PaperSGD(1e-6)
    rule.build(variables)
    gradients = [tf.ones(v.shape) for v in variables]

    @tf.function
    def update():
        rule.apply(gradients, variables)

    def turn():
        for _ in range(10):
            update()
        np.asarray(variables[-1])
        return 10

    return turn


def make_pass():
    """Returns a turn of ten copies of as many bytes as an update touches.

    Three arrays read and two written are two and a half copies of one; a
    thread for each processor copies its share.
    """
    import concurrent.futures
    import os

    workers = os.cpu_count()
    size = 60_965_224 * 5 // 2
    source, target = np.ones(size, np.float32), np.ones(size, np.float32)
    parts = list(
        zip(
            np.array_split(source, workers),
            np.array_split(target, workers),
            strict=True,
        )
    )
    pool = concurrent.futures.ThreadPoolExecutor(workers)

    def turn():
        for _ in range(10):
            list(pool.map(lambda part: np.copyto(part[1], part[0]), parts))
        return 10

    return turn


def _make_parts():
    """Returns the demo's network, rule and update, and a batch of noise."""
    import tensorflow as tf

    from alexnet_tf import model, networks
    from alexnet_tf.training import PaperSGD, make_train_step

    network = model.build(networks.DEMO, num_classes=10, image_size=112)
    rule = PaperSGD(1e-6)
    rule.build(network.trainable_variables)
    model.set_step_counter(network, rule.iterations)
    train_step = make_train_step(
        network, rule, tf.distribute.get_strategy(), _BATCH
    )
    rng = np.random.default_rng(0)
    images = rng.normal(0, 60, (_BATCH, 112, 112, 3)).astype(np.float32)
    labels = rng.integers(0, 10, _BATCH).astype(np.int32)
    return network, rule, train_step, (tf.constant(images), tf.constant(labels))
