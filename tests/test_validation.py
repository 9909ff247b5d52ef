"""Validation scores that several hosts share."""

import types

import numpy as np
import pytest
from runs import make_config, open_new, small_network

from alexnet_tf.experiment import validation
from alexnet_tf.training import coordination

__all__ = ["small_network"]

NOT_INTERRUPTED = types.SimpleNamespace(requested=False)


def _evaluate(run, model, host, num_hosts, host_sum, monkeypatch):
    """Returns what one host computes, with its own sums kept by `host_sum`."""
    run.placement = types.SimpleNamespace(
        host=host, num_hosts=num_hosts, strategy=None
    )
    monkeypatch.setattr(coordination, "HostSum", lambda strategy: host_sum)
    return validation.make_evaluation(run, model, NOT_INTERRUPTED)()


@pytest.mark.parametrize("num_hosts", [2, 4, 7])
def test_every_image_counts_once_on_any_number_of_hosts(
    tiny_data_dir, tmp_path, monkeypatch, num_hosts
):
    config = make_config(tiny_data_dir)
    config.data.eval_batch_size = 2
    run = open_new(config, tmp_path)
    model = run.build()
    alone = validation.make_evaluation(run, model, NOT_INTERRUPTED)()

    sums = []

    def keep(values):
        if len(values) == 1:
            return values
        sums.append(values.copy())
        # A host without images has nothing to divide by.
        return values + 1e-9

    for host in range(num_hosts):
        _evaluate(run, model, host, num_hosts, keep, monkeypatch)

    count, *totals = np.sum(sums, axis=0)
    assert count == 6
    names = ("loss", "top1_error", "top5_error")
    for name, total in zip(names, totals, strict=True):
        assert total / count == pytest.approx(alone[name], rel=1e-6)


def test_hosts_exchange_interruptions_equally_often():
    calls = []

    def host_sum(values):
        calls.append(values[0])
        # Another host is interrupted at the second exchange.
        return values + (len(calls) == 2)

    shared = coordination.SharedInterruption(
        NOT_INTERRUPTED, host_sum, num_batches=25, every_batches=10
    )

    found = [shared.requested for _ in range(27)]

    # Before batches 0, 10 and 20, whatever the host's own number of batches.
    assert len(calls) == 3
    assert [n for n, requested in enumerate(found) if requested] == [10]
