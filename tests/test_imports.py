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
# The rooms of alexnet_tf from the ground up. A room imports from lower floors
# only; those on one floor know nothing of each other.
FLOORS = (
    ("ilsvrc2012", "import_hooks", "layers", "networks"),
    ("quiet", "weights"),
    ("builder",),
    ("model", "training"),
    ("config", "evaluation", "preprocessing", "summary"),
    ("analysis", "predictions", "protocol", "robustness", "scaling"),
    ("classifier", "export"),
    ("experiment", "serving"),
    ("applications",),
    ("doctor", "reproduction"),
    ("cli",),
)
# Parts that take datasets, models and plain values: of input_pipeline they
# import `files`, which knows no TensorFlow, and no settings.
KNOWS_NO_DATA = ("networks", "layers", "weights", "training")
# Needed by one program in a while, and not installed everywhere.
OPTIONAL = {
    "apache_beam",
    "distributed",
    "pyarrow",
    "matplotlib",
    "torch",
    "safetensors",
    "ai_edge_litert",
    "ai_edge_quantizer",
    "onnx",
    "onnxruntime",
    "openvino",
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


def _ours(path):
    """Yields our own modules that a file imports, wherever in it."""
    for name, _ in _imported(path):
        if name.split(".")[0] not in MAY_IMPORT:
            continue
        # A module, or something in one.
        while name and not _file_of(name):
            name = name.rpartition(".")[0]
        yield name


def _file_of(module):
    """Returns the file of a module of ours, or `None`."""
    path = ROOT / module.replace(".", "/")
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


def _module(path):
    """Returns the dotted name of a file of ours."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _room(part):
    """Returns the room of the first part of a path within a package."""
    return part.removesuffix(".py")


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


@pytest.mark.parametrize("room", KNOWS_NO_DATA)
def test_parts_for_other_programs_know_no_settings_and_no_data(room):
    for path in _files(f"alexnet_tf/{room}"):
        for module in _ours(path):
            assert module.split(".")[0] != "input_pipeline" or (
                module == "input_pipeline.files"
            ), path
            assert module != "alexnet_tf.config", path


def test_rooms_import_from_lower_floors_only():
    floor = {
        room: number for number, rooms in enumerate(FLOORS) for room in rooms
    }
    rooms = {p.stem for p in (ROOT / "alexnet_tf").iterdir()}
    assert rooms - {"__init__", "__pycache__", "py"} <= set(floor)
    for path in _files("alexnet_tf"):
        room = _room(path.relative_to(ROOT / "alexnet_tf").parts[0])
        for module in _ours(path):
            parts = module.split(".")
            if parts[0] != "alexnet_tf" or len(parts) == 1:
                continue
            other = parts[1]
            is_lower = room == "__init__" or floor[other] < floor[room]
            assert is_lower or other == room, f"{path} imports {module}"


def test_there_is_no_circle():
    """Not even by an import within a function."""
    graph = {}
    for package in MAY_IMPORT:
        for path in _files(package):
            graph[_module(path)] = set(_ours(path)) - {_module(path)}
    # A package imports its parts, to offer their names.
    for name in graph:
        path = ROOT / name.replace(".", "/")
        if path.is_dir():
            graph[name] = set()
    done = set()

    def visit(module, way):
        assert module not in way, " -> ".join([*way, module])
        if module not in done:
            for other in sorted(graph.get(module, ())):
                visit(other, [*way, module])
            done.add(module)

    for module in graph:
        visit(module, [])


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
        # And the module that goes with a torch export is for torch alone.
        if path.name in ("step_torch.py", "torch_module.py"):
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
