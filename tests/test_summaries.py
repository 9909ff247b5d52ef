"""What people watch: lines that stay, lines that come again, and silence."""

import inspect

import pytest
import tensorflow as tf
from tensorboard.compat.proto import event_pb2
from tensorboard.plugins.hparams import plugin_data_pb2

from alexnet_tf import protocol
from alexnet_tf.training import board, summaries
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


def test_top5_of_five_classes_or_fewer_says_nothing():
    scalars = {"loss": 1.0, "top1_error": 0.4, "top5_error": 0.0}

    assert "top-5" not in summaries.describe(scalars, num_classes=5)
    assert "top-5 error 0.0%" in summaries.describe(scalars, num_classes=6)
    scores = {"loss": 1.0, "top1_error": 0.4, "top5_error": 0.0}
    assert protocol.describe_errors(scores, 3) == (
        "top-1 error 40.00%, loss 1.0000"
    )
    assert "top-5 error 0.00%" in protocol.describe_errors(scores, 10)


def _events(folder):
    """Yields every value that TensorBoard finds in a folder."""
    for path in sorted(folder.glob("events*")):
        for record in tf.data.TFRecordDataset(str(path)):
            event = event_pb2.Event.FromString(record.numpy())
            yield from event.summary.value


def test_tensorboard_is_told_what_each_scalar_means(tmp_path):
    with summaries.SummaryWriter(tmp_path, 0, float) as writer:
        names = ("loss", "top1_error", "weight_norm/conv1", "rates/biases")
        writer.write("train", 1, dict.fromkeys(names, 1.0))

    found = {v.tag: v.metadata for v in _events(tmp_path / "summaries/train")}
    # Epochs come in a group after what people look for.
    assert sorted(found)[0] == "loss"
    assert found.keys() == {*names, "run/epoch"}
    for tag, metadata in found.items():
        assert metadata.summary_description, tag


def test_every_scalar_of_a_run_has_a_meaning():
    written = (
        *("loss", "top1_error", "top5_error", "images_per_second"),
        *("waiting_share", "learning_rate", "rates", "gradient_norm"),
        *("weight_norm", "velocity_norm", "skipped_steps", "skipped_records"),
    )

    assert set(written) <= board._MEANINGS.keys()


def test_hparams_show_network_rate_and_seed_first(tmp_path):
    settings = {
        "data.cache": "",
        "network": "PAPER",
        "optimizer.learning_rate": 0.01,
        "training.seed": 3,
    }
    with summaries.SummaryWriter(tmp_path, 0, float) as writer:
        writer.write("validation", 1, {"top1_error": 0.25})
        writer.hyperparameters(settings)

    events = list(_events(tmp_path / "summaries" / "validation"))
    told = {
        value.tag: plugin_data_pb2.HParamsPluginData.FromString(
            value.metadata.plugin_data.content
        )
        for value in events
        if value.metadata.plugin_data.plugin_name == "hparams"
    }
    experiment = told["_hparams_/experiment"].experiment
    assert [info.name for info in experiment.hparam_infos] == [
        *("network", "optimizer.learning_rate", "training.seed"),
        "data.cache",
    ]
    # Scores are those of the series next to them.
    tags = {info.name.tag for info in experiment.metric_infos}
    assert "top1_error" in tags & {value.tag for value in events}
    start = told["_hparams_/session_start_info"].session_start_info
    assert start.hparams["training.seed"].number_value == 3


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
