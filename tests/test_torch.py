"""PyTorch's layers on our weights; skips where PyTorch is not installed."""

import importlib.util
import subprocess
import sys

import numpy as np
import programs
import pytest
import tensorflow as tf

import alexnet_tf
from alexnet_tf import networks
from alexnet_tf.weights import assign

# In a process of its own: on some machines the two cannot share one.
_ASK = """
import sys
import numpy as np
import torch
from tools.benchmark import step_torch as peers

name, folder = sys.argv[1:]
model = {
    "PAPER": lambda: peers.two_towers(inverted=False, num_classes=10),
    "CAFFE": lambda: peers.two_towers(
        lambda: peers.AllTowersNorm(alpha=2e-5, k=1.0), 10, (0, 0)
    ),
    "TORCHVISION": lambda: peers.one_weird_trick(10),
}[name]()
model.eval()
arrays = np.load(f"{folder}/arrays.npz")
layers = [m for m in model if isinstance(m, (torch.nn.Conv2d, torch.nn.Linear))]
names = [f"conv{i}" for i in range(1, 6)] + ["fc6", "fc7", "fc8"]
with torch.no_grad():
    for key, layer in zip(names, layers, strict=True):
        kernel = arrays[f"{key}/kernel"]
        if kernel.ndim == 4:
            kernel = kernel.transpose(3, 2, 0, 1)
        elif key == "fc6":
            # Rows, columns, channels; PyTorch flattens channels first.
            maps = kernel.reshape(6, 6, 256, -1)
            kernel = maps.transpose(3, 2, 0, 1).reshape(len(maps[0, 0, 0]), -1)
        else:
            kernel = kernel.T
        layer.weight.copy_(torch.from_numpy(kernel.copy()))
        layer.bias.copy_(torch.from_numpy(arrays[f"{key}/bias"]))
images = torch.from_numpy(arrays["images"].transpose(0, 3, 1, 2).copy())
images.requires_grad_()
logits = model(images)
(logits ** 2).sum().backward()
np.savez(
    f"{folder}/theirs.npz",
    logits=logits.detach().numpy(),
    gradient=images.grad.numpy().transpose(0, 2, 3, 1),
)
"""


@pytest.mark.skipif(
    not importlib.util.find_spec("torch"),
    reason="PyTorch is not here: pip install -e '.[weights]'",
)
@pytest.mark.parametrize("name", ["PAPER", "CAFFE", "TORCHVISION"])
def test_logits_and_gradients_are_those_of_pytorch(name, tmp_path):
    network = networks.named(name)
    # Signals that do not fade, so that every layer counts.
    for layer in network.layers:
        if isinstance(layer, networks.Conv | networks.Dense):
            network = network.replace(layer.name, stddev="he", bias=0.1)
    model = alexnet_tf.build(network, 10, image_size=network.image_size)
    size = network.image_size
    images = np.random.default_rng(0).normal(0, 60, (4, size, size, 3))
    images = images.astype(np.float32)
    np.savez(tmp_path / "arrays.npz", images=images, **assign.to_arrays(model))
    x = tf.constant(images)
    with tf.GradientTape() as tape:
        tape.watch(x)
        logits = model(x)
        loss = tf.reduce_sum(logits**2)
    gradient = tape.gradient(loss, x).numpy()

    done = subprocess.run(
        [sys.executable, "-c", _ASK, name, tmp_path],
        cwd=programs.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    theirs = np.load(tmp_path / "theirs.npz")
    scale = abs(theirs["logits"]).max()
    np.testing.assert_allclose(logits, theirs["logits"], atol=1e-4 * scale)
    # A rectifier or a pool within rounding of its turn may go either way, and
    # takes a part of its image's gradient along: not in all four images.
    errors = [
        np.linalg.norm(found - expected) / np.linalg.norm(expected)
        for found, expected in zip(gradient, theirs["gradient"], strict=True)
    ]
    assert min(errors) < 1e-5
    assert max(errors) < 0.1
