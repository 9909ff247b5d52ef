"""The report of a GPU's owner, with programs that stand for the real ones."""

import json

import programs
import pytest

from alexnet_tf.doctor import gpu_report

JUNIT = """<testsuites><testsuite>
<testcase name="towers"/>
<testcase name="lrn"><skipped message="needs a second GPU"/></testcase>
<testcase name="replicas"><failure message="weights
differ">trace</failure></testcase>
</testsuite></testsuites>"""


@pytest.fixture
def machine(monkeypatch):
    """A machine with a card, on which everything runs at once."""
    commands = []

    def run(arguments, seconds):
        commands.append(arguments)
        for argument in arguments:
            if argument.startswith("--junitxml="):
                with open(argument.partition("=")[2], "w") as file:
                    file.write(JUNIT)
                return True, ""
        if "--precision=mixed_float16" in arguments:
            return False, ""
        line = {"name": "ours", "images_per_second": 4000.0, "ratio": 1.0}
        return True, f"noise\n{json.dumps(line)}\n"

    monkeypatch.setattr(gpu_report, "_run", run)
    monkeypatch.setattr(gpu_report, "_run_for_lines", lambda command: ["H100"])
    return commands


def test_a_failure_is_told_in_the_report_and_by_the_status(machine, tmp_path):
    done = programs.run(
        "gpu_check", "--device=cpu", f"--output_dir={tmp_path}", status=1
    )

    page = (tmp_path / "gpu-report.md").read_text()
    assert page in done.stdout
    assert page.startswith("# H100")
    assert "1 passed, 1 failed, 1 skipped" in page
    assert "- replicas: weights differ" in page
    assert "| ours | 4000.0 | 1.0 |" in page
    # What did not end in time is said, and the rest goes on.
    assert "mixed_float16: not done in" in page
    report = json.loads((tmp_path / "gpu-report.json").read_text())
    assert report["facts"]["cards"] == ["H100"]
    assert len(report["benchmarks"]) == 4
    (tests, *benchmarks) = machine
    assert tests[:4] == ["pytest", "-q", "-m", "not gpu"]
    assert [c[0] for c in benchmarks] == ["tools.benchmark"] * 4


def test_two_gpus_are_measured_in_each_placement(
    machine, tmp_path, monkeypatch
):
    facts = gpu_report.facts() | {"gpus": ["GPU:0", "GPU:1"]}
    monkeypatch.setattr(gpu_report, "facts", lambda: facts)

    programs.run("gpu_check", f"--output_dir={tmp_path}", status=1)

    assert machine[0][3] == "gpu"
    assert machine[-1][1] == "--mode=placements"


def test_without_a_gpu_the_remedy_is_named(tmp_path):
    import tensorflow as tf

    if tf.config.list_physical_devices("GPU"):
        pytest.skip("there is a GPU here")
    done = programs.run("gpu_check", f"--output_dir={tmp_path}", status=1)

    assert "must see a GPU. Found: none" in done.stderr
    assert not list(tmp_path.iterdir())


def test_seconds_are_shared_out(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(gpu_report.time, "monotonic", lambda: now[0])
    clock = gpu_report.Clock(100)

    assert clock.share(4) == 25
    now[0] = 70
    assert clock.share(3) == 10
    now[0] = 200
    assert clock.share(3) == 1
