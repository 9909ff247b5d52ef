"""Towers on devices of their own: same numbers, and what crosses."""

import narrow
import numpy as np
import pytest
import tensorflow as tf

import alexnet_tf
from alexnet_tf import networks
from alexnet_tf.weights import assign


@pytest.mark.parametrize(
    "name", ["PAPER", "ORIGINAL_2012", "CAFFE", "CONV6", "NO_CROSS_TALK"]
)
def test_towers_apart_match_towers_together(name):
    network = narrow.shrink(networks.named(name))
    together = alexnet_tf.build(network, 5, image_size=67)
    apart = alexnet_tf.build(
        network, 5, image_size=67, devices=("CPU:0", "CPU:1")
    )
    images = tf.random.stateless_normal((2, 67, 67, 3), (0, 1)) * 50

    found = []
    for model in (together, apart):
        with tf.GradientTape() as tape:
            tape.watch(images)
            logits = model(images)
            loss = tf.reduce_sum(logits**2)
        found.append((logits.numpy(), tape.gradient(loss, images).numpy()))
    (logits, gradient), (other_logits, other_gradient) = found

    np.testing.assert_allclose(other_logits, logits, rtol=1e-5, atol=1e-6)
    scale = abs(gradient).max()
    assert scale > 0
    np.testing.assert_allclose(other_gradient, gradient, atol=1e-5 * scale)


@pytest.mark.parametrize(
    ("name", "meetings"),
    [
        # Each reader takes the other tower's tensor; fc8 has one reader.
        ("PAPER", {"conv3": 2, "fc6": 2, "fc7": 2, "fc8": 1}),
        ("CONV6", {"conv3": 2, "conv6": 2, "fc6": 2, "fc7": 2, "fc8": 1}),
        ("NO_CROSS_TALK", {"fc8": 1}),
    ],
)
def test_data_crosses_where_towers_meet_and_nowhere_else(name, meetings):
    model = alexnet_tf.build(
        narrow.shrink(networks.named(name)),
        5,
        image_size=67,
        devices=("CPU:0", "CPU:1"),
    )
    variables = [v.value for v in model.trainable_variables]

    @tf.function
    def step(images):
        logits = model(images, training=True)
        loss = tf.reduce_sum(logits**2)
        return tf.compat.v1.gradients(
            loss, variables, colocate_gradients_with_ops=True
        )

    graph = step.get_concrete_function(tf.TensorSpec((2, 67, 67, 3))).graph
    forward, backward = {}, set()
    for op in graph.get_operations():
        for tensor in op.inputs:
            ends = (tensor.op.device[-5:], op.device[-5:])
            # Only sizes and indices are integers.
            if len(set(ends)) == 1 or "" in ends or not _is_data(tensor):
                continue
            if op.name.startswith("gradients"):
                backward.add(tensor.name)
            else:
                place = op.name.split("all_towers_to_")[1].split("/")[0]
                place = place.split("_")[0]
                forward.setdefault(place, set()).add((tensor.name, ends[1]))
    assert {place: len(sent) for place, sent in forward.items()} == meetings
    # As many gradients go back, each through the merge that it came by.
    assert len(backward) == sum(meetings.values())
    assert all("all_towers_to_" in tensor for tensor in backward)


def _is_data(tensor):
    """Returns whether a tensor holds activations, and no bookkeeping."""
    return tensor.dtype.is_floating and tensor.op.type != "ReadVariableOp"


def test_towers_without_cross_talk_never_see_each_other():
    network = narrow.shrink(networks.NO_CROSS_TALK)
    model = alexnet_tf.build(network, 5, image_size=67)
    arrays = assign.to_arrays(model)
    # The second tower's conv1 goes wild; the first half of fc7 must not care.
    images = np.random.default_rng(0).normal(0, 50, (1, 67, 67, 3))
    extract = alexnet_tf.feature_extractor(model, "fc7")
    before = extract(images.astype(np.float32)).numpy()
    arrays["conv1/kernel"][..., 4:] += 1
    assign.from_arrays(model, arrays)
    after = extract(images.astype(np.float32)).numpy()

    np.testing.assert_array_equal(before[:, :3], after[:, :3])
    assert abs(before[:, 3:] - after[:, 3:]).max() > 0
