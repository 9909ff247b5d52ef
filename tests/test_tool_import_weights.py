"""Published weights into a workdir that evaluates, exports and fine-tunes."""

import json

import numpy as np
import programs
import pytest
import weight_files as wf
from PIL import Image

import alexnet_tf
from alexnet_tf import weights
from alexnet_tf.experiment import experiment


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    """A narrow bvlc_alexnet as a workdir, and what the program printed."""
    folder = tmp_path_factory.mktemp("import")
    path = folder / "narrow_alexnet.caffemodel"
    path.write_bytes(wf.caffemodel(wf.draw(wf.CAFFE_SHAPES)))
    done = programs.run(
        "import_weights",
        f"--file={path}",
        "--mean_file=104,117,123",
        f"--workdir={folder / 'run'}",
    )
    return folder / "run", done.stdout.splitlines()


def test_prints_the_difference_of_each_layer(imported):
    workdir, lines = imported

    assert lines[0].startswith("SHA-256 ")
    assert lines[1] == "Its digest is not on record."
    found = dict(line.split(": ") for line in lines[2:-1])
    assert list(found)[:4] == ["conv1", "norm1", "pool1", "conv2"]
    assert max(map(float, found.values())) < 1e-5
    assert lines[-1] == str(workdir)
    report = json.loads((workdir / "import.json").read_text())
    assert report["differences"].keys() == found.keys()


def test_workdir_builds_the_network_with_its_weights(imported):
    run = experiment.open_workdir(imported[0])
    model, step = run.load("best")

    assert (step, run.info.num_classes) == (0, 5)
    assert model.input_shape == (None, 227, 227, 3)
    kernel = weights.to_arrays(model)["conv1/kernel"]
    drawn = wf.draw(wf.CAFFE_SHAPES)["conv1"][0]
    np.testing.assert_array_equal(kernel, drawn[:, ::-1].transpose(2, 3, 1, 0))
    np.testing.assert_array_equal(
        run.statistics.mean_image[0, 0], [123, 117, 104]
    )


def test_workdir_is_exported_and_begins_another_run(imported, tmp_path):
    done = programs.run(
        "export",
        f"--workdir={imported[0]}",
        "--format=preset",
        f"--output_dir={tmp_path}",
    )

    folder = done.stdout.strip()
    card = (tmp_path / "1" / "README.md").read_text()
    assert folder == str(tmp_path / "1")
    assert "Imported from `narrow_alexnet.caffemodel`" in card
    assert "squashed to 256 x 256" in card
    images = np.zeros((1, 227, 227, 3), np.float32)
    np.testing.assert_array_equal(
        alexnet_tf.AlexNet(weights=folder)(images),
        alexnet_tf.AlexNet(weights=imported[0])(images),
    )


def test_workdir_is_evaluated_on_records_of_its_classes(imported, tmp_path):
    rng = np.random.default_rng(0)
    for split in ("train", "val"):
        for label in range(5):
            folder = tmp_path / "images" / split / f"class_{label}"
            folder.mkdir(parents=True)
            pixels = rng.integers(0, 256, (300, 280, 3), np.uint8)
            Image.fromarray(pixels).save(folder / "image.jpg")
    programs.run(
        "build_tfrecords",
        f"--image_dir={tmp_path / 'images'}",
        f"--output_dir={tmp_path / 'data'}",
        "--train_shards=1",
        "--validation_shards=1",
        "--num_processes=1",
        "--resize=squash",
    )

    done = programs.run(
        "evaluate",
        f"--workdir={imported[0]}",
        f"--data_dir={tmp_path / 'data'}",
        "--crops=10",
    )

    assert "validation, 5 images, step 0, 10 crops" in done.stdout
    (path,) = (imported[0] / "predictions").glob("*.json")
    protocol = json.loads(path.read_text())["protocol"]
    assert protocol["resize"] == "squashed to 256 x 256"


def test_caffes_weights_need_a_mean(tmp_path):
    path = tmp_path / "any.caffemodel"
    path.write_bytes(wf.caffemodel(wf.draw(wf.CAFFE_SHAPES)))

    done = programs.run(
        "import_weights", f"--file={path}", "--workdir=run", status=1
    )

    assert "--mean_file must be given with Caffe's weights" in done.stderr
    assert not (tmp_path / "run").exists()
