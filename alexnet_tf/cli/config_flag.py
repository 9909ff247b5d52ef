"""`--config`: an experiment by name or file, and each of its fields.

    _CONFIG = config_flag.define(flags)

`--config=demo` is the packaged `configs/demo.py`; what has a slash or ends in
`.py` is a file of the user's own.
"""

import dataclasses
import difflib
import importlib.util
import inspect
import os
import pathlib
import re
import sys

from absl import flags as absl_flags
from ml_collections import config_flags

from alexnet_tf.cli.flags import wrap
from alexnet_tf.config import Config


def define(flags):
    """Defines --config, which must be given.

    Args:
        flags: The program's `Flags`. Their help will list the fields.

    Returns:
        A holder whose value is a `Config`.
    """
    holder = config_flags.DEFINE_config_file(
        "config",
        None,
        "One of the packaged experiments, such as demo, or a file of one's "
        "own, such as mine/long.py. Any field is changed with "
        "--config.FIELD=VALUE.",
        flag_values=flags.values,
    )
    absl_flags.mark_flag_as_required("config", flags.values)
    parser = flags.values["config"].parser
    load = parser.parse

    def parse(name):
        for field in _changed(sys.argv):
            _check(field)
        return load(str(find(name)))

    parser.parse = parse
    flags.more_help = _describe_fields
    return holder


def find(name):
    """Returns the file of an experiment.

    Raises:
        ValueError: There is none of that name.
    """
    if name.endswith(".py") or os.sep in name:
        if pathlib.Path(name).is_file():
            return pathlib.Path(name)
    else:
        path = _folder() / f"{name}.py"
        if path.is_file():
            return path
    known = [
        path.stem
        for path in _folder().glob("*.py")
        if "def get_config(" in path.read_text(encoding="utf-8")
    ]
    near = difflib.get_close_matches(pathlib.Path(name).stem, known, 1)
    raise ValueError(
        f"config must be a file, or one of {', '.join(sorted(known))}. "
        f"Received: {name}" + (f". Did you mean {near[0]}?" if near else "")
    )


def fields(kind=Config, prefix=""):
    """Yields name, default and meaning of each field, sections in turn."""
    meanings = _attributes(kind)
    for field in dataclasses.fields(kind):
        name = prefix + field.name
        if dataclasses.is_dataclass(field.type):
            yield from fields(field.type, f"{name}.")
        else:
            yield name, field.default, meanings.get(field.name, "")


def _folder():
    """Returns the folder of the packaged experiments."""
    inside = importlib.util.find_spec("alexnet_tf.configs")
    if inside is not None:
        return pathlib.Path(inside.origin).parent
    return pathlib.Path(__file__).resolve().parents[2] / "configs"


def _changed(argv):
    """Yields the fields that a command line changes."""
    for word in argv[1:]:
        found = re.match(r"--?(?:no)?config\.([^=]+)", word)
        if found:
            yield found.group(1)


def _check(name):
    """Refuses a field that no config has, and names the nearest."""
    known = [field for field, *_ in fields()]
    if name in known:
        return
    # Of another section, or with a slip of the finger.
    last = name.rpartition(".")[2]
    near = [field for field in known if field.rpartition(".")[2] == last]
    near += difflib.get_close_matches(name, known, 1)
    raise ValueError(
        f"--config.{name} must be a field of the config"
        + (f". Did you mean --config.{near[0]}?" if near else "")
    )


def _describe_fields():
    """Returns the list of fields for --help."""
    lines = ["Fields of the config, with their defaults:"]
    for name, default, meaning in fields():
        shown = "" if default == "" else default
        lines.append(wrap(f"--config.{name}={shown}", meaning))
    return "\n".join(lines)


def _attributes(kind):
    """Returns what a dataclass's docstring says of each attribute."""
    text = inspect.getdoc(kind).partition("Attributes:\n")[2]
    entries = re.split(r"^    (\w+): ", text, flags=re.M)
    return {
        name: " ".join(meaning.split())
        for name, meaning in zip(entries[1::2], entries[2::2], strict=True)
    }
