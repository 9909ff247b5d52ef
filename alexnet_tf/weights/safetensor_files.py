"""Files of the safetensors format, by its own library."""

import pathlib


def read(path):
    """Returns a file's arrays by name, and its metadata.

    Raises:
        ValueError: It is damaged, or the library is missing.
    """
    safetensors = _library()
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            names = list(file.keys())
            arrays = {name: file.get_tensor(name) for name in names}
            return arrays, file.metadata() or {}
    except FileNotFoundError:
        raise FileNotFoundError(f"There is no {path}") from None
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise ValueError(
            f"{path} must be a whole safetensors file. Found: {error}. "
            "Download it again."
        ) from None


def write(path, arrays, metadata):
    """Writes arrays and a dict of words."""
    _library()
    from safetensors import numpy

    pathlib.Path(path).write_bytes(numpy.save(arrays, metadata))


def _library():
    """Returns the library."""
    try:
        import safetensors
    except ImportError:
        raise ValueError(
            "safetensors must be installed for this format. Install it with: "
            "pip install 'alexnet-tf[weights]'"
        ) from None
    return safetensors
