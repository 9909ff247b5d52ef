"""Requests and interruptions, at the same step on every host."""

import contextlib
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
        self._is_chief = is_chief
        self._every = every_steps
        self._sum = HostSum(strategy)
        self._found = None

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
        summed = self._sum(values)
        text = bytes(summed[1:].astype(np.uint8)).rstrip(b"\0")
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


class HostSum:
    """Sums an array over all hosts; every host gets the sum.

    All hosts must call it equally often, in the same order.

    Args:
        strategy: The `tf.distribute.Strategy` of all hosts.
    """

    def __init__(self, strategy):
        _, hosts = strategies.host_of(strategy)
        # One message from every replica, so each host speaks as often as it
        # has replicas.
        self._copies = strategy.num_replicas_in_sync // hosts

        @tf.function
        def total(values):
            copies = strategy.run(tf.identity, args=(values,))
            return strategy.reduce(
                tf.distribute.ReduceOp.SUM, copies, axis=None
            )

        self._total = total

    def __call__(self, values):
        """Returns the sum of a NumPy array over the hosts."""
        return self._total(tf.constant(values)).numpy() / self._copies


class SharedInterruption:
    """The interruption of any host, heard by all within an evaluation.

    Args:
        interruption: This host's `signals.Interruption`.
        host_sum: A `HostSum`.
        num_batches: Of the host that has the fewest: so many looks are shared.
        every_batches: Between two exchanges.
    """

    def __init__(self, interruption, host_sum, num_batches, every_batches=10):
        self._interruption = interruption
        self._sum = host_sum
        self._num_batches = num_batches
        self._every = every_batches
        self._calls = 0

    @property
    def requested(self):
        """Whether to stop; asked once before every batch."""
        call, self._calls = self._calls, self._calls + 1
        if call >= self._num_batches or call % self._every:
            return False
        flag = np.array([float(self._interruption.requested)], np.float32)
        return bool(self._sum(flag)[0])


@contextlib.contextmanager
def lost_hosts_explained(strategy):
    """A scope in which an error of a collective says what to do.

    Args:
        strategy: The `tf.distribute.Strategy` of all hosts.

    Raises:
        ValueError: A host has ended, or cannot be reached.
    """
    try:
        yield
    except tf.errors.OpError as error:
        if strategies.host_of(strategy)[1] == 1:
            raise
        raise ValueError(
            "All hosts must answer until the end. One has ended or cannot be "
            f"reached ({type(error).__name__}). Run the same command on all "
            "hosts again: they go on from the last checkpoint."
        ) from error


def check_hosts_agree(strategy, fingerprint):
    """Refuses hosts that would train different runs.

    Args:
        strategy: The `tf.distribute.Strategy` of all hosts.
        fingerprint: Integer of 0 or more, below 2 ** 24, of what must be the
            same on every host.

    Raises:
        ValueError: It differs.
    """
    host, hosts = strategies.host_of(strategy)
    if hosts == 1:
        return
    values = np.zeros(hosts, np.float32)
    values[host] = fingerprint
    found = HostSum(strategy)(values)
    different = [n for n in range(hosts) if found[n] != found[0]]
    if different:
        raise ValueError(
            "All hosts must have the same config, code, data set and last "
            f"checkpoint. Received: host {different[0]} differs from host 0. "
            "Give all of them the same --config, and a --workdir that all of "
            "them see."
        )
