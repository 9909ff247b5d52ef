"""Keeps TensorFlow's start-up lines off the terminal, and only those.

`TF_CPP_MIN_LOG_LEVEL` hides most of them, but what TensorFlow's libraries
write while they are loaded comes before any setting is read, and that there
is no GPU is reported as an error. Both are held back: errors are shown.
"""

import contextlib
import os
import pathlib
import re
import sys
import tempfile

from alexnet_tf import import_hooks

_HARMLESS = re.compile(
    # Information and warnings, as absl's C++ and TensorFlow's own code write
    # them, and their second lines.
    r"[IW]\d{4} |\d{4}-\d\d-\d\d [\d:.]+: [IW] "
    r"|WARNING: All log messages before absl::InitializeLog"
    r"|To enable the following instructions"
    # Two of NVIDIA's libraries linked into one program, as in all wheels.
    r"|.*Unable to register cu\w+ factory"
)
# An error only where there is a GPU.
_NO_GPU = re.compile(r".*(cuInit|CUDA_ERROR_NO_DEVICE|no NVIDIA GPU device)")


def hide_start_up_lines():
    """Silences the first import of TensorFlow, now or later."""
    import_hooks.around_import("tensorflow", _start_quietly)


def real_errors(text, has_gpu):
    """Returns the lines that are no mere noise.

    Args:
        text: What TensorFlow has written to standard error.
        has_gpu: Whether the machine has a GPU of NVIDIA's.
    """
    return "".join(
        line
        for line in text.splitlines(keepends=True)
        if line.strip()
        and not _HARMLESS.match(line)
        and (has_gpu or not _NO_GPU.match(line))
    )


@contextlib.contextmanager
def _start_quietly():
    """Holds back what is written to file descriptor 2; shows real errors."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
            # Looks for GPUs now: what it reports is reported once.
            sys.modules["tensorflow"].config.list_physical_devices()
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            held.seek(0)
            text = held.read().decode(errors="replace")
            has_gpu = pathlib.Path("/proc/driver/nvidia").exists()
            sys.stderr.write(real_errors(text, has_gpu))
