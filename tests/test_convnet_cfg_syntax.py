"""The 2012 program's files: how they are written."""

import pytest

from alexnet_tf.networks.convnet_cfg import syntax

LIBERAL = """\ufeff# a comment
; another
rem and a third
[DEFAULT]
stride = 4
[one]
  ; an indented comment
Type: conv ; and one behind a value
inputs = a,
    b
empty=""
Type=pool
[two] # whatever
stride=2\r
"""


def test_syntax_is_as_liberal_as_the_programs():
    sections = syntax.parse(LIBERAL.removeprefix("\ufeff"), "a.cfg")

    assert list(sections) == ["one", "two"]
    one, two = sections.values()
    assert one.text("TYPE") == "pool"
    assert one.words("inputs") == ["a", "b"]
    assert one.text("empty") == ""
    assert one.number("stride", int) == 4
    assert two.number("stride", int) == 2


def test_byte_order_mark_is_no_letter(tmp_path):
    path = tmp_path / "layers-x.cfg"
    path.write_text(LIBERAL, encoding="utf-8")

    assert list(syntax.read(path)) == ["one", "two"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("key=1\n", r"line 1: a line must be \[NAME\] or KEY=VALUE below"),
        ("[a]\nno value\n", r"line 2: a line must be"),
    ],
)
def test_line_that_says_nothing_is_refused(text, words):
    with pytest.raises(ValueError, match=words):
        syntax.parse(text, "a.cfg")


def test_binary_file_is_refused(tmp_path):
    path = tmp_path / "layers-x.cfg"
    path.write_bytes(b"\x80\x02}\x00q")

    with pytest.raises(ValueError, match="must be a text with sections"):
        syntax.read(path)
