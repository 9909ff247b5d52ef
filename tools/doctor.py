"""Says what is here, what is missing, and the remedy of each.

    python -m tools.doctor
    python -m tools.doctor --data_dir=data/demo --workdir=runs/demo

One line for Python, this package, TensorFlow, devices, oneDNN, processor,
memory, disk, ports and extras: "good", "note" with a remedy for those who
want it, or "BAD" with what must be done first; then status 1.
"""

if __name__ == "__main__" and not __package__:
    import by_path  # noqa: F401, makes it `python -m tools.NAME`

from alexnet_tf.cli import program

flags = program.Flags()

_DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "Records to look at as well: --data_dir=data/demo"
)
_WORKDIR = flags.DEFINE_string(
    "workdir", None, "A run to look at as well: --workdir=runs/demo"
)


def main(argv):
    """Prints a line for each thing; returns 1 where one must be mended."""
    del argv
    from alexnet_tf.doctor import folders, installed, machine, tensorflow

    looks = [
        installed.python,
        installed.packages,
        tensorflow.tensorflow,
        machine.processor,
        machine.memory,
        machine.disk,
        machine.ports,
        installed.extras,
    ]
    if _DATA_DIR.value:
        looks.append(lambda: folders.records(_DATA_DIR.value))
    if _WORKDIR.value:
        looks.append(lambda: folders.workdir(_WORKDIR.value))
    is_bad = False
    for look in looks:
        for finding in look():
            print(finding, flush=True)
            is_bad |= bool(finding.remedy) and finding.is_needed
    return int(is_bad)


if __name__ == "__main__":
    program.run(main, flags)
