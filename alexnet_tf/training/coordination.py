"""Requests and interruptions, at the same step on every host."""

import json

import numpy as np
import tensorflow as tf

from alexnet_tf.training import control
from alexnet_tf.training import strategy as strategies

# A request as numbers, for the other hosts: its text in bytes.
_LENGTH = 200


class LocalRequests:
    """The requests to a run on one host.

    Args:
        workdir: Of the run.
        interruption: An `interruption.Interruption`.
    """

    def __init__(self, workdir, interruption):
        self._requests = control.Requests(workdir)
        self._interruption = interruption

    def interrupted(self, step):
        """Returns whether to save and to end."""
        return self._interruption.requested

    def requests(self, step):
        """Yields the names and dicts of requests, oldest first."""
        while (found := self._requests.next()) is not None:
            yield found

    def done(self, name):
        """Removes a request that has been carried out."""
        self._requests.done(name)


class BroadcastRequests:
    """The same for several hosts, which exchange them every few steps.

    The first host reads the requests; an interruption of any host is one of
    all. None acts before all have received it.

    Args:
        workdir: Of the run, the first host's.
        interruption: An `interruption.Interruption`.
        strategy: The `tf.distribute.Strategy` of all hosts.
        is_chief: Whether this is the first host.
        every_steps: Between two exchanges: one small message each.
    """

    def __init__(
        self, workdir, interruption, strategy, is_chief, every_steps=10
    ):
        self._requests = control.Requests(workdir)
        self._interruption = interruption
        self._strategy = strategy
        self._is_chief = is_chief
        self._every = every_steps
        self._found = None

        @tf.function
        def total(values):
            # One message from every replica, so each host speaks as often as
            # it has replicas.
            copies = strategy.run(tf.identity, args=(values,))
            return strategy.reduce(
                tf.distribute.ReduceOp.SUM, copies, axis=None
            )

        self._total = total

    def interrupted(self, step):
        """Returns whether to save and to end, the same on every host."""
        self._found = None
        if step % self._every:
            return False
        values = np.zeros(1 + _LENGTH, np.float32)
        values[0] = self._interruption.requested
        found = self._requests.next() if self._is_chief else None
        if found is not None:
            text = json.dumps(found).encode()
            values[1 : 1 + len(text)] = list(text)
        summed = self._total(tf.constant(values)).numpy()
        _, hosts = strategies.host_of(self._strategy)
        local = self._strategy.num_replicas_in_sync // hosts
        text = bytes((summed[1:] / local).astype(np.uint8)).rstrip(b"\0")
        if text:
            self._found = json.loads(text)
        return bool(summed[0])

    def requests(self, step):
        """Yields the request that `interrupted` has heard of, if any."""
        if self._found is not None:
            yield self._found

    def done(self, name):
        """Removes a request that has been carried out."""
        if self._is_chief:
            self._requests.done(name)
