"""What is served is what was trained."""

import io
import pathlib

import data_sets
import keras
import numpy as np
import pytest
import references
import simplejpeg
import tensorflow as tf
from PIL import Image
from runs import NETWORK

import alexnet_tf
from alexnet_tf import analysis, evaluation, export, networks
from alexnet_tf.export import saved_model
from input_pipeline import synthetic, transforms
from input_pipeline.conversion import images

NAMES = [f"class {i}" for i in range(6)]
SIZE = 48


@pytest.fixture(scope="module")
def statistics():
    return data_sets.random_statistics(SIZE)


@pytest.fixture(scope="module")
def model():
    return alexnet_tf.build(NETWORK, 6, native_ops_only=True)


@pytest.fixture(scope="module")
def classifier(model, statistics):
    return alexnet_tf.Classifier(model, statistics, NAMES)


@pytest.fixture(scope="module")
def version(classifier, tmp_path_factory):
    return export.export(classifier, tmp_path_factory.mktemp("export"))


@pytest.fixture(scope="module")
def served(version):
    return tf.saved_model.load(str(version))


def _squares(count):
    rng = np.random.default_rng(1)
    return rng.integers(0, 256, (count, SIZE, SIZE, 3), np.uint8)


def _png(image):
    contents = io.BytesIO()
    Image.fromarray(image).save(contents, "png")
    return contents.getvalue()


def _expected(model, statistics, images, crops):
    """The evaluation's way to the same answer."""
    inputs = tf.cast(images, tf.float32) - statistics.mean_image
    if crops == 10:
        inputs = transforms.ten_crops(inputs, 40)
    else:
        inputs = alexnet_tf.preprocess_input(images[:, 4:44, 4:44], statistics)
    return evaluation.make_predictor(model)(inputs).numpy()


@pytest.mark.parametrize(
    ("signature", "crops"), [("serving_default", 1), ("ten_crop", 10)]
)
def test_bytes_get_the_evaluations_answer(
    model, statistics, served, signature, crops
):
    squares = _squares(3)
    image_bytes = tf.constant([_png(square) for square in squares])

    found = served.signatures[signature](image_bytes=image_bytes)

    expected = _expected(model, statistics, squares, crops)
    best = np.argsort(-expected, axis=1)[:, :5]
    np.testing.assert_array_equal(found["classes"], best)
    np.testing.assert_allclose(
        found["probabilities"],
        np.take_along_axis(expected, best, axis=1),
        atol=1e-5,
    )
    names = found["class_names"].numpy()[0]
    assert [name.decode() for name in names] == [NAMES[i] for i in best[0]]


def test_tensor_and_bytes_get_one_answer(served):
    images = _squares(2)

    by_tensor = served.signatures["tensor"](images=tf.constant(images))
    by_bytes = served.signatures["serving_default"](
        image_bytes=tf.constant([_png(image) for image in images])
    )

    for name, value in by_tensor.items():
        np.testing.assert_array_equal(value, by_bytes[name])


def test_features_are_those_of_fc7(model, statistics, served):
    images = _squares(2)

    found = served.signatures["features"](
        image_bytes=tf.constant([_png(image) for image in images])
    )["fc7"]

    inputs = alexnet_tf.preprocess_input(images[:, 4:44, 4:44], statistics)
    expected = alexnet_tf.feature_extractor(model)(inputs)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_explain_is_gradcam_of_the_best_class(model, statistics, served):
    images = _squares(2)

    found = served.signatures["explain"](
        image_bytes=tf.constant([_png(image) for image in images])
    )["map"]

    inputs = alexnet_tf.preprocess_input(images[:, 4:44, 4:44], statistics)
    expected = analysis.gradcam(model, inputs)
    assert expected.shape == (2, 9, 9)
    assert expected.max() > 0
    tolerance = 1e-4 * expected.max()
    np.testing.assert_allclose(found, expected, atol=tolerance)
    by_tensor = served.signatures["tensor_explain"](images=tf.constant(images))
    np.testing.assert_array_equal(by_tensor["map"], found)


def test_takes_images_of_any_size_and_kind(served):
    rgb = synthetic.render(0, np.random.default_rng(0))
    grey = simplejpeg.encode_jpeg(
        rgb[..., :1].copy(), colorspace="GRAY", colorsubsampling="Gray"
    )
    files = [
        simplejpeg.encode_jpeg(rgb),
        grey,
        _png(rgb[:30, :20]),
        _png(np.dstack([rgb, rgb[..., 0]])),
    ]

    found = served.signatures["serving_default"](image_bytes=tf.constant(files))

    assert found["probabilities"].shape == (4, 5)
    assert np.all(np.isfinite(found["probabilities"]))


def test_bytes_that_are_no_image_are_refused_and_the_next_are_not(served):
    serve = served.signatures["serving_default"]

    for bad in (b"", b"no image", simplejpeg.encode_jpeg(_squares(1)[0])[:99]):
        with pytest.raises(tf.errors.InvalidArgumentError):
            serve(image_bytes=tf.constant([bad]))

    found = serve(image_bytes=tf.constant([_png(_squares(1)[0])]))
    assert found["probabilities"].shape == (1, 5)


def test_a_session_finds_the_variables(version):
    """TF Serving loads a model this way, not as Python does."""
    graph = tf.Graph()
    with graph.as_default(), tf.compat.v1.Session(graph=graph) as session:
        loaded = tf.compat.v1.saved_model.load(session, ["serve"], str(version))
        signature = loaded.signature_def["serving_default"]
        probabilities = session.run(
            signature.outputs["probabilities"].name,
            {signature.inputs["image_bytes"].name: [_png(_squares(1)[0])]},
        )
        explain = loaded.signature_def["explain"]
        (heat,) = session.run(
            explain.outputs["map"].name,
            {explain.inputs["image_bytes"].name: [_png(_squares(1)[0])]},
        )

    assert heat.shape == (9, 9)
    assert probabilities.shape == (1, 5)
    devices = {node.device for node in graph.as_graph_def().node}
    assert not [d for d in devices if "CPU:1" in d or "GPU" in d]
    assert "_XlaMustCompile" not in str(graph.as_graph_def())


def test_two_exports_at_once_are_two_versions(tmp_path):
    with (
        export.new_version(tmp_path) as first,
        export.new_version(tmp_path) as second,
    ):
        for version, text in ((first, "one"), (second, "two")):
            version.unfinished.mkdir()
            (version.unfinished / "text").write_text(text)

    assert {first.final.name, second.final.name} == {"1", "2"}
    assert (first.final / "text").read_text() == "one"
    assert (second.final / "text").read_text() == "two"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["1", "2"]


def test_features_are_named_by_the_layer_that_gives_them(statistics):
    hidden = NETWORK.insert_behind("pool1", networks.Dense("fc6", 16))
    without = alexnet_tf.build(hidden.without("fc7"), 6)
    classifier = alexnet_tf.Classifier(without, statistics, NAMES)

    network = saved_model.of_model(without)
    answer, _ = saved_model.signatures(classifier, network)["tensor_features"]
    found = answer(_squares(2))

    expected = classifier.crops(_squares(2))
    expected = alexnet_tf.feature_extractor(without, "fc6")(expected)
    assert set(found) == {"fc6"}
    np.testing.assert_allclose(found["fc6"], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.slow
def test_every_export_is_a_version_of_its_own(classifier, tmp_path):
    first = export.export(classifier, tmp_path)
    second = export.export(classifier, tmp_path)

    assert (first.name, second.name) == ("1", "2")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["1", "2"]


def test_a_failed_export_leaves_nothing(classifier, tmp_path, monkeypatch):
    def fail(self, directory, **kwargs):
        pathlib.Path(directory).mkdir()
        raise OSError(28, "No space left on device")

    archive = type(keras.export.ExportArchive())
    monkeypatch.setattr(archive, "write_out", fail)

    with pytest.raises(OSError, match="No space left"):
        export.export(classifier, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("resize", ["shorter side", "squash"])
@pytest.mark.parametrize("resample", ["triangle", "area"])
def test_files_are_brought_to_size_as_the_records_were(
    model, statistics, tmp_path, resample, resize
):
    classifier = alexnet_tf.Classifier(
        model, statistics, NAMES, resample=resample, resize=resize
    )
    jpeg = synthetic.render_jpeg(0, "train", 1, 0)

    served = tf.saved_model.load(str(export.export(classifier, tmp_path)))

    found = served.signatures["preprocess"](image_bytes=tf.constant([jpeg]))
    record = images.convert(jpeg, SIZE, 95, resample, resize)[1]
    assert references.psnr(found["images"][0].numpy(), record) >= 40
    by_bytes, by_tensor = [
        served.signatures[name](**{key: value})["probabilities"].numpy()
        for name, key, value in (
            ("serving_default", "image_bytes", tf.constant([jpeg])),
            ("tensor", "images", found["images"]),
        )
    ]
    np.testing.assert_allclose(by_bytes, by_tensor, atol=1e-6)
