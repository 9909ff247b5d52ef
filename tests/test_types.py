"""Public names have type hints; `make lint` holds the code to them."""

import importlib
import inspect
import types

import pytest

MODULES = [
    "alexnet_tf",
    "alexnet_tf.evaluation",
    "alexnet_tf.export",
    "alexnet_tf.layers",
    "alexnet_tf.networks",
    "alexnet_tf.training",
    "alexnet_tf.weights",
    "input_pipeline",
]
# What interfaces promise of modules that list no names.
OTHERS = {
    "alexnet_tf.evaluation": ["ten_crops", "topk_error"],
    "input_pipeline.transforms": ["pca_lighting"],
}


def _public():
    """Yields the public names of every module with what they stand for."""
    for name in [*MODULES, "input_pipeline.transforms"]:
        module = importlib.import_module(name)
        for public in [*getattr(module, "__all__", ()), *OTHERS.get(name, ())]:
            found = getattr(module, public)
            if not isinstance(found, types.ModuleType):
                yield f"{name}.{public}", found


def _functions(name, found):
    """Yields the functions of a public name that are ours."""
    if not inspect.isclass(found):
        found = getattr(found, "python_function", found)
        if inspect.isroutine(found):
            yield name, inspect.unwrap(found)
        return
    for method, function in vars(found).items():
        function = getattr(function, "__func__", function)
        if inspect.isfunction(function) and (
            method == "__init__" or not method.startswith("_")
        ):
            yield f"{name}.{method}", function


@pytest.mark.parametrize(
    ("name", "function"),
    [pair for public in _public() for pair in _functions(*public)],
)
def test_public_functions_have_type_hints(name, function):
    signature = inspect.signature(function)

    missing = [
        parameter.name
        for parameter in signature.parameters.values()
        if parameter.annotation is parameter.empty
        and parameter.name not in ("self", "cls")
    ]
    if not name.endswith("__init__"):
        returns = signature.return_annotation
        missing += ["return"] * (returns is signature.empty)
    assert not missing
