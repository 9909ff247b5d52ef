"""Competitors of `tools.benchmark --mode=placements`: two devices, and one.

The paper's network on one device, with a tower on each of two, and as a replica
on each of two, the same batch in all; on GPUs where there are two, else on
virtual CPU devices, which share one processor and show only that it works.
"""

import itertools

from .step import make_batch

_STEPS_A_TURN = 4
# Strategy and devices, as a config has them; KIND is GPU or CPU.
_PLACEMENTS = {
    "one device": ("one_device", ""),
    "two towers": ("one_device", "KIND:0,KIND:1"),
    "two replicas": ("mirrored", ""),
}


def competitors(batch_size, precision="tf32"):
    """Returns the three placements.

    Args:
        batch_size: Images per step, over both devices.
        precision: One of `step.PRECISIONS`.
    """
    return [
        {
            "name": f"PAPER, {name}, {precision}",
            "function": f"{__package__}.placements:make_placed",
            "arguments": [str(batch_size), name, precision],
        }
        for name in _PLACEMENTS
    ]


def make_placed(batch_size, name, precision):
    """Returns a turn of training steps in a placement."""
    import tensorflow as tf

    from alexnet_tf import config as config_lib
    from alexnet_tf import model as models
    from alexnet_tf import networks
    from alexnet_tf.experiment import parts
    from alexnet_tf.training import make_train_step
    from alexnet_tf.training import strategy as strategies

    kind = _show_two_devices(tf)
    tf.config.experimental.enable_tensor_float_32_execution(precision == "tf32")
    strategy, devices = _PLACEMENTS[name]
    config = config_lib.Config(
        strategy=strategy,
        devices=devices.replace("KIND", kind),
        precision="float32" if precision == "tf32" else precision,
    )
    placement = strategies.make_placement(strategy, config.tower_devices(), 2)
    batch = tuple(map(tf.constant, make_batch(int(batch_size))))
    with placement.strategy.scope():
        model = models.build(
            networks.PAPER,
            1000,
            devices=placement.tower_devices,
            precision=config.precision,
        )
        optimizer, scaled = parts.make_optimizer(config, model)
    models.set_step_counter(model, optimizer.iterations)
    step = make_train_step(
        model, scaled or optimizer, placement.strategy, int(batch_size)
    )
    batches = itertools.repeat(batch)
    if placement.num_replicas > 1:
        same = tf.data.Dataset.from_tensors(batch).repeat()
        batches = iter(strategies.split_batches(same, placement.strategy))

    def turn():
        for _ in range(_STEPS_A_TURN):
            metrics = step(next(batches))
        float(metrics["loss"])
        return _STEPS_A_TURN * int(batch_size)

    return turn


def _show_two_devices(tf):
    """Lets TensorFlow see two devices; returns their kind."""
    gpus = tf.config.list_physical_devices("GPU")
    if len(gpus) > 1:
        tf.config.set_visible_devices(gpus[:2], "GPU")
        return "GPU"
    tf.config.set_visible_devices([], "GPU")
    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration()] * 2
    )
    return "CPU"
