"""The faults that mutation.py plants."""

import ast

import faults
import mutation
import pytest
from programs import ROOT


@pytest.fixture
def found(tmp_path):
    source = '''
def f(a: int = 3, é="é") -> 2:
    """Says 7."""
    if a < 1 and not é:
        raise ValueError("must be " + str(8))
    a += a * 2
    g(a)
    return f"{a + 9}", "x" + "y", True
'''
    (tmp_path / "f.py").write_text(source, encoding="utf-8")
    return faults.find(tmp_path, "f.py")


def test_every_fault_is_one_change_that_parses(found):
    for fault in found:
        ast.parse(fault.text)
    changes = [fault.name.partition(": ")[2] for fault in found]
    assert [change.partition(", in: ")[0] for change in changes] == [
        "3 -> 4",
        "a < 1 and not é -> a < 1 or not é",
        "a < 1 -> a <= 1",
        "1 -> 2",
        "not é -> é",
        "a += a * 2 -> pass",
        "a * 2 -> a / 2",
        "2 -> 3",
        "g(a) -> pass",
        "True -> False",
    ]
    assert "if a <= 1 and not é" in found[2].text.replace("(a <= 1)", "a <= 1")


def test_files_and_tests_are_there_and_a_seed_decides():
    for path, tests in mutation.CORE.items():
        assert (ROOT / path).exists(), path
        for name in tests.split():
            assert (ROOT / "tests" / f"test_{name}.py").exists(), name

    drawn = mutation.draw(50, seed=0)
    assert len(drawn) == 50
    assert drawn == mutation.draw(50, seed=0)
    assert drawn != mutation.draw(50, seed=1)


def test_excluded_faults_are_faults_and_have_a_reason():
    known = {
        fault.name
        for path in mutation.CORE
        for fault in faults.find(ROOT, path)
    }

    assert set(mutation.EQUIVALENT) <= known
    assert all(mutation.EQUIVALENT.values())
