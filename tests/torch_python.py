"""The Python that has PyTorch: this one, or another that TORCH_PYTHON names."""

import importlib.util
import os
import subprocess
import sys

import pytest

_HERE = sys.executable if importlib.util.find_spec("torch") else ""
PYTHON = os.environ.get("TORCH_PYTHON", _HERE)
needs_torch = pytest.mark.skipif(
    not PYTHON,
    reason="PyTorch is not here: pip install -e '.[weights]', or name a "
    "Python that has it in TORCH_PYTHON",
)


def run(program, *arguments):
    """Runs a program's text apart: in some processes the two cannot be."""
    done = subprocess.run(
        [PYTHON, "-c", program, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
