"""The tables of results, and the files that they stand for."""

import copy

import pytest
from programs import ROOT

from alexnet_tf.reproduction import claims, claims_page, measured, tables

README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGE = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
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


def test_both_tables_show_what_the_files_say():
    records = measured.read(ROOT / "docs" / "results")

    assert records
    assert tables.replace_table(PAGE, tables.table(records)) == PAGE
    short = tables.measured_table(records)
    assert tables.replace_table(README, short) == README


def test_the_claims_show_what_the_queue_has_measured():
    page = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    results = claims_page.read(ROOT / "docs" / "results" / "reproduction")
    judged = claims_page.judge_all(results)

    table = claims_page.table(judged)

    assert tables.replace_table(page, table, tables.BEGIN_CLAIMS) == page
    picture = ROOT / "docs" / claims_page.PICTURE
    assert picture.exists() == bool(claims_page.panels(judged))


def test_a_claim_is_told_with_its_interval_and_how_it_came(tmp_path):
    claim = claims.CLAIMS[0]
    result = {
        "seed": 0,
        "hours": 1.25,
        "epochs": 160.0,
        "precision": "float32",
        "machine": "a machine",
        "revision": "abc",
        "finished": "2026-11-25",
    }
    found = claims.Finding(claim, 0.128, 0.12, 0.14, (result,), "agrees")
    judged = [(claim, found), (claims.CLAIMS[4], None)]

    lines = claims_page.table(judged).splitlines()[-2:]
    claims_page.draw(tmp_path / "claims.png", judged)

    assert (
        "| 13% test error | CIFAR-10 | 12.8% (12.0 to 14.0) | agrees"
        in (lines[0])
    )
    assert "1 seed, 160 epochs, 1.2 h, float32, a machine, `abc`" in lines[0]
    assert lines[1].endswith("| not yet run | | |")
    (panel,) = claims_page.panels(judged).values()
    assert panel == [(claim.words, 12.8, 12.0, pytest.approx(14.0), 13.0)]
    assert (tmp_path / "claims.png").stat().st_size > 1000


def test_readme_has_the_measured_rows_alone():
    short = tables.measured_table([RECORD])

    assert "not yet run" not in short
    assert short.splitlines()[2] == (
        "| 1 CNN, ILSVRC-2012 validation, ten crops "
        "| `configs/ilsvrc2012.py` | 40.7% / 18.2% "
        "| 40.7% (40.3 to 41.1%) / 18.2% |"
    )


def test_a_run_of_the_papers_network_stands_in_the_papers_line():
    line = tables.table([RECORD]).splitlines()[2]

    assert line.startswith("| 1 CNN, ILSVRC-2012 validation, ten crops |")
    assert "40.7% (40.3 to 41.1%) / 18.2%" in line
    assert "50,000 validation images, 90 epochs, 600 min" in line
    assert "1 GPU, revision `abc`, 2012-12-03" in line


def test_errors_by_another_rule_of_ties_say_so():
    both = copy.deepcopy(RECORD)
    original = copy.deepcopy(both["evaluations"][0])
    original |= {"top1_error": 0.4, "protocol": {"ties": "original"}}
    both["evaluations"].append(original)

    lines = tables.table([both]).splitlines()

    assert "40.7% (" in lines[2]
    assert "ties" not in lines[2]
    assert "40.0% (" in lines[-1]
    assert "ties as the authors' program counts" in lines[-1]


def test_a_changed_network_does_not_stand_for_the_papers():
    changed = copy.deepcopy(RECORD)
    changed["without"] = "norm1"

    lines = tables.table([changed]).splitlines()

    assert "not yet run" in lines[2]
    assert "40.7%" in lines[-1]


def test_another_split_or_a_second_seed_does_not_replace_the_first():
    train, second = copy.deepcopy(RECORD), copy.deepcopy(RECORD)
    train["evaluations"][0]["split"] = "train"
    second["evaluations"][0]["top1_error"] = 0.5

    assert "not yet run" in tables.table([train]).splitlines()[2]
    lines = tables.table([RECORD, second]).splitlines()
    assert sum("40.7% (" in line or "50.0% (" in line for line in lines) == 2


def test_another_run_has_a_line_of_its_own():
    other = copy.deepcopy(RECORD)
    other["data"] = "demo"

    lines = tables.table([other]).splitlines()

    assert "not yet run" in lines[2]
    assert lines[-1].startswith("| a run, ten crops | `configs/demo.py` | |")


def test_refuses_a_page_without_its_marks():
    with pytest.raises(ValueError, match="one table between"):
        tables.replace_table("no marks", "")


def test_refuses_what_was_never_evaluated(tmp_path):
    with pytest.raises(FileNotFoundError, match="no workdir"):
        measured.collect(tmp_path)
