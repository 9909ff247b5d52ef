"""TensorFlow's start-up lines, and what is more than these."""

import pytest
from programs import run_python

from alexnet_tf import quiet

HARMLESS = """\
WARNING: All log messages before absl::InitializeLog() is called are written
I0000 00:00:1795565189.186891   25852 port.cc:153] oneDNN custom operations \
are on.
2026-11-25 00:10:47.123456: I tensorflow/core/util/port.cc:113] oneDNN
I0000 00:00:1795565189.443475   25852 cpu_feature_guard.cc:227] This binary
To enable the following instructions: AVX2 FMA, in other operations, rebuild
E0000 00:00:1795566722.140649    7689 cuda_fft.cc:52] Unable to register cuFFT \
factory: Attempting to register factory for plugin cuFFT
"""
NO_GPU = (
    "E0000 00:00:1795566722.140649    7689 cuda_platform.cc:52] failed call to "
    "cuInit: INTERNAL: CUDA error: UNKNOWN ERROR (303)\n"
)
REAL = "E0000 00:00:1 2 cuda_dnn.cc:1] Could not create cudnn handle\n"


@pytest.mark.parametrize(
    ("has_gpu", "shown"), [(False, REAL), (True, NO_GPU + REAL)]
)
def test_noise_is_dropped_and_errors_stay(has_gpu, shown):
    found = quiet.real_errors(HARMLESS + NO_GPU + REAL, has_gpu)

    assert found == shown


# As programs do: devices, a graph, and an error of ours.
_SCRIPT = """
import tools
import tensorflow as tf
tf.config.list_logical_devices()
tf.function(lambda x: x + 1)(tf.constant(1))
"""


@pytest.mark.slow
def test_nothing_is_written_while_tensorflow_starts():
    done = run_python("-c", _SCRIPT)

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
def test_a_level_that_the_user_has_set_stays(monkeypatch):
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")

    assert "oneDNN" in run_python("-c", _SCRIPT).stderr


def test_an_import_that_fails_shows_why(tmp_path):
    (tmp_path / "tensorflow.py").write_text(
        "import os\nos.write(2, b'a library is missing\\n')\nraise ImportError"
    )
    code = f"import sys, tools; sys.path.insert(0, {str(tmp_path)!r})\n"

    done = run_python("-c", f"{code}import tensorflow")

    assert done.returncode == 1
    assert done.stderr.startswith("a library is missing\n")
