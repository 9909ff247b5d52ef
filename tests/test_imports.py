"""The house's rule that imports flow downwards."""

import ast
import pathlib

import pytest

ROOT = pathlib.Path(__file__).parent.parent

# Each package, and those of ours that it may import.
MAY_IMPORT = {
    "input_pipeline": set(),
    "alexnet_tf": {"input_pipeline"},
    "configs": {"alexnet_tf", "input_pipeline"},
    "tools": {"alexnet_tf", "input_pipeline", "configs"},
}
# Within alexnet_tf: parts that take live objects and know no settings or data.
# `evaluation` takes one function from below, so that the ten crops of training,
# evaluation and serving are the same.
KNOWS_NEITHER = ("training", "layers", "weights")
# Needed by one program in a while, and not installed everywhere.
OPTIONAL = {
    "apache_beam",
    "matplotlib",
    "torch",
    "safetensors",
    "ai_edge_litert",
    "onnx",
    "onnxruntime",
    "tf2onnx",
}


def _imported(path):
    """Yields (module, is at the top of the file) of each import."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    top = set(map(id, tree.body))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, id(node) in top
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield f"{node.module}.{alias.name}", id(node) in top


def _files(folder):
    paths = sorted((ROOT / folder).rglob("*.py"))
    assert paths
    return paths


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_package_imports_only_what_lies_below(package):
    forbidden = set(MAY_IMPORT) - MAY_IMPORT[package] - {package}
    for path in _files(package):
        crossed = forbidden & {m.split(".")[0] for m, _ in _imported(path)}
        assert not crossed, f"{path} imports {sorted(crossed)}"


@pytest.mark.parametrize("room", KNOWS_NEITHER)
def test_parts_for_other_programs_know_no_settings_and_no_data(room):
    for path in _files(f"alexnet_tf/{room}"):
        for module, _ in _imported(path):
            ours = module.startswith("input_pipeline")
            assert not ours or module == "input_pipeline.files", path
            assert not module.startswith("alexnet_tf.config"), path
            assert not module.startswith("alexnet_tf.experiment"), path


@pytest.mark.parametrize("package", ["alexnet_tf", "input_pipeline"])
def test_only_programs_read_flags(package):
    for path in _files(package):
        if path.parent == ROOT / "alexnet_tf" / "cli":
            continue
        for module, _ in _imported(path):
            assert module not in ("absl.flags", "absl.app", "argparse"), path


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_optional_packages_are_imported_where_they_are_used(package):
    for path in _files(package):
        # Competitors of a benchmark are imported by name, where they run.
        if path.name == "step_torch.py":
            continue
        at_top = {m.split(".")[0] for m, top in _imported(path) if top}
        assert not at_top & OPTIONAL, path


def test_converting_needs_no_tensorflow():
    """The converter's workers start in a fraction of a second."""
    seen, todo = set(), ["input_pipeline.conversion.convert"]
    while todo:
        name = todo.pop()
        path = ROOT / (name.replace(".", "/") + ".py")
        if name in seen or not path.exists():
            continue
        seen.add(name)
        at_top = [m for m, top in _imported(path) if top]
        assert not [m for m in at_top if m.startswith("tensorflow")], path
        ours = [m for m in at_top if m.startswith("input_pipeline")]
        # A module, or something in one.
        todo += ours + [m.rpartition(".")[0] for m in ours]
    assert "input_pipeline.conversion.sources.catalogue" in seen
