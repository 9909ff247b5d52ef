"""The programs one after another, as a user runs them."""

import csv
import json
import pathlib
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import served
import tensorflow as tf
from programs import ROOT, run

import alexnet_tf

pytestmark = pytest.mark.slow


def _train_arguments(folder, *more):
    return [
        "--config=configs/demo.py",
        f"--config.data.directory={folder / 'records'}",
        "--config.data.crop_size=96",
        "--config.data.batch_size=8",
        "--config.training.log_every_steps=2",
        f"--workdir={folder / 'run'}",
        *more,
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Rendered archives, their records, and a run of six steps."""
    folder = tmp_path_factory.mktemp("chain")
    run(
        "render_dataset",
        f"--output_dir={folder / 'archives'}",
        "--classes=6",
        "--train_per_class=4",
        "--validation_per_class=2",
    )
    run(
        "build_tfrecords",
        f"--ilsvrc_dir={folder / 'archives'}",
        f"--output_dir={folder / 'records'}",
        "--image_size=112",
        "--train_shards=2",
        "--validation_shards=1",
    )
    run("train", *_train_arguments(folder, "--config.training.total_steps=6"))
    return folder


def test_training_leaves_what_the_interface_promises(folder):
    run = folder / "run"

    assert (run / "checkpoints" / "00000006" / "weights.npz").exists()
    assert list((run / "summaries" / "train").iterdir())
    assert list((run / "summaries" / "validation").iterdir())
    config = json.loads((run / "config.json").read_text())
    assert config["config"]["data"]["crop_size"] == 96
    assert config["revision"]
    lines = (run / "metrics.jsonl").read_text().splitlines()
    metrics = [json.loads(line) for line in lines]
    assert {m["split"] for m in metrics} == {"train", "validation"}
    assert max(m["step"] for m in metrics) == 6


def test_evaluation_writes_predictions_and_their_protocol(folder):
    done = run("evaluate", f"--workdir={folder / 'run'}", "--crops=10")

    (path,) = (folder / "run" / "predictions").glob("*-10.json")
    result = json.loads(path.read_text())
    assert result["num_images"] == 12
    assert f"{result['top1_error']:.2%}" in done.stdout
    assert result["protocol"]["crop_size"] == 96
    with np.load(path.with_suffix(".npz")) as found:
        assert found["probabilities"].shape == (12, 6)
        assert found["probabilities"].dtype == np.float32
        np.testing.assert_allclose(
            found["probabilities"].sum(axis=1), 1, rtol=1e-5
        )
        wrong = found["probabilities"].argmax(axis=1) != found["labels"]
        assert wrong.mean() == pytest.approx(result["top1_error"])
        assert sorted(found["file_names"])[0].startswith("ILSVRC2012_val_")


def test_figures_are_drawn(folder):
    run("evaluate", f"--workdir={folder / 'run'}", "--crops=1")
    for figure in ("3", "4", "curves"):
        done = run(
            "make_figures", f"--workdir={folder / 'run'}", f"--figure={figure}"
        )
        path = done.stdout.splitlines()[-1]
        assert pathlib.Path(path).stat().st_size > 1000


def test_neighbours_are_found_drawn_and_counted(folder, tmp_path):
    image = folder / "query.jpg"
    image.write_bytes(served.photograph(2))
    workdir = f"--workdir={folder / 'run'}"

    drawn = run(
        "find_similar",
        workdir,
        f"--queries={image}",
        "--neighbours=3",
        f"--output={tmp_path / 'similar.png'}",
    )
    within = run(
        "find_similar", workdir, "--split=validation", "--neighbours=1"
    )
    codes = run("find_similar", workdir, "--bits=8", "--neighbours=2")

    assert drawn.stdout.startswith(f"{image}: ")
    assert (tmp_path / "similar.png").stat().st_size > 1000
    # Two images a class in validation: by chance one of the eleven others.
    assert "chance: 9.1%" in within.stdout
    assert "of the 10 nearest images are among" in codes.stdout


def test_a_split_that_is_not_there_is_named(folder):
    done = run(
        "find_similar",
        f"--workdir={folder / 'run'}",
        "--split=test",
        status=1,
    )

    assert "must be one of train, validation" in done.stderr


def test_exported_model_classifies_as_evaluation_does(folder, tmp_path):
    done = run("evaluate", f"--workdir={folder / 'run'}", "--crops=10")
    predictions = done.stdout.splitlines()[-1]
    version = run("export", f"--workdir={folder / 'run'}").stdout.strip()
    subprocess.run(
        [
            *("tar", "xf", folder / "archives" / "ILSVRC2012_img_val.tar"),
            *("-C", tmp_path),
        ],
        check=True,
    )
    image = sorted(tmp_path.rglob("*.JPEG"))[0]

    shown = run("classify", f"--model={version}", "--crops=10", image).stdout

    with np.load(predictions) as found:
        place = found["file_names"].tolist().index(image.name)
        best = found["probabilities"][place].max()
    # The record was compressed once more than the file.
    percent = float(shown.splitlines()[1].split("%")[0])
    assert percent / 100 == pytest.approx(best, abs=0.02)


def test_a_folder_is_classified_into_a_table(folder, tmp_path):
    version = run("export", f"--workdir={folder / 'run'}").stdout.strip()
    photographs = tmp_path / "photographs"
    photographs.mkdir()
    for number in range(3):
        (photographs / f"{number}.jpg").write_bytes(served.photograph(number))
    (photographs / "page.png").write_text("<html>")
    table = tmp_path / "classes.csv"

    done = run(
        "classify",
        f"--model={pathlib.Path(version).parent}",
        f"--output={table}",
        photographs,
        status=1,
    )

    assert "page.png: It must be" in done.stderr
    head, *rows = csv.reader(table.read_text().splitlines())
    assert head[:3] == ["file", "class_1", "probability_1"]
    assert [row[0] for row in rows] == [
        str(photographs / f"{number}.jpg") for number in range(3)
    ]
    classifier = alexnet_tf.load_classifier(folder / "run")
    for row, guesses in zip(
        rows, classifier.classify([row[0] for row in rows]), strict=True
    ):
        assert row[1] == guesses[0][1]
        assert float(row[2]) == pytest.approx(guesses[0][2], abs=1e-4)


@pytest.mark.parametrize(
    ("format_", "packages", "files"),
    [
        ("onnx", ["onnx", "onnxruntime"], ["model.onnx"]),
        (
            "litert",
            ["ai_edge_litert"],
            [f"model_{p}.tflite" for p in ("float16", "float32", "int8")],
        ),
    ],
)
def test_portable_exports_report_their_parity(
    folder, tmp_path, format_, packages, files
):
    for package in packages:
        pytest.importorskip(
            package, reason="not here: pip install 'alexnet-tf[export]'"
        )

    done = run(
        "export",
        f"--workdir={folder / 'run'}",
        f"--format={format_}",
        f"--output_dir={tmp_path}",
    )

    *lines, version = done.stdout.splitlines()
    assert version == str(tmp_path / "1")
    report = json.loads((tmp_path / "1" / "parity.json").read_text())
    assert [file["file"] for file in report["files"]] == files
    for line, file in zip(lines, report["files"], strict=True):
        assert line.startswith(f"{file['file']}: {file['size_mb']:.1f} MB")
        # All there are in the split, of which there are fewer than 300.
        assert file["images"] == 12
    assert min(f["largest_difference"] for f in report["files"]) < 1e-5


def test_a_frozen_export_has_a_folder_of_its_own(folder):
    """TF Serving watches the folder of the plain versions."""
    done = run(
        "export",
        f"--workdir={folder / 'run'}",
        "--format=saved_model_frozen",
    )

    version = pathlib.Path(done.stdout.strip())
    own = folder / "run" / "export" / "saved_model_frozen"
    assert version.parent == own
    names = tf.saved_model.load(str(version)).signatures
    assert set(names) == {"preprocess", "serving_default", "tensor"}


def test_portable_export_without_records_needs_no_comparison(folder, tmp_path):
    pytest.importorskip("onnx")
    arguments = [
        f"--workdir={folder / 'run'}",
        f"--data_dir={tmp_path / 'nowhere'}",
        f"--output_dir={tmp_path / 'versions'}",
        "--format=onnx",
    ]

    done = run("export", *arguments, status=1)
    run("export", *arguments, "--parity_images=0")

    assert "nowhere" in done.stderr
    version = tmp_path / "versions" / "1"
    assert [path.name for path in version.iterdir()] == ["model.onnx"]


def test_same_command_twice_trains_once(folder):
    before = (folder / "run" / "metrics.jsonl").read_text()

    run("train", *_train_arguments(folder, "--config.training.total_steps=6"))

    assert (folder / "run" / "metrics.jsonl").read_text() == before


def test_classify_names_the_file_that_is_no_image(folder, tmp_path):
    version = run("export", f"--workdir={folder / 'run'}").stdout.strip()
    (tmp_path / "page.jpg").write_text("<html>")

    done = run(
        "classify", f"--model={version}", tmp_path / "page.jpg", status=1
    )

    assert done.stderr.startswith(f"error: {tmp_path / 'page.jpg'}: It must be")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--config.data.batch_size=0"], "data.batch_size must be 1 or more"),
        (["--config.network=PAPER"], "was trained with network=DEMO"),
        (["--config.data.directory=/nowhere"], "There is no folder /nowhere"),
    ],
)
def test_training_that_cannot_be_is_one_line(folder, arguments, words):
    done = run("train", *_train_arguments(folder, *arguments), status=1)

    assert words in done.stderr
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1


def test_unknown_setting_is_wrong_usage(folder):
    done = run(
        "train", *_train_arguments(folder, "--config.colour=1"), status=2
    )

    assert "colour" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_the_same_command_goes_on(folder, tmp_path, number):
    arguments = [
        *_train_arguments(folder),
        "--config.training.total_steps=100000",
        f"--workdir={tmp_path}",
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "tools.train", *arguments],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    metrics = tmp_path / "metrics.jsonl"
    deadline = time.monotonic() + 60
    while not metrics.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)

    assert process.returncode == 75
    assert errors.splitlines()[-1].startswith("error: interrupted.")
    step = max(int(p.name) for p in (tmp_path / "checkpoints").iterdir())
    assert step >= 2
    assert not list((tmp_path / "checkpoints").glob(".*"))
    arguments[-2] = f"--config.training.total_steps={step + 1}"
    done = run("train", *arguments)
    assert f"Going on from step {step}" in done.stderr
