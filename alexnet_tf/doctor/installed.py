"""Python, packages and extras, by what the package itself asks for."""

import importlib.metadata
import pathlib
import re
import sys

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from alexnet_tf.doctor.finding import Finding

_DISTRIBUTION = "alexnet-tf"
_ROOT = pathlib.Path(__file__).resolve().parents[2]


def python():
    """Returns the interpreter's version, held against ours."""
    version = ".".join(map(str, sys.version_info[:3]))
    words = f"{version} at {sys.executable}"
    wanted = _metadata("Requires-Python")
    if wanted and version not in SpecifierSet(wanted):
        remedy = f"Make another environment, with Python {wanted}."
        return [Finding("Python", words, remedy, is_needed=True)]
    return [Finding("Python", words)]


def packages():
    """Returns whether every program's packages are there and fit."""
    try:
        version = importlib.metadata.version(_DISTRIBUTION)
    except importlib.metadata.PackageNotFoundError:
        remedy = f"Install it: {_install('')}"
        return [Finding("alexnet_tf", f"not installed, at {_ROOT}", remedy)]
    wrong = [words for words, _ in _unmet("")]
    words = f"{version} at {_ROOT}"
    if wrong:
        remedy = f"{', '.join(wrong)}. Install again: {_install('')}"
        return [Finding("alexnet_tf", words, remedy, is_needed=True)]
    return [Finding("alexnet_tf", words)]


def extras():
    """Returns which extras are complete, and how to get the others."""
    names = _metadata("Provides-Extra", every=True)
    missing = {name: _unmet(name) for name in names}
    whole = [name for name in names if not missing[name]]
    partial = [name for name in names if missing[name]]
    found = [Finding("extras", ", ".join(whole) or "none")]
    if partial:
        found.append(
            Finding(
                "extras",
                f"not here: {', '.join(partial)}",
                f"For those that you need: {_install(partial[0])}",
            )
        )
    return found


def _install(extra):
    """Returns the command that installs an extra, in a checkout or not."""
    choice = f"[{extra}]" if extra else ""
    if (_ROOT / "setup.py").exists():
        return f"{sys.executable} -m pip install -e '{_ROOT}{choice}'"
    return f"{sys.executable} -m pip install '{_DISTRIBUTION}{choice}'"


def _metadata(field, every=False):
    """Returns a field of what was installed; empty where nothing was."""
    try:
        found = importlib.metadata.metadata(_DISTRIBUTION)
    except importlib.metadata.PackageNotFoundError:
        return [] if every else ""
    return found.get_all(field, []) if every else found.get(field, "")


def _unmet(extra):
    """Returns words and name of each package that is absent or does not fit.

    Args:
        extra: Name of an extra; empty for what every program needs.
    """
    unmet = []
    try:
        wanted = importlib.metadata.requires(_DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError:
        return unmet
    for text in wanted:
        requirement = Requirement(text)
        marker = requirement.marker
        is_extras = marker is not None and re.search(r"\bextra\b", str(marker))
        if bool(extra) != bool(is_extras):
            continue
        if marker is not None and not marker.evaluate({"extra": extra}):
            continue
        words = _fault(requirement)
        if words:
            unmet.append((words, requirement.name))
    return unmet


def _fault(requirement):
    """Returns what is wrong with one package, or an empty text."""
    try:
        version = importlib.metadata.version(requirement.name)
    except importlib.metadata.PackageNotFoundError:
        return f"{requirement.name} is missing"
    if not requirement.specifier.contains(version, prereleases=True):
        return f"{requirement.name} is {version}"
    for choice in requirement.extras:
        # What tensorflow[and-cuda] adds, such as NVIDIA's libraries.
        for text in importlib.metadata.requires(requirement.name) or []:
            part = Requirement(text)
            if part.marker is None or not re.search(
                rf"extra == .{re.escape(choice)}\b", str(part.marker)
            ):
                continue
            if part.marker.evaluate({"extra": choice}) and _fault(part):
                return _fault(part)
    return ""
