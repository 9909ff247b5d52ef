"""Means over the steps between two lines of figures; norms of layers."""

import contextlib
import time

import numpy as np
import tensorflow as tf

from alexnet_tf.training import summaries


class Window:
    """Sums up the steps between two lines of figures.

    Args:
        batch_size: Images per step.
        may_skip: Whether the loss is scaled, so that a step that overflows
            is skipped: its figures are then left out of the means, which
            tell by "skipped_steps" how many there were.

    Attributes:
        summary: The last line, for the progress bar.
    """

    def __init__(self, batch_size, may_skip=False):
        self.batch_size = batch_size
        self.may_skip = may_skip
        self.summary = ""
        self._clear()

    def _clear(self):
        self._metrics = []
        self._paused = 0.0
        self._waited = 0.0
        self._started = time.monotonic()

    def add(self, metrics):
        """Takes the metrics of a step; does not wait for their values."""
        self._metrics.append(metrics)

    @contextlib.contextmanager
    def waiting(self):
        """A scope whose time is spent waiting for input."""
        started = time.monotonic()
        yield
        self._waited += time.monotonic() - started

    @contextlib.contextmanager
    def pause(self):
        """A scope whose time is not training."""
        started = time.monotonic()
        yield
        self._paused += time.monotonic() - started

    def close(self):
        """Returns the means since the last call, and starts again.

        What only some steps measure, such as norms, is the mean of those.
        """
        values, kept = {}, self._metrics
        if self.may_skip:
            kept = [m for m in kept if np.isfinite(float(m["loss"]))] or kept
        for metrics in kept:
            for name, value in metrics.items():
                values.setdefault(name, []).append(float(value))
        means = {name: float(np.mean(v)) for name, v in values.items()}
        if self.may_skip:
            means["skipped_steps"] = float(len(self._metrics) - len(kept))
        seconds = time.monotonic() - self._started - self._paused
        images = self.batch_size * len(self._metrics)
        means["images_per_second"] = images / seconds
        means["waiting_share"] = self._waited / seconds
        self._clear()
        return means

    def describe(self, scalars, num_classes=None):
        """Keeps a few words for the progress bar."""
        self.summary = summaries.describe(scalars, num_classes)


def layer_norms(model, optimizer):
    """Returns the norms of every layer's kernels and of their velocities.

    Args:
        model: What `model.build` returned.
        optimizer: A `PaperSGD` built on its variables.
    """
    layers = [layer for layer in model.layers if layer.weights]
    kernels = [[k.value for k in layer.kernels] for layer in layers]
    velocities = [
        [optimizer.velocity(k).value for k in layer.kernels] for layer in layers
    ]
    found = np.reshape(_norms(kernels + velocities), (2, -1))
    return {
        f"{what}_norm/{layer.name}": float(norm)
        for what, row in zip(("weight", "velocity"), found, strict=True)
        for layer, norm in zip(layers, row, strict=True)
    }


@tf.function(autograph=False)
def _norms(groups):
    """Returns the Euclidean norm over each group of variables."""
    return tf.stack([tf.linalg.global_norm(group) for group in groups])
