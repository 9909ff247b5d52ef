"""A configuration file of the 2012 program, as sections with line numbers.

What Python 2's ConfigParser took is taken: "key = value" and "key: value",
keys in any case, lines that begin with "#", ";" or "rem" as comments and what
follows " ;" as well, an indented line that goes on with the value above, a key
that comes again and wins, a DEFAULT section. Nothing in a file is ever run.
"""

import dataclasses
import pathlib
import re

_MAX_BYTES = 1_000_000
_TRUE = ("1", "yes", "true", "on")
_FALSE = ("0", "no", "false", "off")


@dataclasses.dataclass
class Section:
    """One section of a file.

    Attributes:
        path: Of the file.
        name: Between the brackets; in the case it has there.
        line: Number of that line, from 1.
        values: (text, line) by key in small letters.
    """

    path: str
    name: str
    line: int
    values: dict = dataclasses.field(default_factory=dict)

    def error(self, key, text):
        """Returns the error for what a key says, with file and line."""
        line = self.values[key][1] if key in self.values else self.line
        return ValueError(f"{self.path}, line {line}: [{self.name}] {text}")

    def text(self, key, default=None):
        """Returns the text of a key.

        Raises:
            ValueError: It is missing, and there is no default.
        """
        key = key.lower()
        if key in self.values:
            return self.values[key][0].strip()
        if default is None:
            raise self.error(key, f"must have a value for {key}.")
        return default

    def words(self, key, default=None):
        """Returns what stands between the commas."""
        return [word.strip() for word in self.text(key, default).split(",")]

    def numbers(self, key, kind, default=None):
        """Returns a list of numbers.

        Args:
            key: Name of the key.
            kind: `int` or `float`.
            default: Text to take where there is none.
        """
        try:
            return [kind(word) for word in self.words(key, default)]
        except ValueError:
            what = "integers" if kind is int else "numbers"
            raise self.error(
                key.lower(),
                f"{key} must be {what} with commas between them. "
                f"Received: {self.text(key)}",
            ) from None

    def number(self, key, kind, default=None):
        """Returns one number."""
        found = self.numbers(key, kind, default)
        if len(found) > 1:
            raise self.error(
                key.lower(),
                f"{key} must be one number. Received: {self.text(key)}",
            )
        return found[0]

    def flags(self, key, default=None):
        """Returns a list of truths."""
        words = [word.lower() for word in self.words(key, default)]
        if any(word not in _TRUE + _FALSE for word in words):
            raise self.error(
                key.lower(),
                f"{key} must be true or false. Received: {self.text(key)}",
            )
        return [word in _TRUE for word in words]


def read(path):
    """Returns the sections of a file by name, in their order.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is written otherwise, with its line.
    """
    return parse(read_text(path), str(path))


def read_text(path):
    """Returns the text of a file.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It cannot be such a text.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} must be a file of the 2012 program. There is none."
        )
    # Comments may hold anything; what is read has no other letters.
    raw = path.read_bytes()
    if len(raw) > _MAX_BYTES or b"\0" in raw:
        raise ValueError(
            f"{path} must be a text with sections in brackets. Received: "
            f"{len(raw):,} bytes of something else"
        )
    return raw.decode("utf-8-sig", errors="replace")


def parse(text, path):
    """Returns the sections of a text; see `read`."""
    sections, defaults = {}, Section(path, "DEFAULT", 1)
    section = key = None
    for number, line in enumerate(text.splitlines(), start=1):
        if _is_comment(line):
            continue
        if line[0].isspace() and key:
            before, first = section.values[key]
            section.values[key] = (f"{before}\n{line.strip()}", first)
            continue
        header = re.match(r"\[([^]]+)\]", line)
        pair = re.match(r"\s*([^:=\s][^:=]*?)\s*[:=]\s*(.*)$", line)
        if header:
            name, key = header[1], None
            if name == "DEFAULT":
                section = defaults
            else:
                section = sections.setdefault(name, Section(path, name, number))
        elif section is None or not pair:
            raise ValueError(
                f"{path}, line {number}: a line must be [NAME] or KEY=VALUE"
                f"{' below a [NAME]' if pair else ''}. Received: {line[:60]!r}"
            )
        else:
            key = pair[1].lower()
            value = re.split(r"\s;", " " + pair[2], maxsplit=1)[0].strip()
            section.values[key] = ("" if value == '""' else value, number)
    for each in sections.values():
        each.values = defaults.values | each.values
    return sections


def _is_comment(line):
    """Returns whether a line says nothing."""
    words = line.split(maxsplit=1)
    return not words or words[0][0] in "#;" or words[0].lower() == "rem"
