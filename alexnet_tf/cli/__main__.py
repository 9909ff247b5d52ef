"""`alexnet NAME`: the programs of `tools`, where the package is installed."""

import ast
import difflib
import importlib
import importlib.util
import pathlib
import sys

import alexnet_tf
from alexnet_tf.cli import start


def main():
    """Runs the program that the first argument names."""
    start.end_when_interrupted()
    if sys.argv[1:] == ["--version"]:
        print(f"alexnet_tf {alexnet_tf.__version__}")
        return
    start.require_packages()
    package = _package()
    folder = pathlib.Path(importlib.util.find_spec(package).origin).parent
    programs = _programs(folder)
    name = sys.argv[1] if len(sys.argv) > 1 else "--help"
    if name in ("-h", "-help", "--help"):
        print("Runs one program: alexnet NAME --help; or alexnet --version\n")
        for each, path in programs.items():
            print(f"  {each:17} {_first_line(path)}")
        return
    if name not in programs:
        near = difflib.get_close_matches(name, programs, 1)
        hint = f" Did you mean {near[0]}?" if near else ""
        print(
            f"error: {name} must be a program.{hint} They are: "
            f"{', '.join(programs)}",
            file=sys.stderr,
        )
        sys.exit(2)
    sys.argv = [f"alexnet {name}", *sys.argv[2:]]
    module = importlib.import_module(f"{package}.{name}")
    if hasattr(module, "__path__"):
        module = importlib.import_module(f"{package}.{name}.__main__")
    from alexnet_tf.cli import program

    program.run(module.main, module.flags)


def _package():
    """Returns where the programs are: in the package, or in a checkout."""
    inside = importlib.util.find_spec("alexnet_tf.tools")
    return "tools" if inside is None else "alexnet_tf.tools"


def _programs(folder):
    """Returns the file of each program, by name."""
    paths = [*folder.glob("*.py"), *folder.glob("*/__main__.py")]
    return {
        path.parent.name if path.stem == "__main__" else path.stem: path
        for path in sorted(paths)
        if path.stem not in ("__init__", "by_path")
    }


def _first_line(path):
    """Returns what a program does, without importing it."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    return text.splitlines()[0]


if __name__ == "__main__":
    main()
