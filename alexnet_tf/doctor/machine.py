"""The machine: processor, memory, disk, ports."""

import os
import pathlib
import shutil
import socket

from alexnet_tf.doctor.finding import Finding
from input_pipeline import machine

# Training PAPER on a CPU with a batch of 32 takes 3.3 GB (docs/full_size.md).
_ENOUGH_MEMORY = 4 * 10**9
# Two checkpoints of PAPER are a GB, its SavedModel a quarter.
_ENOUGH_DISK = 5 * 10**9
# ILSVRC-2012 at 256 pixels.
_IMAGENET = 37 * 10**9
_BFLOAT16 = ("avx512_bf16", "amx_bf16", "bf16")


def processor(cpuinfo="/proc/cpuinfo"):
    """Returns cores and, by its flags, the precision it is made for."""
    cores = machine.count_cores()
    try:
        text = pathlib.Path(cpuinfo).read_text(encoding="utf-8")
    except OSError:
        text = ""
    lines = [line.partition(":") for line in text.splitlines()]
    flags = {
        word
        for name, _, words in lines
        if name.strip() in ("flags", "Features")
        for word in words.split()
    }
    has = [name for name in _BFLOAT16 if name in flags]
    words = f"{cores} core{'s' * (cores != 1)}"
    if has:
        return [Finding("processor", f"{words}, bfloat16 by {has[0]}")]
    return [
        Finding(
            "processor",
            f"{words}, no instructions for bfloat16: float32 is the faster "
            "one here",
        )
    ]


def memory(free=None):
    """Returns what is free below the limits of machine and container."""
    free = machine.free_memory_bytes() if free is None else free
    words = f"{free / 1e9:.1f} GB free"
    remedy = ""
    if free < _ENOUGH_MEMORY:
        remedy = (
            "The paper's network takes 3.3 GB to train with a batch of 32. "
            "Close something, or begin with --config=demo."
        )
    return [Finding("memory", words, remedy)]


def disk(folder=".", free=None):
    """Returns what is free where the program was called."""
    folder = pathlib.Path(folder).resolve()
    free = shutil.disk_usage(folder).free if free is None else free
    words = f"{free / 1e9:.0f} GB free at {folder}"
    remedy = ""
    if free < _ENOUGH_DISK:
        remedy = "Free some space: a checkpoint of the paper's takes 490 MB."
    elif free < _IMAGENET:
        words += ", less than ImageNet's records (37 GB)"
    if not os.access(folder, os.W_OK):
        remedy = "Go to a folder that you may write: data and runs go there."
    return [Finding("disk", words, remedy)]


def ports(numbers=(8501, 8500)):
    """Returns whether a server could have its ports on this machine."""
    taken = [number for number in numbers if not _is_free(number)]
    names = ", ".join(map(str, numbers))
    if not taken:
        return [Finding("ports", f"{names} are free on 127.0.0.1")]
    return [
        Finding(
            "ports",
            f"{', '.join(map(str, taken))} of {names} in use",
            "A server runs already, or give tools.serve others: --port=8601 "
            "--grpc_port=8600",
        )
    ]


def _is_free(number):
    """Returns whether nobody listens at a port of this machine."""
    with socket.socket() as listener:
        # What the last server has left behind does not count.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", number))
        except OSError:
            return False
    return True
