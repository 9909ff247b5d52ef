"""The bar on a terminal, of any width, and the lines above it."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios

import pytest
from programs import ROOT

_FACTS = "loss 5.912, top-1 error 94.1%, rate 0.01, 1530 images/s"
_LINE = (
    "validation at step 40: loss 2.303, top-1 error 90.0%, top-5 error 50.0%"
)
_SCRIPT = f"""
import time
from absl import logging
from alexnet_tf.cli import program, progress
flags = program.Flags()
def main(argv):
    with progress.Progress("train", 2000, "steps") as bar:
        for step in range(100):
            bar.update(20, {_FACTS!r})
            if step % 40 == 39:
                logging.info({_LINE!r})
            time.sleep(0.005)
    print("result")
program.run(main, flags)
"""


def _run_on_terminal(columns):
    """Returns what a program writes to a terminal of so many columns."""
    ours, theirs = pty.openpty()
    size = struct.pack("HHHH", 24, columns, 0, 0)
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, size)
    process = subprocess.Popen(
        [sys.executable, "-c", _SCRIPT],
        cwd=ROOT,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    written = b""
    try:
        while part := os.read(ours, 1 << 16):
            written += part
    except OSError:
        # The other end is closed.
        pass
    os.close(ours)
    assert process.wait() == 0, written
    return written.decode()


def _screen(written, columns):
    """Returns every state of each line, as a terminal shows them."""
    lines, row, column = [""], 0, 0
    states = [[]]
    for char in written:
        if char == "\r":
            states[row].append(lines[row])
            column = 0
        elif char == "\n":
            states[row].append(lines[row])
            lines.append("")
            states.append([])
            row += 1
        else:
            assert column < columns, f"wrapped: {lines[row]}"
            line = lines[row].ljust(column)
            lines[row] = line[:column] + char + line[column + 1 :]
            column += 1
    return [line.rstrip() for line in lines], states


@pytest.mark.parametrize("columns", [80, 100, 132, 200])
def test_lines_and_bar_do_not_mix(columns):
    lines, states = _screen(_run_on_terminal(columns), columns)

    # Two lines of the log, the bar as it ended, and the result.
    assert lines[:2] == [_LINE, _LINE]
    assert lines[2].startswith("train: 100%|")
    assert lines[3:] == ["result", ""]
    drawn = [s for line in states for s in line if s.startswith("train:")]
    bars = [re.match(r"train: +\d+%\|(.*?)\|", s).group(1) for s in drawn]
    assert min(map(len, bars)) >= 10
    # The foremost facts are there, each of them whole.
    assert "loss 5.912" in drawn[-1]
    shown = drawn[-1].rstrip(" ]").partition("/s, ")[2]
    assert set(shown.split(", ")) <= set(_FACTS.split(", "))
    if columns >= 132:
        assert _FACTS in drawn[-1]
