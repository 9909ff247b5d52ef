"""Reckons a training step on 1, 2, 8 and 32 GPUs, as tables in Markdown.

    python -m tools.scaling
    python -m tools.scaling --network=ORIGINAL_2012 --teraflops=60 \\
        --link_gigabytes=300 --network_gigabytes=50

Counts multiply-adds, parameters and what crosses between towers; the speeds are
flags. Nothing is measured: docs/scaling.md has the formulas.
"""

if __name__ == "__main__" and not __package__:
    import by_path  # noqa: F401, makes it `python -m tools.NAME`

from alexnet_tf.cli import program

flags = program.Flags()

_NETWORK = flags.DEFINE_string(
    "network", "PAPER", "A name in networks of two towers, such as PAPER."
)
_TERAFLOPS = flags.DEFINE_float(
    "teraflops", 17.0, "That a GPU reaches in training, such as 17.", 0.001
)
_LINK = flags.DEFINE_float(
    "link_gigabytes",
    25.0,
    "A second and direction between two GPUs of a host: 25 for PCIe 4, 300 "
    "for an A100's NVLink.",
    0.001,
)
_HOSTS = flags.DEFINE_float(
    "network_gigabytes",
    12.5,
    "A second and direction between two hosts, such as 12.5 for 100 Gbit/s.",
    0.001,
)

# GPUs and placement, of each row.
_ROWS = (
    (1, "one device"),
    (2, "two towers"),
    (2, "replicas"),
    (8, "replicas"),
    (8, "replicas of towers"),
    (32, "hosts"),
)
_BATCH = 128
_TRAINING_IMAGES = 1_281_167
# Epochs, minutes, processors and batch, of others.
_RECORDS = (
    ("You et al. 2017, 1,024 CPUs", 100, 11, 32_768),
    ("Tencent 2018, 1,024 Tesla P40", 95, 4, 65_536),
)


def main(argv):
    """Prints the tables."""
    from alexnet_tf import networks, scaling

    counts = scaling.count(networks.named(_NETWORK.value))
    machines = scaling.Machines(
        _TERAFLOPS.value * 1e12, _LINK.value * 1e9, _HOSTS.value * 1e9
    )
    for scales in (False, True):
        print(
            scaling.table(
                scaling.reckon(
                    counts,
                    placement,
                    gpus,
                    _BATCH * gpus if scales else _BATCH,
                    machines,
                )
                for gpus, placement in _ROWS
            ),
            end="\n\n",
        )
    print("| record | images/s | TFLOP/s of this network | GPUs as above |")
    print("|---|---:|---:|---:|")
    for name, epochs, minutes, batch in _RECORDS:
        rate = epochs * _TRAINING_IMAGES / (60 * minutes)
        teraflops = rate * sum(counts.flop) / 1e12
        gpus = scaling.gpus_for(counts, rate, batch, machines)
        print(f"| {name} | {rate:,.0f} | {teraflops:,.0f} | {gpus or 'none'} |")


if __name__ == "__main__":
    program.run(main, flags)
