"""Where a training step runs: on one device, or replicated over several."""

import tensorflow as tf
from absl import logging

NAMES = ("one_device", "mirrored")


def make_strategy(name):
    """Returns the `tf.distribute.Strategy` of that name.

    Args:
        name: "one_device": no replicas; towers may still have a device each.
            "mirrored": a replica on every GPU, or on every CPU device where
            there is no GPU.

    Raises:
        ValueError: There is no such strategy.
    """
    if name == "one_device":
        return tf.distribute.get_strategy()
    if name == "mirrored":
        kind = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
        devices = [d.name for d in tf.config.list_logical_devices(kind)]
        reducer = (
            tf.distribute.ReductionToOneDevice() if kind == "CPU" else None
        )
        return tf.distribute.MirroredStrategy(devices, cross_device_ops=reducer)
    raise ValueError(
        f"strategy must be one of {', '.join(NAMES)}. Received: {name!r}"
    )


def check_share(batch_size, replicas):
    """Refuses a batch that replicas cannot share evenly.

    Raises:
        ValueError: It would leave some replicas with fewer images.
    """
    if batch_size % replicas:
        lower = batch_size - batch_size % replicas
        raise ValueError(
            "data.batch_size must divide evenly among the replicas. "
            f"Received: batch_size={batch_size}, num_replicas={replicas}. "
            f"Try {lower or replicas} or {lower + replicas}."
        )


def existing_devices(devices):
    """Returns the devices if all are here, else `None` and a warning.

    TensorFlow would go on without them and without a word.

    Args:
        devices: Names such as "GPU:0", or `None`.
    """
    if not devices:
        return None
    here = [
        d.name.removeprefix("/device:")
        for d in tf.config.list_logical_devices()
    ]
    missing = [d for d in devices if d.removeprefix("/device:") not in here]
    if missing:
        logging.warning(
            "There is no %s here, only %s: all towers are computed together.",
            ", ".join(missing),
            ", ".join(here),
        )
        return None
    return devices
