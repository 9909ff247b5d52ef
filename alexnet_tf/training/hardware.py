"""What this machine has, what a run asks of it, and what is amiss."""

import os
import pathlib
import re

import tensorflow as tf
from absl import logging

# Where NVIDIA's driver shows its cards, by itself or within a container.
_DRIVER = pathlib.Path("/proc/driver/nvidia/gpus")
_DEVICES = pathlib.Path("/dev")
_CPU = pathlib.Path("/proc/cpuinfo")
# Instructions by the precision whose products they make.
_INSTRUCTIONS = {
    "mixed_bfloat16": ("avx512_bf16", "amx_bf16", "bf16"),
    "mixed_float16": ("avx512_fp16", "amx_fp16"),
}
_INSTALL = "pip install 'alexnet-tf[gpu]'"


def prepare(asks_for_gpus="", *, deterministic=False, tf32=True):
    """Sets how TensorFlow computes, and says what is amiss with the machine.

    Must run before TensorFlow uses a device.

    Args:
        asks_for_gpus: The setting that does, such as "strategy=mirrored".
        deterministic: Whether operations may only be of those that give the
            same bits every time, where others would be faster. Holds for the
            rest of the process.
        tf32: Whether GPUs may round factors of float32 products to TF32, of
            10 bits instead of 23.
    """
    tf.config.experimental.enable_tensor_float_32_execution(tf32)
    if deterministic:
        tf.config.experimental.enable_op_determinism()
        logging.info(
            "Operations are deterministic: the same bits every time, and "
            "slower ones; docs/gpu.md says how much."
        )
    for words in missing_gpus(asks_for_gpus):
        logging.warning("%s", words)


def missing_gpus(asks_for_gpus=""):
    """Returns warnings of GPUs that one would expect and that are not seen.

    Args:
        asks_for_gpus: The setting that does, such as "strategy=mirrored".
    """
    if tf.config.list_physical_devices("GPU"):
        return []
    cards, hidden = nvidia_cards(), _hidden_by()
    if cards and not hidden:
        return [
            f"There is an NVIDIA card in this machine ({', '.join(cards)}), "
            "but TensorFlow does not see it and computes on the CPU. Install "
            f"its CUDA libraries with: {_INSTALL}. If they are there, "
            "nvidia-smi says what is amiss with the driver; docs/gpu.md has "
            "more."
        ]
    if not asks_for_gpus:
        return []
    because = f" ({hidden} hides them)" if hidden else ""
    return [
        f"{asks_for_gpus} is meant for GPUs, and there is none here{because}: "
        "all of it shares this machine's CPU, which is slower than without. "
        "Leave the setting out; or, where there is an NVIDIA card, install "
        f"what TensorFlow needs for it: {_INSTALL}."
    ]


def nvidia_cards():
    """Returns the names of the NVIDIA cards that the system shows, sorted."""
    names = []
    for path in sorted(_DRIVER.glob("*/information")):
        found = re.search(r"Model:\s*(.+)", path.read_text(errors="replace"))
        names.append(found.group(1).strip() if found else path.parent.name)
    nodes = sorted(_DEVICES.glob("nvidia[0-9]*"))
    return names or [str(node) for node in nodes]


def fast_precisions():
    """Returns the precisions that this CPU has instructions for."""
    flags = _cpu_flags()
    half = [
        precision
        for precision, instructions in _INSTRUCTIONS.items()
        if flags.intersection(instructions)
    ]
    return ["float32", *half]


def log_precision(precision):
    """Says which precision a CPU is made for, where nothing else computes.

    Args:
        precision: That of the run: "float32", "mixed_bfloat16" or
            "mixed_float16".
    """
    if tf.config.list_physical_devices("GPU"):
        return
    fast = fast_precisions()
    if precision == "float32" and "mixed_bfloat16" in fast:
        logging.info(
            "This CPU is made for bfloat16: --config.precision=mixed_bfloat16 "
            "trained the paper's network 1.7 times as fast on another such."
        )
    elif precision == "float32":
        logging.info("This CPU is made for float32, and computes in it.")
    elif precision not in fast:
        logging.warning(
            "This CPU does not multiply in half precision by itself: "
            "precision=%s is slower than float32 here.",
            precision,
        )


def _hidden_by():
    """Returns the variable that hides all cards, or nothing."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None and visible.strip() in ("", "-1", "NoDevFiles"):
        return f"CUDA_VISIBLE_DEVICES={visible!r}"
    return ""


def _cpu_flags():
    """Returns the names of this CPU's instructions, where it tells them."""
    try:
        found = re.search(
            r"^(?:flags|Features)\s*:(.*)$", _CPU.read_text(), re.M
        )
    except OSError:
        found = None
    return set(found.group(1).split()) if found else set()
