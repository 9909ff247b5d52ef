"""Every command in README and BUILD parses, and every path is there."""

import functools
import importlib
import pathlib
import re
import shlex

import pytest

from alexnet_tf.cli import config_flag

ROOT = pathlib.Path(__file__).parent.parent
DOCUMENTS = ("README.md", "BUILD.md")
# Not a flag of a program: every program has it.
STANDARD = {"help"}


def _commands(document):
    """Yields the words of each command in a shell block."""
    text = (ROOT / document).read_text(encoding="utf-8")
    for block in re.findall(r"```(?:bash|sh)\n(.*?)```", text, re.S):
        for line in block.replace("\\\n", " ").splitlines():
            line = line.split(" #")[0].strip()
            if line and not line.startswith("#"):
                yield shlex.split(line)


def _programs():
    """Yields document, program and arguments of each of our commands."""
    for document in DOCUMENTS:
        for words in _commands(document):
            for place, word in enumerate(words):
                if word == "-m" and words[place + 1].startswith("tools."):
                    yield document, words[place + 1], words[place + 2 :]


PROGRAMS = [
    pytest.param(module, arguments, id=f"{document}-{module}-{number}")
    for number, (document, module, arguments) in enumerate(_programs())
]


@functools.cache
def _known_flags(name):
    """Returns the names of a program's flags."""
    module = importlib.import_module(name)
    if hasattr(module, "__path__"):
        module = importlib.import_module(f"{name}.__main__")
    return set(module.flags.values)


@pytest.mark.parametrize(("module", "arguments"), PROGRAMS)
def test_command_has_a_program_and_its_flags(module, arguments):
    known = _known_flags(module) | STANDARD
    for argument in arguments:
        if argument in (">", "2>", "|", "&"):
            break
        if not argument.startswith("--"):
            continue
        name = argument[2:].split("=")[0].split(".")[0]
        assert name in known or name.removeprefix("no") in known, argument
        if argument.startswith("--config="):
            name = argument.partition("=")[2]
            assert (ROOT / config_flag.find(name)).exists(), argument
        if argument.startswith("--config."):
            _check_field(argument[len("--config.") :].split("=")[0])


def _check_field(path):
    """Fails for a field that the config does not have."""
    from alexnet_tf.config import Config

    value = Config()
    for name in path.split("."):
        assert hasattr(value, name), path
        value = getattr(value, name)


def test_there_are_commands_to_check():
    assert len(PROGRAMS) > 8


@pytest.mark.parametrize("document", DOCUMENTS)
def test_make_targets_exist(document):
    makefile = (ROOT / "Makefile").read_text()
    for words in _commands(document):
        if words[0] == "make":
            target = next(w for w in words[1:] if "=" not in w)
            assert re.search(rf"^{target}:", makefile, re.M), words


@pytest.mark.parametrize("document", DOCUMENTS)
def test_named_files_exist(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    linked = re.findall(r"\]\(([^)#:]+)\)", text)
    quoted = re.findall(
        r"`((?:alexnet_tf|input_pipeline|configs|tools|tests)/[\w/.]+\.py)`",
        text,
    )
    for name in linked + quoted:
        assert (ROOT / name).exists(), f"{document} names {name}"
