"""docs/original_2012.md: every row names a test; the config has its numbers."""

import ast
import functools
import importlib
import re

import pytest
from programs import ROOT

PAGE = (ROOT / "docs" / "original_2012.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (\d+) \|.*\| `(tests/\w+\.py)::(\w+)` \|$", PAGE, re.M)


def test_the_page_has_its_twenty_two_rows():
    assert [int(number) for number, *_ in ROWS] == list(range(1, 23))


@functools.cache
def _tests(path):
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {n.name for n in tree.body if isinstance(n, ast.FunctionDef)}


@pytest.mark.parametrize(("number", "path", "name"), ROWS)
def test_a_row_is_held_by_a_test_that_is_there(number, path, name):
    assert name in _tests(path)


def test_config_has_the_programs_numbers():
    config = importlib.import_module("configs.original_2012").get_config()

    # original-source 3.2 to 4.1, run 145.
    assert config.data.same_crop_images == 32
    assert config.data.lighting_epochs == 67
    assert config.data.batch_size == 128
    assert config.optimizer.boundaries_epochs == (25, 51, 79)
    assert config.optimizer.bias_learning_rate == 0.02
    assert config.optimizer.bias_decay is False
    assert config.training.total_epochs == 91
