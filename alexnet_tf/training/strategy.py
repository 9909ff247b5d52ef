"""Where a training step runs: on one device, or replicated over several."""

import dataclasses
import json
import os

import tensorflow as tf
from absl import logging

from alexnet_tf.layers import placement
from alexnet_tf.training.config import STRATEGIES


@dataclasses.dataclass(frozen=True)
class Placement:
    """Where a run is computed.

    Attributes:
        strategy: A `tf.distribute.Strategy`.
        tower_devices: For `model.build`: a device or a `PerReplica` for each
            tower; `None` for no constraint.
    """

    strategy: tf.distribute.Strategy
    tower_devices: tuple | None = None

    @property
    def num_replicas(self):
        """Replicas on all hosts together."""
        return self.strategy.num_replicas_in_sync

    @property
    def host(self):
        """The number of this host, from 0."""
        return host_of(self.strategy)[0]

    @property
    def num_hosts(self):
        """Hosts that train together."""
        return host_of(self.strategy)[1]

    @property
    def is_chief(self):
        """Whether this is the first host, which writes."""
        return self.host == 0


def make_placement(name, devices=None, towers=1):
    """Returns where to train.

    Args:
        name: See `make_strategy`.
        devices: Names, a replica's towers one after another, or `None`.
            Where some of them are not here, all are ignored, with a warning.
        towers: Of the network.
    """
    if name == "multi_worker":
        # Before anything else of TensorFlow's, such as a list of devices.
        return Placement(make_strategy(name))
    devices = existing_devices(devices)
    if not devices:
        return Placement(make_strategy(name))
    rows = split_rows(devices, towers)
    if name != "mirrored":
        return Placement(make_strategy(name), rows[0])
    return Placement(make_strategy(name, rows), per_replica(rows))


def make_strategy(name, rows=None):
    """Returns the `tf.distribute.Strategy` of that name.

    Args:
        name: "one_device": no replicas; towers may still have a device each.
            "mirrored": a replica on every GPU, or on every CPU device where
            there is no GPU. "multi_worker": the same on every host that
            TF_CONFIG names; it must be made before anything else of
            TensorFlow's runs.
        rows: For "mirrored": the devices of each replica's towers; it then
            has a replica a row.

    Raises:
        ValueError: There is no such strategy, or no TF_CONFIG.
    """
    if name == "one_device":
        return tf.distribute.get_strategy()
    if name == "mirrored":
        kind = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
        devices = [d.name for d in tf.config.list_logical_devices(kind)]
        if rows:
            devices = [row[0] for row in rows]
        # Collectives serve one device a replica, and no CPU.
        reducer = (
            tf.distribute.ReductionToOneDevice()
            if kind == "CPU" or rows
            else None
        )
        return tf.distribute.MirroredStrategy(devices, cross_device_ops=reducer)
    if name == "multi_worker":
        _check_cluster()
        return tf.distribute.MultiWorkerMirroredStrategy()
    raise ValueError(
        f"strategy must be one of {', '.join(STRATEGIES)}. Received: {name!r}"
    )


def host_of(strategy):
    """Returns the number of this host, from 0, and how many there are."""
    resolver = strategy.cluster_resolver
    if resolver is None or not resolver.cluster_spec().as_dict():
        return 0, 1
    workers = resolver.cluster_spec().num_tasks("worker")
    return resolver.task_id, workers


def split_rows(devices, towers):
    """Returns the devices of each replica's towers, a tuple a replica."""
    return [
        tuple(devices[i : i + towers]) for i in range(0, len(devices), towers)
    ]


def per_replica(rows):
    """Returns the device of each tower on every replica, for `model.build`.

    Args:
        rows: What `split_rows` returned.
    """
    return tuple(
        placement.PerReplica(column) for column in zip(*rows, strict=True)
    )


def send_batches(dataset, placement):
    """Returns a host's batches, each sent ahead to where it is computed.

    Args:
        dataset: Yields this host's part of each step's batch.
        placement: A `Placement`. Several replicas get an equal part each; one
            has all of it, on the first of the devices that were named, or on
            the GPU.
    """
    if placement.num_replicas > 1:
        return split_batches(dataset, placement.strategy)
    device = _first_device(placement)
    if device is None:
        return dataset
    return dataset.apply(
        tf.data.experimental.prefetch_to_device(device, buffer_size=2)
    )


def _first_device(placement):
    """Returns the device of a replica's input, `None` where it is here."""
    if isinstance(placement.strategy, tf.distribute.MirroredStrategy):
        return placement.strategy.extended.worker_devices[0]
    if placement.tower_devices:
        return placement.tower_devices[0]
    gpus = tf.config.list_logical_devices("GPU")
    return gpus[0].name if gpus else None


def split_batches(dataset, strategy):
    """Returns a host's batches, cut for its replicas and sent to them.

    Args:
        dataset: Yields this host's part of each step's batch, tensors in any
            structure.
        strategy: With one or more replicas on this host.
    """
    _, hosts = host_of(strategy)
    replicas = strategy.num_replicas_in_sync // hosts

    def cut(*parts):
        return tf.data.Dataset.from_tensor_slices(
            tf.nest.map_structure(
                lambda p: tf.reshape(
                    p, (replicas, p.shape[0] // replicas, *p.shape[1:])
                ),
                parts,
            )
        )

    return strategy.distribute_datasets_from_function(
        lambda context: dataset.flat_map(cut).prefetch(replicas)
    )


def _check_cluster():
    """Refuses to wait for hosts that nobody has named."""
    try:
        config = json.loads(os.environ.get("TF_CONFIG", ""))
        workers = config["cluster"]["worker"]
        if 0 <= int(config["task"]["index"]) < len(workers):
            return
    except (KeyError, TypeError, ValueError):
        pass
    raise ValueError(
        "strategy=multi_worker needs the variable TF_CONFIG, such as "
        '{"cluster": {"worker": ["host0:2222", "host1:2222"]}, "task": '
        '{"type": "worker", "index": 0}}, with another index on every host. '
        f"Received: {os.environ.get('TF_CONFIG', 'nothing')}"
    )


def check_share(batch_size, replicas, parts=1):
    """Refuses a batch that replicas cannot share evenly.

    Args:
        batch_size: Images per step.
        replicas: On all hosts together.
        parts: That each replica computes its share in.

    Raises:
        ValueError: It would leave some replicas, or parts, with fewer images.
    """
    shares = replicas * parts
    if batch_size % shares == 0:
        return
    among, received = "the replicas", f"num_replicas={replicas}"
    if parts > 1:
        among += " and their gradient_accumulation_steps"
        received += f", gradient_accumulation_steps={parts}"
    lower = batch_size - batch_size % shares
    raise ValueError(
        f"data.batch_size must divide evenly among {among}. "
        f"Received: batch_size={batch_size}, {received}. "
        f"Try {lower or shares} or {lower + shares}."
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
