import itertools

import cv2
import numpy as np
import pytest
import simplejpeg

from input_pipeline import synthetic

LABELS = range(len(synthetic.CLASSES))


def render(label, seed=0, **kwargs):
    return synthetic.render(label, np.random.default_rng(seed), **kwargs)


@pytest.mark.parametrize("label", LABELS)
def test_every_class_renders_rgb_bytes(label):
    image = render(label)

    assert image.dtype == np.uint8
    assert image.ndim == 3
    assert image.shape[2] == 3
    assert image.std() > 10


def test_sizes_vary_within_their_bounds():
    shapes = {
        render(0, seed, shorter_side_pixels=(20, 60), max_aspect=2.0).shape[:2]
        for seed in range(30)
    }

    assert len({min(shape) for shape in shapes}) > 10
    assert len({max(shape) / min(shape) for shape in shapes}) > 10
    assert all(20 <= min(shape) <= 60 for shape in shapes)
    assert all(max(shape) <= 2 * min(shape) + 1 for shape in shapes)
    assert {height > width for height, width in shapes} == {True, False}


def test_same_generator_state_gives_the_same_image():
    np.testing.assert_array_equal(render(3, seed=7), render(3, seed=7))


def test_jpeg_does_not_depend_on_what_was_rendered_before():
    first = synthetic.render_jpeg(0, "train", 4, 2)
    synthetic.render_jpeg(0, "train", 1, 0)

    assert synthetic.render_jpeg(0, "train", 4, 2) == first


def test_every_part_of_the_key_changes_the_image():
    keys = itertools.product((0, 1), synthetic.SPLITS, (0, 5), (0, 1))

    jpegs = {synthetic.render_jpeg(*key) for key in keys}

    assert len(jpegs) == 16


def test_jpegs_decode_to_images_of_varying_size():
    sizes = {
        simplejpeg.decode_jpeg_header(
            synthetic.render_jpeg(0, "validation", 2, index)
        )[:2]
        for index in range(6)
    }

    assert len(sizes) > 3


def test_labels_are_the_sorted_order_of_the_synsets():
    synsets = [shown.synset for shown in synthetic.CLASSES]

    assert synsets == sorted(set(synsets))


@pytest.mark.parametrize(
    "attributes",
    [("shape", "texture"), ("shape", "colour"), ("texture", "colour")],
)
def test_no_two_attributes_identify_the_class(attributes):
    seen = {
        tuple(getattr(shown, name) for name in attributes)
        for shown in synthetic.CLASSES
    }

    assert len(seen) <= 6  # of ten classes: at least 40% stay in doubt
    assert len({shown.name for shown in synthetic.CLASSES}) == 10


@pytest.mark.parametrize("label", [-1, 10])
def test_unknown_label_is_refused(label):
    with pytest.raises(ValueError) as refusal:
        render(label)

    assert "label must be 0 to 9" in str(refusal.value)


def test_linear_classifier_on_pixels_errs_on_two_of_five():
    train, train_labels = thumbnails("train", 80)
    validation, labels = thumbnails("validation", 30)
    mean = train.mean(axis=0)

    scores = ridge_scores(train - mean, train_labels, validation - mean)

    assert np.mean(scores.argmax(axis=1) != labels) > 0.4


def thumbnails(split, per_class):
    """Returns images as rows of 16 x 16 pixels, and their labels."""
    labels = np.repeat(LABELS, per_class)
    rng = np.random.default_rng(synthetic.SPLITS.index(split))
    images = [
        synthetic.render(x, rng, shorter_side_pixels=(64, 64)) for x in labels
    ]
    small = [
        cv2.resize(image, (16, 16), interpolation=cv2.INTER_AREA).ravel()
        for image in images
    ]
    return np.array(small) / 255.0, labels


def ridge_scores(train, labels, images):
    """Returns `(images, classes)`, by linear regression on one-hot labels."""
    kernel = train @ train.T + 3.0 * np.eye(len(train))
    one_hot = np.eye(len(synthetic.CLASSES))[labels]
    return images @ train.T @ np.linalg.solve(kernel, one_hot)
