"""What is registered with Keras, in whichever order the two are imported."""

import sys
import types

import keras
import numpy as np
import pytest
from programs import ROOT, run_python

import alexnet_tf
from alexnet_tf import import_hooks

# Written by the revision that first_round/README.md names.
MODEL = ROOT / "tests" / "first_round" / "model.keras"


@pytest.mark.slow
@pytest.mark.parametrize(
    "order",
    ["keras, alexnet_tf", "alexnet_tf, keras", "alexnet_tf, tensorflow"],
)
def test_saved_models_load_after_both_imports(order):
    code = (
        f"import tools, {order}\n"
        f"import keras; keras.models.load_model({str(MODEL)!r})"
    )

    done = run_python("-c", code)

    assert done.returncode == 0, done.stderr


def test_import_alone_is_light_and_switches_onednn_on(monkeypatch):
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS")
    code = (
        "import os, sys, alexnet_tf; print('tensorflow' in sys.modules, "
        "os.environ['TF_ENABLE_ONEDNN_OPTS'])"
    )

    assert run_python("-c", code).stdout == "False 1\n"


@pytest.mark.parametrize("name", alexnet_tf.__all__)
def test_every_public_name_is_there(name):
    assert getattr(alexnet_tf, name) is not None
    assert name in dir(alexnet_tf)


def test_another_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'alexnet'"):
        _ = alexnet_tf.alexnet


def test_a_look_for_the_package_does_not_count_as_its_import(
    tmp_path, monkeypatch
):
    (tmp_path / "some_package.py").write_text("value = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    seen = []

    class Context:
        def __enter__(self):
            seen.append("before")

        def __exit__(self, *error):
            seen.append("after")

    import_hooks.around_import("some_package", Context)
    import importlib.util

    assert importlib.util.find_spec("some_package") is not None
    assert seen == []
    module = importlib.import_module("some_package")
    assert isinstance(module, types.ModuleType)
    assert (module.value, seen) == (1, ["before", "after"])
    del sys.modules["some_package"]


def test_a_network_of_towers_and_its_optimizer_are_loaded():
    """See first_round/README.md."""
    folder = MODEL.parent
    model = keras.models.load_model(folder / "two_towers_a9e0508.keras")

    assert isinstance(model.optimizer, alexnet_tf.training.PaperSGD)
    with np.load(folder / "two_towers_a9e0508.npz") as saved:
        found = model(saved["images"], training=False).numpy()
        np.testing.assert_allclose(found, saved["outputs"], rtol=1e-4)
