"""One host of a training run, as a process: the tests start several.

    python cluster_worker.py DATA WORKDIR STRATEGY STEPS \\
        [DEVICES] [VIRTUAL] [PAUSE] [DROPOUT]

Two virtual CPU devices stand for GPUs, or as many as VIRTUAL says.
"""

import sys
import time

import tools  # noqa: F401, says how TensorFlow starts


class _Progress:
    """Slow enough for another process to be killed in the midst of it."""

    def __init__(self, pause):
        self.pause = pause

    def update(self, steps, facts):
        print("step", flush=True)
        time.sleep(self.pause)


def main(
    data,
    workdir,
    strategy,
    steps,
    devices="",
    virtual="1",
    pause="0",
    keep_dropout="",
    seed="0",
):
    """Trains the small network, dropout only where nothing else varies."""
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration()] * int(virtual)
    )
    import runs

    from alexnet_tf import networks

    networks.SMALL = runs.NETWORK
    if not keep_dropout:
        networks.SMALL = runs.NETWORK.without("drop7")
    config = runs.make_config(data)
    config.data.batch_size = 4
    config.strategy = strategy
    config.devices = devices
    config.training.total_steps = int(steps)
    config.training.seed = int(seed)
    scores = runs.train_with(_Progress(float(pause)), config, workdir)
    print("done", scores["loss"], flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
