"""The flags of one program, and what --help says of them."""

import functools
import shutil
import textwrap

from absl import flags, logging

_KINDS = ("bool", "boolean", "enum", "float", "integer", "list", "string")


class Flags:
    """Flags that no other program of the same process sees.

    They are defined as absl's are, and each gives its value:

        flags = program.Flags()
        _WORKDIR = flags.DEFINE_string("workdir", None, "Such as runs/demo.")
        ... _WORKDIR.value

    Besides them absl's own of logging, such as --verbosity, are known.

    Attributes:
        values: The `absl.flags.FlagValues` that holds them.
        more_help: A function that returns what --help says besides, or
            `None`.
    """

    def __init__(self):
        self.values = flags.FlagValues()
        self.more_help = None
        for kind in _KINDS:
            define = getattr(flags, f"DEFINE_{kind}")
            define = functools.partial(define, flag_values=self.values)
            setattr(self, f"DEFINE_{kind}", define)
        own = flags.FLAGS.flags_by_module_dict()[logging.__name__]
        self._absl = {flag.name for flag in own}
        for flag in own:
            self.values[flag.name] = flag
        # Another spelling of --verbosity.
        self._hidden = {flag.short_name for flag in own}
        self._defined = None

    def DEFINE_checkpoint(self):  # noqa: N802, like absl's
        """Defines --checkpoint, with one default in every program.

        It is that of `alexnet_tf.load`. The best by validation error would
        flatter where the validation error is what is measured.
        """
        return self.DEFINE_string(
            "checkpoint", "last", "last, best (validation error), or a step."
        )

    def parse(self, argv):
        """Takes the values of a command line; returns what is no flag.

        Args:
            argv: The program's name, flags and arguments.
        """
        if self._defined is None:
            self._defined = set(self.values)
        # What an earlier call has left: fields of a config, and values.
        for name in set(self.values) - self._defined:
            delattr(self.values, name)
        for name in self._defined:
            self.values[name].unparse()
        flags.FLAGS.mark_as_parsed()
        return self.values(argv)

    def describe(self):
        """Returns what --help says of the flags; absl's come last."""
        own = sorted(set(self.values) - self._absl - self._hidden)
        lines = ["Flags:", *map(self._describe, own)]
        if self.more_help is not None:
            lines += ["", self.more_help()]
        lines += ["", "Flags of every program:"]
        lines += map(self._describe, sorted(self._absl))
        return "\n".join(lines)

    def _describe(self, name):
        """Returns a flag, what it means and its default."""
        flag = self.values[name]
        written = f"--[no]{name}" if flag.boolean else f"--{name}"
        meaning = " ".join(flag.help.split())
        if flag.default_as_str not in (None, "''", "'None'"):
            meaning += f" (default: {flag.default_as_str})"
        return wrap(written, meaning)


def wrap(name, meaning):
    """Returns a name and, indented below it, what it means."""
    columns = min(max(shutil.get_terminal_size().columns, 40), 100)
    indent = "      "
    return f"  {name}\n" + textwrap.fill(
        meaning,
        columns - 1,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
