"""README's table of results, and the files that it stands for."""

import copy

import pytest
from programs import ROOT

from tools import results

README = (ROOT / "README.md").read_text(encoding="utf-8")
RECORD = {
    "experiment": "a run",
    "config_file": "configs/demo.py",
    "network": "PAPER",
    "without": "",
    "changes": "",
    "init_from": "",
    "data": "ilsvrc2012",
    "epochs": 90.0,
    "minutes_of_updates": 600.4,
    "note": "",
    "revision": "abc",
    "versions": {"cpus": 2, "devices": ["/device:CPU:0", "/device:GPU:0"]},
    "date": "2012-12-03",
    "evaluations": [
        {
            "crops": 10,
            "split": "validation",
            "num_images": 50000,
            "top1_error": 0.407,
            "top1_interval": [0.4027, 0.4113],
            "top5_error": 0.182,
        }
    ],
}


def test_readme_shows_what_the_files_say():
    records = results.read(ROOT / "docs" / "results")

    assert records
    assert results.replace_table(README, results.table(records)) == README


def test_a_run_of_the_papers_network_stands_in_the_papers_line():
    line = results.table([RECORD]).splitlines()[2]

    assert line.startswith("| 1 CNN, ILSVRC-2012 validation, ten crops |")
    assert "40.7% (40.3 to 41.1%) / 18.2%" in line
    assert "50,000 validation images, 90 epochs, 600 min" in line
    assert "1 GPU, revision `abc`, 2012-12-03" in line


def test_a_changed_network_does_not_stand_for_the_papers():
    changed = copy.deepcopy(RECORD)
    changed["without"] = "norm1"

    lines = results.table([changed]).splitlines()

    assert "not yet run" in lines[2]
    assert "40.7%" in lines[-1]


def test_another_split_or_a_second_seed_does_not_replace_the_first():
    train, second = copy.deepcopy(RECORD), copy.deepcopy(RECORD)
    train["evaluations"][0]["split"] = "train"
    second["evaluations"][0]["top1_error"] = 0.5

    assert "not yet run" in results.table([train]).splitlines()[2]
    lines = results.table([RECORD, second]).splitlines()
    assert sum("40.7% (" in line or "50.0% (" in line for line in lines) == 2


def test_another_run_has_a_line_of_its_own():
    other = copy.deepcopy(RECORD)
    other["data"] = "demo"

    lines = results.table([other]).splitlines()

    assert "not yet run" in lines[2]
    assert lines[-1].startswith("| a run, ten crops | `configs/demo.py` | |")


def test_refuses_a_readme_without_its_marks():
    with pytest.raises(ValueError, match="one table between"):
        results.replace_table("no marks", "")


def test_refuses_what_was_never_evaluated(tmp_path):
    with pytest.raises(FileNotFoundError, match="no workdir"):
        results.collect(tmp_path)
