"""Packages of the extra `export`, which are not installed everywhere."""

import importlib


def require(name):
    """Returns the module of a package that is not installed everywhere.

    Args:
        name: Of the module, such as "onnx".

    Raises:
        ValueError: It is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError:
        package = name.partition(".")[0].replace("_", "-")
        raise ValueError(
            f"{package} must be installed for this format. Install it with: "
            "pip install 'alexnet-tf[export]'"
        ) from None
