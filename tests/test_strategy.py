"""Where a training step runs."""

import pytest
import tensorflow as tf

from alexnet_tf.training import strategy


def test_one_device_is_the_default_strategy():
    assert strategy.make_strategy("one_device").num_replicas_in_sync == 1


def test_mirrored_has_a_replica_on_every_device():
    made = strategy.make_strategy("mirrored")

    kind = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
    devices = tf.config.list_logical_devices(kind)
    assert made.num_replicas_in_sync == len(devices)


def test_refuses_other_names():
    with pytest.raises(ValueError, match="strategy must be one of"):
        strategy.make_strategy("pods")


def test_refuses_a_batch_that_does_not_divide():
    strategy.check_share(128, 2)
    with pytest.raises(ValueError, match="Try 128 or 130"):
        strategy.check_share(129, 2)
    with pytest.raises(ValueError, match="Try 4 or 4"):
        strategy.check_share(3, 4)


def test_refuses_a_batch_that_does_not_divide_into_parts():
    strategy.check_share(128, 2, 4)
    with pytest.raises(ValueError, match=r"accumulation_steps=3. Try 126 or 1"):
        strategy.check_share(128, 2, 3)
