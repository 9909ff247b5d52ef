"""Runs code around the first import of a package, without importing it."""

import importlib.abc
import importlib.util
import sys


def around_import(name, make_context):
    """Executes a package within a context when it is first imported.

    Nothing happens where the package has been imported already.

    Args:
        name: Of a package at top level, such as "keras".
        make_context: A function that returns a context manager. It is entered
            before the package's code runs and left afterwards.
    """
    if name not in sys.modules:
        sys.meta_path.insert(0, _Finder(name, make_context))


class _Finder(importlib.abc.MetaPathFinder):
    """Executes one package within a context, once."""

    def __init__(self, name, make_context):
        self.name = name
        self.make_context = make_context
        self.looking = False

    def find_spec(self, name, path=None, target=None):
        """Returns the ordinary specification with a loader of ours."""
        if name != self.name or self.looking:
            return None
        self.looking = True
        try:
            spec = importlib.util.find_spec(name)
        finally:
            self.looking = False
        if spec is None or spec.loader is None:
            return spec
        execute = spec.loader.exec_module

        def execute_within(module):
            # Not sooner: some programs ask for the specification only.
            if self in sys.meta_path:
                sys.meta_path.remove(self)
            with self.make_context():
                execute(module)

        spec.loader.exec_module = execute_within
        return spec
