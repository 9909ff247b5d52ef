"""Fixtures; virtual devices, two a processor; markers "slow" and "gpu"."""

import os
import pathlib

import pytest

# A verdict must not depend on what the user has exported.
for _name in [n for n in os.environ if n.startswith(("TF_", "XLA_"))]:
    del os.environ[_name]

import tools  # noqa: E402, F401, says how TensorFlow starts

ROOT = pathlib.Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"


def pytest_configure(config):
    import tensorflow as tf

    config.addinivalue_line("markers", "slow: takes more than a few seconds")
    config.addinivalue_line("markers", "gpu: needs a GPU")
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration()] * 2
    )
    # Two at most, each cut in two, of 4 GB: GPU:0 and GPU:1 are one card.
    gpus = tf.config.list_physical_devices("GPU")[:2]
    tf.config.set_visible_devices(gpus, "GPU")
    half = tf.config.LogicalDeviceConfiguration(memory_limit=4096)
    for gpu in gpus:
        tf.config.set_logical_device_configuration(gpu, [half] * 2)


def pytest_collection_modifyitems(items):
    import tensorflow as tf

    if tf.config.list_physical_devices("GPU"):
        return
    for item in items:
        if "gpu" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="there is no GPU here"))


@pytest.fixture(autouse=True)
def _environment():
    """Takes back what a test, or a library in it, exports."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="session")
def tiny_data_dir(tmp_path_factory):
    """A folder of 12 + 6 records of 48 pixels, in three classes."""
    import data_sets

    folder = tmp_path_factory.mktemp("data") / "tiny"
    data_sets.make_records(folder)
    return folder


@pytest.fixture(scope="session")
def ilsvrc_mini():
    """The folder of real photographs in ILSVRC-2012's layout."""
    folder = SHARED / "data" / "ilsvrc_mini"
    if not folder.is_dir():
        pytest.skip("the real photographs of ../shared/data are not here")
    return folder
