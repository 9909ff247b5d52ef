"""A network with what belongs to it names what files show."""

import io

import data_sets
import numpy as np
import pytest
import references
from PIL import Image
from runs import NETWORK

import alexnet_tf
from alexnet_tf import classifier as classifiers
from alexnet_tf import evaluation, predictions, protocol
from input_pipeline import synthetic
from input_pipeline.conversion import images
from input_pipeline.statistics import Accumulator

NAMES = ["otter", "bird's nest, nest", *(f"class {i}" for i in range(4))]
SIZE = 48


@pytest.fixture(scope="module")
def statistics():
    return data_sets.random_statistics(SIZE)


@pytest.fixture(scope="module")
def model():
    return alexnet_tf.build(NETWORK, 6)


@pytest.fixture(scope="module")
def classifier(model, statistics):
    return alexnet_tf.Classifier(model, statistics, NAMES)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three photographs, one of them in a folder of its own."""
    folder = tmp_path_factory.mktemp("photographs")
    (folder / "more").mkdir()
    for number, name in enumerate(("b.jpg", "a.JPEG", "more/c.jpeg")):
        jpeg = synthetic.render_jpeg(0, "train", number, number)
        (folder / name).write_bytes(jpeg)
    (folder / "notes.txt").write_text("no image")
    return folder


def by_hand(model, statistics, square):
    """Mean, crop and softmax in NumPy."""
    inputs = square - statistics.mean_image.astype(np.float32)
    crop = inputs[np.newaxis, 4:44, 4:44].astype(np.float32)
    powers = np.exp(np.asarray(model(crop, training=False), np.float64)[0])
    return powers / powers.sum()


def test_files_are_named_as_their_records_would_be(
    model, statistics, classifier, folder
):
    files = [folder / "a.JPEG", str(folder / "b.jpg")]

    found = classifier.classify(files, top=3)

    for file, guesses in zip(("a.JPEG", "b.jpg"), found, strict=True):
        contents = (folder / file).read_bytes()
        square = images.convert(contents, SIZE, 95)[1]
        expected = by_hand(model, statistics, square)
        # Pixels are a grey level apart here and there.
        assert guesses[0][2] == pytest.approx(expected.max(), abs=5e-3)
        assert len(guesses) == 3
        for label, name, probability in guesses:
            assert name == NAMES[label]
            assert probability == pytest.approx(expected[label], abs=5e-3)


def test_ten_crops_are_those_of_the_evaluation(classifier, folder):
    square = classifier.read(folder / "a.JPEG").numpy()

    (found,) = classifier.classify([folder / "a.JPEG"], top=6, crops=10)

    inputs = square - classifier.statistics.mean_image.astype(np.float32)
    crops = references.ten_crops(inputs, 40)
    logits = np.asarray(classifier.model(crops, training=False), np.float64)
    powers = np.exp(logits)
    expected = (powers / powers.sum(axis=1, keepdims=True)).mean(axis=0)
    for label, _, probability in found:
        assert probability == pytest.approx(expected[label], abs=1e-5)


def test_more_files_than_a_batch_are_answered_in_order(
    classifier, folder, monkeypatch
):
    files = classifiers.find_images([folder])
    alone = [classifier.classify([file])[0] for file in files]

    monkeypatch.setattr(classifiers, "_BATCH", 2)

    for one, other in zip(alone, classifier.classify(files), strict=True):
        assert [g[:2] for g in one] == [g[:2] for g in other]


def test_features_are_those_of_the_layer(model, classifier, folder):
    files = [folder / "a.JPEG", folder / "b.jpg"]

    found = classifier.features(files)

    assert found.shape == (2, 16)
    crops = classifier.crops(np.stack([classifier.read(f) for f in files]))
    expected = alexnet_tf.feature_extractor(model, "fc7")(crops)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_explain_is_gradcam_of_the_crop(model, classifier, folder):
    file = folder / "a.JPEG"

    found = classifier.explain(file, label=2, layer_name="conv1")

    crops = classifier.crops(classifier.read(file)[np.newaxis])
    expected = alexnet_tf.analysis.gradcam(model, crops, 2)[0]
    assert found.shape == (9, 9)
    np.testing.assert_array_equal(found, expected)


def test_the_orientation_tag_is_ignored(classifier, tmp_path):
    image = np.zeros((SIZE, 2 * SIZE, 3), np.uint8)
    image[:, SIZE // 2 : SIZE] = 200
    exif = Image.Exif()
    exif[0x0112] = 6
    contents = io.BytesIO()
    Image.fromarray(image).save(contents, "png", exif=exif)
    (tmp_path / "turned.png").write_bytes(contents.getvalue())

    square = classifier.read(tmp_path / "turned.png")

    middle = image[:, SIZE // 2 : SIZE // 2 + SIZE]
    np.testing.assert_array_equal(square, middle)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"class_names": NAMES[:5]}, "5 names, 6 classes"),
        ({"resample": "nearest"}, "resample must be one of"),
        ({"resize": "stretch"}, "resize must be one of"),
    ],
)
def test_parts_that_do_not_fit_are_refused(model, statistics, change, words):
    parts = {"model": model, "statistics": statistics, "class_names": NAMES}

    with pytest.raises(ValueError, match=words):
        alexnet_tf.Classifier(**{**parts, **change})


def test_a_mean_image_smaller_than_the_crop_is_refused(model):
    sums = Accumulator(39)
    sums.add(np.zeros((39, 39, 3), np.uint8))

    with pytest.raises(ValueError, match="39 and 40 pixels"):
        alexnet_tf.Classifier(model, sums.finish(), NAMES)


def test_a_file_that_is_no_image_is_named(classifier, folder):
    with pytest.raises(ValueError, match="notes.txt must be an image"):
        classifier.classify([folder / "a.JPEG", folder / "notes.txt"])
    with pytest.raises(FileNotFoundError, match="lost.jpg"):
        classifier.classify([folder / "lost.jpg"])


def test_folders_are_searched_for_images(folder, tmp_path):
    found = classifiers.find_images([folder, folder / "notes.txt"])

    names = [path.relative_to(folder).as_posix() for path in found]
    assert names == ["a.JPEG", "b.jpg", "more/c.jpeg", "notes.txt"]
    with pytest.raises(ValueError, match="must hold image files"):
        classifiers.find_images([tmp_path])
    with pytest.raises(FileNotFoundError, match="lost"):
        classifiers.find_images([tmp_path / "lost"])


def test_the_table_has_a_row_an_image(tmp_path):
    rows = [
        ("a.jpg", [("bird's nest, nest", 0.75), ("otter", 0.25)]),
        ("b.jpg", [("otter", 1.0), ("class 0", 0.0)]),
    ]

    predictions.write_table(tmp_path / "table.csv", rows)

    assert (tmp_path / "table.csv").read_text().splitlines() == [
        "file,class_1,probability_1,class_2,probability_2",
        'a.jpg,"bird\'s nest, nest",0.750000,otter,0.250000',
        "b.jpg,otter,1.000000,class 0,0.000000",
    ]


def test_the_protocol_says_how_images_come_to_the_network(model, statistics):
    classifier = alexnet_tf.Classifier(
        model,
        statistics,
        NAMES,
        mean="original",
        resample="area",
        resize="squash",
    )

    described = protocol.describe(classifier, 10)

    assert described["resize"] == "squashed to 48 x 48"
    assert described["resample"] == "area"
    assert described["mean"].startswith("centre of the mean image")
    assert described["crop_size"] == 40
    assert "mirrored" in described["views"]


def test_an_evaluation_has_errors_intervals_and_confusions(classifier):
    found = {
        "probabilities": np.eye(6, dtype=np.float32)[[0, 1, 2, 2]],
        "labels": np.array([0, 1, 2, 3]),
    }

    result = protocol.evaluate(classifier, found)

    assert result["top1_error"] == 0.25
    assert result["top1_interval"] == evaluation.interval(0.25, 4)
    assert result["confused"] == [
        {"label": "class 1", "guess": "class 0", "images": 1}
    ]
