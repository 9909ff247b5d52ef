"""What must hold on GPUs, and the same on virtual CPU devices.

The tests marked `gpu` skip themselves where there is none; `make gpu-check`
runs them. Their bodies run on virtual CPU devices too, so that they are known
to be sound.
"""

import networks_apart
import numpy as np
import programs
import pytest
import tensorflow as tf
from networks_apart import assert_same, train_steps
from references import equation_3_3
from runs import PowerCut, make_config, small_network, train
from tensorflow.python.eager import context

import alexnet_tf
from alexnet_tf import weights
from alexnet_tf.layers import LocalResponseNormalization
from alexnet_tf.training import strategy as strategies

__all__ = ["small_network"]

CPU = pytest.param(("CPU:0", "CPU:1"), id="virtual CPUs")
SLOW_CPU = pytest.param(
    ("CPU:0", "CPU:1"), id="virtual CPUs", marks=pytest.mark.slow
)
CUT = pytest.param(
    ("GPU:0", "GPU:1"), id="one GPU cut in two", marks=pytest.mark.gpu
)
# tests/conftest.py cuts each of two GPUs.
TWO = pytest.param(("GPU:0", "GPU:2"), id="two GPUs", marks=pytest.mark.gpu)
ONE_GPU = pytest.param("GPU:0", id="GPU", marks=pytest.mark.gpu)


@pytest.fixture(autouse=True)
def exact():
    """Full float32 and no device but those that are named."""
    tf.config.experimental.enable_tensor_float_32_execution(False)
    yield
    tf.config.experimental.enable_tensor_float_32_execution(True)
    tf.config.set_soft_device_placement(True)


def _require(devices):
    """Skips a test of more GPUs than there are."""
    here = [d.name[-5:] for d in tf.config.list_logical_devices()]
    missing = sorted(set(devices) - set(here))
    if missing:
        pytest.skip(f"{', '.join(missing)} would need a second GPU")


@pytest.mark.parametrize("devices", [CPU, CUT, TWO])
def test_towers_compute_where_their_weights_are(devices):
    _require(devices)
    tf.config.set_soft_device_placement(False)
    model = alexnet_tf.build(networks_apart.NETWORK, 6, devices=devices)
    placed = [
        [tf.convert_to_tensor(kernel.value).device[-5:] for kernel in kernels]
        for kernels in (model.get_layer(n).kernels for n in ("conv1", "conv2"))
    ]
    assert placed == [list(devices)] * 2
    variables = [v.value for v in model.trainable_variables]

    @tf.function
    def step(images):
        loss = tf.reduce_sum(model(images, training=True) ** 2)
        return tf.compat.v1.gradients(
            loss, variables, colocate_gradients_with_ops=True
        )

    counts = _count_operations(lambda: step(tf.ones((2, 40, 40, 3))))

    # conv1 and conv2 of each tower; conv1 needs no gradient of the images.
    for kind, each in zip(_KINDS, (2, 2, 1), strict=True):
        found = {d: n for (d, k), n in counts.items() if k == kind}
        assert found == dict.fromkeys(devices, each), kind


_KINDS = ("forward", "Filter", "Input")


def _count_operations(function):
    """Returns how many convolutions ran, by device and kind."""
    context.context().enable_run_metadata()
    try:
        function()
        metadata = context.context().export_run_metadata()
    finally:
        context.context().disable_run_metadata()
    counts = {}
    for graph in metadata.function_graphs:
        for part in graph.partition_graphs:
            for node in part.node:
                if "Conv2D" not in node.op:
                    continue
                # Filter, Input, and what oneDNN puts behind them.
                kind = node.op.partition("Backprop")[2] or "forward"
                kind = next(k for k in _KINDS if kind.startswith(k))
                key = node.device[-5:], kind
                counts[key] = counts.get(key, 0) + 1
    return counts


@pytest.mark.parametrize("devices", [SLOW_CPU, CUT, TWO])
def test_two_towers_update_as_one_device_does(devices):
    _require(devices)
    with tf.device(devices[0]):
        one = train_steps(tf.distribute.get_strategy())

    two = train_steps(tf.distribute.get_strategy(), devices)

    assert_same(one, two)


@pytest.mark.parametrize("devices", [SLOW_CPU, CUT, TWO])
def test_replicas_update_as_one_device_does(devices):
    _require(devices)
    with tf.device(devices[0]):
        one = train_steps(tf.distribute.get_strategy())

    # On all devices of that kind, by what its links allow.
    many = strategies.make_strategy("mirrored")

    assert many.num_replicas_in_sync > 1
    assert_same(one, train_steps(many))


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize(
    "device", [pytest.param("CPU:0", id="CPU", marks=pytest.mark.slow), ONE_GPU]
)
def test_half_precision_follows_float32(device, precision):
    start = weights.to_arrays(alexnet_tf.build(networks_apart.NETWORK, 6))
    with tf.device(device):
        full, _ = train_steps(tf.distribute.get_strategy())
        half, metrics = train_steps(
            tf.distribute.get_strategy(), precision=precision
        )

    assert all(np.isfinite(m["loss"]) for m in metrics)
    for name, array in half.items():
        assert array.dtype == np.float32
        moved = np.linalg.norm(full[name] - start[name])
        assert np.linalg.norm(array - full[name]) < 0.5 * moved + 1e-6, name


@pytest.mark.parametrize(
    ("radius", "bias", "beta"),
    [(2, 2.0, 0.75), (7, 1.0, 0.5), (8, 2.0, 0.75), (0, 1.0, 1.0), (1, 1.0, 0)],
)
@pytest.mark.parametrize("device", [pytest.param("CPU:0", id="CPU"), ONE_GPU])
def test_response_normalization_is_the_papers_sum(device, radius, bias, beta):
    """Within the limits of a GPU's own kernel, and outside of them."""
    alpha = 0.1
    layer = LocalResponseNormalization(radius, bias, alpha, beta)
    rng = np.random.default_rng(0)
    a, direction = rng.normal(0, 2, (2, 2, 3, 3, 20))

    def reference(values):
        return equation_3_3(values, 2 * radius + 1, bias, alpha, beta)

    with tf.device(device), tf.GradientTape() as tape:
        values = tf.constant(a, tf.float32)
        tape.watch(values)
        output = layer(values)
        total = tf.reduce_sum(output**2)
    slope = np.sum(tape.gradient(total, values).numpy() * direction)

    np.testing.assert_allclose(output, reference(a), rtol=1e-4, atol=1e-5)
    step = 1e-5 * direction
    above, below = (np.sum(reference(a + s) ** 2) for s in (step, -step))
    assert slope == pytest.approx((above - below) / 2e-5, rel=1e-3)


@pytest.mark.parametrize("devices", [SLOW_CPU, CUT, TWO])
def test_an_interrupted_run_goes_on_and_loads_anywhere(
    devices, tiny_data_dir, tmp_path
):
    _require(devices)
    config = make_config(tiny_data_dir)
    config.devices = ",".join(devices)
    train(config, tmp_path / "undisturbed")
    with pytest.raises(PowerCut):
        train(config, tmp_path / "disturbed", 5)
    train(config, tmp_path / "disturbed")

    with tf.device("CPU:0"):
        expected, found = (
            weights.to_arrays(alexnet_tf.load(tmp_path / name))
            for name in ("undisturbed", "disturbed")
        )
    # A GPU's sums may change their order, unless the run is deterministic.
    is_exact = devices[0].startswith("CPU")
    for name, array in found.items():
        tolerance = 0 if is_exact else 1e-4 * np.abs(array).max()
        np.testing.assert_allclose(
            array, expected[name], rtol=0, atol=tolerance, err_msg=name
        )


def test_a_device_that_is_not_there_cannot_pass_for_one():
    tf.config.set_soft_device_placement(False)
    with pytest.raises((tf.errors.InvalidArgumentError, RuntimeError)):
        train_steps(tf.distribute.get_strategy(), ("CPU:0", "CPU:7"))


@pytest.mark.gpu
@pytest.mark.parametrize("strategy", ["one_device", "mirrored"])
def test_a_process_of_its_own_trains_on_whole_gpus(strategy, tmp_path):
    """Here they are cut in two; there NCCL sums, and memory grows."""
    gpus = len(tf.config.list_physical_devices("GPU"))
    if strategy == "mirrored" and gpus < 2:
        pytest.skip("a second GPU would be needed")
    done = programs.run_process(
        "train",
        "--config=demo",
        "--config.data.directory=synthetic:10",
        f"--config.data.batch_size={8 * gpus}",
        f"--config.strategy={strategy}",
        "--config.training.total_steps=4",
        f"--workdir={tmp_path}",
    )

    assert "validation, one crop: loss" in done.stdout
