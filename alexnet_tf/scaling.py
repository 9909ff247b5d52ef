"""What a training step costs on several GPUs, reckoned and not measured.

Multiply-adds, parameters and what crosses between towers are counted on the
network that is built; the speeds of GPUs and links are given. Nothing is taken
to overlap: a run that computes while it reduces is faster.
"""

import dataclasses
import math

from alexnet_tf import model as models
from alexnet_tf import summary
from alexnet_tf.layers import MergeTowers

_FLOAT_BYTES = 4
PLACEMENTS = (
    "one device",
    "two towers",
    "replicas",
    "replicas of towers",
    "hosts",
)


@dataclasses.dataclass(frozen=True)
class Counts:
    """What is counted on a network, for one image where it is not weights.

    Attributes:
        parameters: Weights and biases of each tower.
        multiply_adds: Forward, of each tower.
        first_multiply_adds: Those of the first layer, which needs no gradient
            of its input, of each tower.
        received: Values that each tower receives of the others, forward.
            As many gradients go back.
        image_values: Values of an image.
    """

    parameters: tuple[int, ...]
    multiply_adds: tuple[int, ...]
    first_multiply_adds: tuple[int, ...]
    received: tuple[int, ...]
    image_values: int

    @property
    def flop(self):
        """Operations of a training step for one image, of each tower.

        Two for each multiply-add, forward and for both gradients.
        """
        return tuple(
            2 * (3 * total - first)
            for total, first in zip(
                self.multiply_adds, self.first_multiply_adds, strict=True
            )
        )


@dataclasses.dataclass(frozen=True)
class Machines:
    """The speeds that steps are reckoned with.

    Attributes:
        flops: Operations a second that a GPU reaches in training. 17e12 are
            4,000 images/s of the paper's network.
        link_bytes: A second and direction, between two GPUs of a host.
        network_bytes: A second and direction, between two hosts.
        gpus_per_host: Of "hosts".
        input_images: A second that a core of the hosts makes of JPEG records.
    """

    flops: float = 17e12
    link_bytes: float = 25e9
    network_bytes: float = 12.5e9
    gpus_per_host: int = 8
    input_images: float = 1_500.0


@dataclasses.dataclass(frozen=True)
class Step:
    """One update in one placement.

    Attributes:
        placement: One of `PLACEMENTS`.
        gpus: On all hosts together.
        batch_size: Images, over all replicas.
        compute_seconds: Of the busiest GPU.
        tower_bytes: Between the two GPUs of a replica, each direction.
        reduce_bytes: Over the busiest GPU's link, each direction, for the sum
            of gradients.
        network_bytes: The same between hosts.
        seconds: All of it, one after another.
        input_bytes: A second to all GPUs, as uint8 crops.
        input_cores: That make as many images.
    """

    placement: str
    gpus: int
    batch_size: int
    compute_seconds: float
    tower_bytes: float
    reduce_bytes: float
    network_bytes: float
    seconds: float
    input_bytes: float
    input_cores: int

    @property
    def images_per_second(self):
        """Images that the input must give."""
        return self.batch_size / self.seconds


def count(network, num_classes=1000, image_size=None):
    """Returns the `Counts` of a network with a tower on each of its devices.

    Args:
        network: A `networks.Network`.
        num_classes: Outputs of the last layer.
        image_size: Rows and columns; the network's own, if `None`.
    """
    devices = [f"CPU:{tower}" for tower in range(network.towers)]
    model = models.build(
        network,
        num_classes,
        image_size=image_size,
        devices=devices,
        initialize=False,
    )
    parameters, multiply_adds, first, received = (
        [0] * network.towers for _ in range(4)
    )
    for row in summary.rows(model):
        parameters[row.tower] += row.parameters
        multiply_adds[row.tower] += row.multiply_adds
        if row.layer == network.layers[0].name:
            first[row.tower] += row.multiply_adds
    for layer in model.layers:
        if isinstance(layer, MergeTowers):
            sizes = [math.prod(tensor.shape[1:]) for tensor in layer.input]
            for tower in range(len(layer.devices)):
                received[tower] += sum(sizes) - sizes[tower]
    return Counts(
        tuple(parameters),
        tuple(multiply_adds),
        tuple(first),
        tuple(received),
        math.prod(model.input.shape[1:]),
    )


def reckon(counts, placement, gpus, batch_size, machines=None):
    """Returns the `Step` of a batch in a placement.

    Args:
        counts: What `count` returned, of two towers where there are any.
        placement: One of `PLACEMENTS`.
        gpus: On all hosts together.
        batch_size: Images, over all replicas.
        machines: `Machines`.

    Raises:
        ValueError: There is no such placement of so many GPUs.
    """
    machines = machines or Machines()
    cut = placement in ("two towers", "replicas of towers")
    towers = len(counts.parameters) if cut else 1
    replicas = gpus // towers
    if placement not in PLACEMENTS or replicas * towers != gpus or not replicas:
        raise ValueError(
            f"placement must be one of {', '.join(PLACEMENTS)}, with a GPU "
            f"for each tower of each replica. Received: {placement!r} of "
            f"{gpus} GPUs"
        )
    images = batch_size / replicas
    flop = max(counts.flop) if cut else sum(counts.flop)
    compute = images * flop / machines.flops
    # Forward one way, the gradients the other way, one after the other.
    crossing = images * max(counts.received) * _FLOAT_BYTES if cut else 0.0
    weights = max(counts.parameters) if cut else sum(counts.parameters)
    reduced = _reduce_bytes(weights * _FLOAT_BYTES, replicas, cut)
    hosts = -(-gpus // machines.gpus_per_host) if placement == "hosts" else 1
    between = reduced if hosts > 1 else 0.0
    seconds = (
        compute
        + 2 * crossing / machines.link_bytes
        + max(reduced / machines.link_bytes, between / machines.network_bytes)
    )
    rate = batch_size / seconds
    return Step(
        placement,
        gpus,
        batch_size,
        compute,
        crossing,
        reduced,
        between,
        seconds,
        rate * counts.image_values,
        math.ceil(rate / machines.input_images),
    )


def gpus_for(counts, images_per_second, batch_size, machines=None):
    """Returns the fewest GPUs on hosts that reach a speed, or `None`.

    Args:
        counts: What `count` returned.
        images_per_second: To reach.
        batch_size: Images, over all replicas; not more GPUs than that.
        machines: `Machines`.
    """
    for gpus in range(1, batch_size + 1):
        step = reckon(counts, "hosts", gpus, batch_size, machines)
        if step.images_per_second >= images_per_second:
            return gpus
    return None


def table(steps):
    """Returns steps as a table in Markdown."""
    lines = [
        "| placement | GPUs | batch | step, ms | of it computing | between "
        "towers | sum of gradients | between hosts | images/s | input, MB/s | "
        "cores |",
        "|---|" + "---:|" * 10,
    ]
    for step in steps:
        cells = (
            step.placement,
            str(step.gpus),
            f"{step.batch_size:,}",
            f"{1e3 * step.seconds:.1f}",
            f"{1e3 * step.compute_seconds:.1f}",
            *(
                f"{number / 1e6:,.1f} MB" if number else ""
                for number in (
                    step.tower_bytes,
                    step.reduce_bytes,
                    step.network_bytes,
                )
            ),
            f"{step.images_per_second:,.0f}",
            f"{step.input_bytes / 1e6:,.0f}",
            str(step.input_cores),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _reduce_bytes(weight_bytes, replicas, cut):
    """Returns what the busiest link carries, each direction, for a sum.

    A ring passes every part around twice but for its own. Replicas of towers
    are summed on the first replica's device, which receives and sends all.
    """
    if cut:
        return float((replicas - 1) * weight_bytes)
    return 2 * (replicas - 1) / replicas * weight_bytes
