"""TensorFlow: its version, its devices, and a card that it does not see."""

import importlib.util
import os
import pathlib

from alexnet_tf.doctor.finding import Finding

_PCI = "/sys/bus/pci/devices"
_DRIVER = "/proc/driver/nvidia/version"
_NVIDIA = "0x10de"
# Class of a PCI device: display controllers.
_DISPLAY = "0x03"


def tensorflow():
    """Returns version, devices, oneDNN; imports TensorFlow."""
    try:
        import keras
        import tensorflow as tf
    except Exception as error:
        return [
            Finding(
                "TensorFlow",
                f"cannot be imported: {type(error).__name__}: {error}",
                "Install it again, into an environment of its own.",
                is_needed=True,
            )
        ]
    found = [
        Finding("TensorFlow", f"{tf.__version__}, Keras {keras.__version__}")
    ]
    gpus = [gpu.name for gpu in tf.config.list_physical_devices("GPU")]
    found += devices(
        gpus,
        cards=count_cards(),
        has_driver=pathlib.Path(_DRIVER).exists(),
        is_cuda_build=bool(tf.sysconfig.get_build_info().get("is_cuda_build")),
        has_libraries=importlib.util.find_spec("nvidia") is not None,
        hidden=os.environ.get("CUDA_VISIBLE_DEVICES"),
    )
    return found + onednn(os.environ.get("TF_ENABLE_ONEDNN_OPTS"))


def devices(gpus, cards, has_driver, is_cuda_build, has_libraries, hidden=None):
    """Returns what TensorFlow computes on, and why not on a card.

    Args:
        gpus: Names of TensorFlow's GPUs.
        cards: How many of NVIDIA's cards the machine has.
        has_driver: Whether NVIDIA's driver is loaded.
        is_cuda_build: Whether this TensorFlow could use them.
        has_libraries: Whether NVIDIA's libraries are among the packages.
        hidden: The variable CUDA_VISIBLE_DEVICES, or `None`.
    """
    if gpus:
        number = f"{len(gpus)} GPU{'s' * (len(gpus) > 1)}"
        return [Finding("devices", f"{number}: {', '.join(gpus)}")]
    # In a container the driver is there and the bus is often not.
    if not cards and not has_driver:
        return [Finding("devices", "CPU; there is no NVIDIA card")]
    if not has_driver:
        remedy = "Install NVIDIA's driver; nvidia-smi must list the card."
    elif hidden is not None and hidden.strip() in ("", "-1"):
        remedy = f"CUDA_VISIBLE_DEVICES={hidden!r} hides it: unset it."
    elif not is_cuda_build:
        remedy = (
            "This TensorFlow was built without CUDA: pip uninstall "
            "tensorflow-cpu, and install tensorflow."
        )
    elif not has_libraries:
        remedy = (
            "CUDA's libraries are missing: pip install 'tensorflow[and-cuda]'"
        )
    else:
        remedy = (
            "See why: TF_CPP_MIN_LOG_LEVEL=0 python -c 'import tensorflow as "
            'tf; tf.config.list_physical_devices("GPU")\''
        )
    words = f"CPU; TensorFlow does not see the NVIDIA card{'s' * (cards > 1)}"
    return [Finding("devices", words, remedy, is_needed=True)]


def count_cards(folder=_PCI):
    """Returns how many of NVIDIA's cards are on the bus."""
    return sum(
        _read(device / "vendor") == _NVIDIA
        and _read(device / "class").startswith(_DISPLAY)
        for device in pathlib.Path(folder).glob("*")
    )


def onednn(setting):
    """Returns whether oneDNN is on.

    Args:
        setting: The variable TF_ENABLE_ONEDNN_OPTS, or `None`.
    """
    if setting == "0":
        return [
            Finding(
                "oneDNN",
                "switched off by TF_ENABLE_ONEDNN_OPTS=0",
                "Unset it: on a CPU training is then a third faster or more.",
            )
        ]
    return [Finding("oneDNN", "on")]


def _read(path):
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return ""
