"""An exported model is served by a program of C, with no Python in it."""

import os
import shutil
import subprocess

import numpy as np
import programs
import pytest
import served
import simplejpeg
import tensorflow as tf

from input_pipeline import synthetic

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def version(tmp_path_factory):
    """A model of fresh weights."""
    return served.make_version(tmp_path_factory.mktemp("export"))


@pytest.fixture(scope="module")
def classify(version, tmp_path_factory):
    """Runs the program of C on a file; returns the finished process."""
    program = tmp_path_factory.mktemp("program") / "classify"
    _compile(program)
    tensors = _tensors_of_signature(version)
    # Nothing of this process's environment: it finds its libraries itself.
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3"}

    def run(file, model=version):
        return subprocess.run(
            [program, model, file, *tensors],
            env=quiet,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


def _compile(program):
    """Builds `classify.c` with what the wheel of TensorFlow brings."""
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip("gcc is not here: apt-get install gcc")
    include, libraries = tf.sysconfig.get_include(), tf.sysconfig.get_lib()
    if not os.path.exists(f"{libraries}/libtensorflow_cc.so.2"):
        pytest.skip(f"there is no libtensorflow_cc.so.2 in {libraries}")
    done = subprocess.run(
        [
            *(compiler, "-Wall", "-Wextra", "-Werror", "-O1"),
            programs.ROOT / "tests" / "classify.c",
            *("-isystem", include, "-L", libraries),
            "-l:libtensorflow_cc.so.2",
            "-l:libtensorflow_framework.so.2",
            f"-Wl,-rpath,{libraries}",
            *("-o", program),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def _tensors_of_signature(version):
    """Returns the names by which a session knows input and outputs."""
    graph = tf.Graph()
    with graph.as_default(), tf.compat.v1.Session(graph=graph) as session:
        loaded = tf.compat.v1.saved_model.load(session, ["serve"], str(version))
    signature = loaded.signature_def["serving_default"]
    return [
        signature.inputs["image_bytes"].name,
        signature.outputs["classes"].name,
        signature.outputs["probabilities"].name,
    ]


@pytest.fixture
def photograph(tmp_path):
    """A rendered image, as a JPEG file of more than one buffer's length."""
    image = synthetic.render(0, np.random.default_rng(0))
    large = np.kron(image, np.ones((3, 3, 1), np.uint8))
    file = tmp_path / "photograph.jpg"
    file.write_bytes(simplejpeg.encode_jpeg(large, quality=100))
    assert file.stat().st_size > 1 << 16
    return file


def test_a_program_of_c_gets_pythons_answer(classify, version, photograph):
    done = classify(photograph)

    assert done.returncode == 0, done.stderr
    found = np.array([line.split() for line in done.stdout.splitlines()])
    expected = tf.saved_model.load(str(version)).signatures["serving_default"](
        image_bytes=tf.constant([photograph.read_bytes()])
    )
    np.testing.assert_array_equal(
        found[:, 0].astype(int), expected["classes"][0]
    )
    np.testing.assert_allclose(
        found[:, 1].astype(float), expected["probabilities"][0], atol=1e-5
    )


@pytest.mark.parametrize("contents", [b"", b"no image", b"\xff\xd8\xff"])
def test_a_file_that_is_no_image_is_refused(classify, tmp_path, contents):
    file = tmp_path / "bad.jpg"
    file.write_bytes(contents)

    done = classify(file)

    assert done.returncode == 1
    assert done.stdout == ""
    # TensorFlow may have written lines of its own before.
    assert f"error: {file}: " in done.stderr


def test_a_missing_file_or_model_is_named(classify, photograph, tmp_path):
    missing = tmp_path / "missing"

    for done in (classify(missing), classify(photograph, model=missing)):
        assert done.returncode == 1
        assert str(missing) in done.stderr
