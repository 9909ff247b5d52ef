"""Dropout as §4.2 scales it, with masks that can be drawn again."""

import numpy as np
import pytest
import tensorflow as tf

from alexnet_tf.layers import Dropout, dropout


def test_paper_scaling_halves_at_test_and_not_in_training():
    ones = tf.ones((100, 100))
    layer = Dropout(0.5, seed=1)

    in_training = layer(ones, training=True).numpy()

    assert set(np.unique(in_training)) == {0.0, 1.0}
    # Ten thousand fair draws: five standard deviations are 0.025.
    assert in_training.mean() == pytest.approx(0.5, abs=0.025)
    np.testing.assert_array_equal(layer(ones), np.full((100, 100), 0.5))


def test_inverted_scaling_doubles_in_training_and_not_at_test():
    ones = tf.ones((100, 100))
    layer = Dropout(0.75, scaling="inverted", seed=1)

    in_training = layer(ones, training=True).numpy()

    assert set(np.unique(in_training)) == {0.0, 4.0}
    assert in_training.mean() == pytest.approx(1.0, abs=0.1)
    np.testing.assert_array_equal(layer(ones), np.ones((100, 100)))


def test_mask_follows_from_seed_and_step():
    ones = tf.ones((4, 50))
    step = tf.Variable(7, dtype=tf.int64)
    layer, same, other = Dropout(seed=1), Dropout(seed=1), Dropout(seed=2)
    for each in (layer, same, other):
        each.follow(step)

    first = layer(ones, training=True).numpy()

    np.testing.assert_array_equal(first, same(ones, training=True))
    assert not np.array_equal(first, other(ones, training=True))
    step.assign(8)
    assert not np.array_equal(first, layer(ones, training=True))
    step.assign(7)
    np.testing.assert_array_equal(first, layer(ones, training=True))


def test_without_a_step_every_call_draws_another_mask():
    ones = tf.ones((4, 50))
    layer = Dropout(seed=1)

    first = layer(ones, training=True).numpy()

    assert not np.array_equal(first, layer(ones, training=True))


def test_towers_have_different_masks():
    ones = tf.ones((4, 50))

    first, second = Dropout(seed=1)([ones, ones], training=True)

    assert not np.array_equal(first, second)


def test_replicas_have_different_masks():
    strategy = tf.distribute.MirroredStrategy(
        ["CPU:0", "CPU:1"],
        cross_device_ops=tf.distribute.ReductionToOneDevice(),
    )
    with strategy.scope():
        step = tf.Variable(
            3,
            dtype=tf.int64,
            aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
        )
    layer = Dropout(seed=1)
    layer.follow(step)

    @tf.function
    def masks():
        return strategy.run(lambda: layer(tf.ones((4, 50)), training=True))

    first, second = strategy.experimental_local_results(masks())
    assert not np.array_equal(first, second)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"rate": 1.0}, "at least 0 and below 1"),
        ({"scaling": "none"}, "paper or inverted"),
    ],
)
def test_refuses_impossible_arguments(arguments, words):
    with pytest.raises(ValueError, match=words):
        Dropout(**arguments)


def test_every_part_of_a_batch_has_masks_of_its_own():
    layer = Dropout(0.5, seed=1)
    layer.follow(tf.Variable(7))
    images = tf.ones((1, 1000))

    whole = layer(images, training=True).numpy()
    with dropout.part_of_step(0):
        first = layer(images, training=True).numpy()
    with dropout.part_of_step(1):
        second = layer(images, training=True).numpy()

    # A batch in one part is what it was before there were parts.
    np.testing.assert_array_equal(first, whole)
    # Two fair coins agree half of the time; 0.1 is six deviations.
    assert abs((first == second).mean() - 0.5) < 0.1


def test_no_two_masks_are_drawn_from_one_seed():
    """Seeds, steps, replicas, parts and towers: 32 masks, all different."""
    strategy = tf.distribute.MirroredStrategy(
        ["CPU:0", "CPU:1"],
        cross_device_ops=tf.distribute.ReductionToOneDevice(),
    )
    # More than 64 activations: one mask in 2 ** 64 is like another by chance.
    ones = tf.ones((1, 96))
    found = []
    for seed in (1, 2):
        layer = Dropout(seed=seed)
        step = tf.Variable(0, dtype=tf.int64)
        layer.follow(step)

        def masks(layer=layer):
            drawn = []
            for part in (0, 1):
                with dropout.part_of_step(part):
                    drawn += layer([ones, ones], training=True)
            return drawn

        for number in (7, 8):
            step.assign(number)
            for each in strategy.run(masks):
                found += strategy.experimental_local_results(each)

    assert len({mask.numpy().tobytes() for mask in found}) == len(found) == 32
