"""What people watch: lines that stay, lines that come again, and silence."""

import inspect

import pytest

from alexnet_tf.training import summaries
from input_pipeline import files


def _write(workdir, first_step, steps):
    with summaries.SummaryWriter(
        workdir, first_step, lambda step: step / 2.0
    ) as writer:
        for step in steps:
            writer.write("train", step, {"loss": float(step)})
            writer.event(step, "save")
        writer.event(steps[-1], "drop", factor=0.1)


def test_lines_of_later_steps_come_again_but_manual_changes_stay(tmp_path):
    _write(tmp_path, 0, (2, 4, 6))
    _write(tmp_path, 4, (5,))

    metrics = files.read_json_lines(tmp_path / "metrics.jsonl")
    assert [m["step"] for m in metrics] == [2, 4, 5]
    assert [m["epoch"] for m in metrics] == [1.0, 2.0, 2.5]
    events = files.read_json_lines(tmp_path / "events.jsonl")
    assert [(e["step"], e["what"]) for e in events] == [
        (2, "save"),
        (4, "save"),
        (6, "drop"),
        (5, "save"),
        (5, "drop"),
    ]
    writer = summaries.SilentWriter(tmp_path)
    assert [e["step"] for e in writer.manual_rate_events()] == [6, 5]


def test_the_silent_writer_offers_what_the_other_does_and_writes_nothing(
    tmp_path,
):
    for name, method in inspect.getmembers(
        summaries.SummaryWriter, inspect.isfunction
    ):
        if not name.startswith("_"):
            silent = getattr(summaries.SilentWriter, name)
            assert inspect.signature(method) == inspect.signature(silent), name

    writer = summaries.SilentWriter(tmp_path)
    writer.write("train", 1, {"loss": 1.0})
    writer.event(1, "save")
    writer.close()
    assert not list(tmp_path.iterdir())
    with pytest.raises(AttributeError):
        writer.writ("train", 1, {"loss": 1.0})


def test_figures_in_words():
    words = summaries.describe(
        {
            "loss": 1.23456,
            "top1_error": 0.407,
            "top5_error": 0.182,
            "learning_rate": 0.01,
            "images_per_second": 812.4,
            "skipped_records": 3,
            "waiting_share": 0.42,
        }
    )
    assert words == (
        "loss 1.235, top-1 error 40.7%, top-5 error 18.2%, rate 0.01, "
        "812 images/s, 3 records skipped, 42% waiting for input"
    )
