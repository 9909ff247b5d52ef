"""Every command in the documents parses, and every path and name is there."""

import ast
import functools
import importlib
import pathlib
import re
import shlex

import pytest

import alexnet_tf
from alexnet_tf.cli import config_flag

ROOT = pathlib.Path(__file__).parent.parent
DOCUMENTS = tuple(
    str(path.relative_to(ROOT))
    for path in (
        *sorted(ROOT.glob("*.md")),
        *sorted((ROOT / "docs").rglob("*.md")),
    )
)
# Not a flag of a program: every program has it.
STANDARD = {"help"}


@functools.cache
def _text(document):
    return (ROOT / document).read_text(encoding="utf-8")


def _blocks(document, languages):
    """Returns the code between fences of some languages."""
    pattern = rf"^ *```(?:{languages})\n(.*?)^ *```"
    return re.findall(pattern, _text(document), re.S | re.M)


def _commands(document):
    """Yields the words of each command, in shell blocks and in the text."""
    for block in _blocks(document, "bash|sh"):
        for line in block.replace("\\\n", " ").splitlines():
            line = line.split(" #")[0].strip()
            if line and not line.startswith("#"):
                yield shlex.split(line)
    prose = re.sub(r"^ *```.*?^ *```", "", _text(document), flags=re.S | re.M)
    for code in re.findall(r"`((?:alexnet|python|make) [^`]+)`", prose):
        yield shlex.split(code)


def _programs():
    """Yields document, program and arguments of each of our commands."""
    for document in DOCUMENTS:
        for words in _commands(document):
            for place, word in enumerate(words[:-1]):
                following = words[place + 1]
                if word == "-m" and following.startswith("tools."):
                    yield document, following, words[place + 2 :]
                elif re.fullmatch(r"tools/\w+\.py", word):
                    name = word.removesuffix(".py").replace("/", ".")
                    yield document, name, words[place + 1 :]
                elif word == "alexnet" and re.fullmatch(r"\w+", following):
                    yield document, f"tools.{following}", words[place + 2 :]


PROGRAMS = [
    pytest.param(module, arguments, id=f"{document}-{module}-{number}")
    for number, (document, module, arguments) in enumerate(_programs())
    # What stands for the name of any program.
    if module not in ("tools.NAME", "alexnet.NAME")
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
        if argument in (">", "2>", "|", "&", "..."):
            break
        if not argument.startswith("--"):
            continue
        name = argument[2:].split("=")[0].split(".")[0]
        assert name in known or name.removeprefix("no") in known, argument
        if argument.startswith("--config="):
            name = argument.partition("=")[2]
            # A file of the reader's own has a folder of the reader's own.
            assert name.startswith("mine/") or config_flag.find(name), argument
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
    assert len(PROGRAMS) > 80


@pytest.mark.parametrize("document", DOCUMENTS)
def test_settings_in_the_text_exist(document):
    for name in re.findall(r"`--config\.([a-z_.0-9]+)", _text(document)):
        _check_field(name.rstrip("."))


@pytest.mark.parametrize("document", DOCUMENTS)
def test_make_targets_exist(document):
    makefile = (ROOT / "Makefile").read_text()
    for words in _commands(document):
        if words[0] == "make":
            target = next(w for w in words[1:] if "=" not in w)
            assert re.search(rf"^{target}:", makefile, re.M), words


@pytest.mark.parametrize("document", DOCUMENTS)
def test_named_files_exist(document):
    folder = (ROOT / document).parent
    for name in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", _text(document)):
        assert (folder / name).exists(), f"{document} links to {name}"
    quoted = re.findall(
        r"`((?:alexnet_tf|input_pipeline|configs|tools|tests|docs)/[\w/.-]+)`",
        _text(document),
    )
    for name in quoted:
        assert (ROOT / name).exists(), f"{document} names {name}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_python_compiles_and_names_what_is_public(document):
    for block in _blocks(document, "python"):
        for node in ast.walk(ast.parse(block)):
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id == "alexnet_tf"
            ):
                assert node.attr in alexnet_tf.__all__, node.attr


@pytest.mark.parametrize("document", DOCUMENTS)
def test_what_the_api_pages_show_is_there(document):
    for name in re.findall(r"^::: ([\w.]+)$", _text(document), re.M):
        path, parts = ROOT, name.split(".")
        while parts and (path / parts[0]).is_dir():
            path /= parts.pop(0)
        file = path / f"{parts.pop(0)}.py"
        assert file.exists(), name
        tree = ast.parse(file.read_text(encoding="utf-8"))
        named = {getattr(node, "name", None) for node in tree.body}
        assert set(parts) <= named, name


def test_every_page_is_in_the_site_and_nothing_else():
    """As `mkdocs build --strict` finds, without building."""
    nav = (ROOT / "mkdocs.yml").read_text().partition("\nnav:\n")[2]
    listed = set(re.findall(r"[\w/]+\.md", nav))
    pages = {
        document.removeprefix("docs/")
        for document in DOCUMENTS
        if document.startswith("docs/")
    }

    assert listed == pages
