"""From records to batches."""

import dataclasses

import data_sets
import numpy as np
import pytest
import simplejpeg
from data_sets import train_batches

from input_pipeline import (
    augmentation,
    make_eval_dataset,
    make_train_dataset,
    record_index,
    transforms,
)
from input_pipeline.data_config import DataConfig
from input_pipeline.dataset_info import DatasetInfo
from input_pipeline.statistics import Statistics

CONFIG = DataConfig(batch_size=5, eval_batch_size=4, crop_size=40)
STILL = dataclasses.replace(
    CONFIG, random_crops=False, mirror=False, lighting="none"
)


def test_training_batches_have_the_promised_form(tiny_data_dir):
    ((images, labels),) = train_batches(tiny_data_dir, 1, CONFIG)

    assert images.shape == (5, 40, 40, 3)
    assert images.dtype == np.float32
    assert labels.shape == (5,)
    assert labels.dtype == np.int32


def test_a_run_can_begin_at_any_step(tiny_data_dir):
    undisturbed = train_batches(tiny_data_dir, 8, CONFIG)

    resumed = train_batches(tiny_data_dir, 3, CONFIG, first_step=5)

    for a, b in zip(undisturbed[5:], resumed, strict=True):
        np.testing.assert_array_equal(a[0], b[0])
        np.testing.assert_array_equal(a[1], b[1])


def test_every_image_comes_once_an_epoch(tiny_data_dir):
    config = dataclasses.replace(STILL, batch_size=12)

    first, second = train_batches(tiny_data_dir, 2, config)

    def as_set(images):
        return {image.tobytes() for image in images}

    assert len(as_set(first[0])) == 12
    assert as_set(first[0]) == as_set(second[0])
    assert first[0].tobytes() != second[0].tobytes()


def test_a_still_crop_is_the_centre_less_the_mean(tiny_data_dir):
    config = dataclasses.replace(STILL, batch_size=12)
    ((images, labels),) = train_batches(tiny_data_dir, 1, config)
    mean = Statistics.load(tiny_data_dir).mean_image

    # Number 4 is the second image of class 1 in three classes.
    jpeg = simplejpeg.encode_jpeg(
        data_sets.square("train", 1, 4, 48), quality=95
    )
    expected = (simplejpeg.decode_jpeg(jpeg) - mean)[4:44, 4:44]

    distances = np.abs(images - expected).max(axis=(1, 2, 3))
    assert distances.min() < 1e-3
    assert labels[distances.argmin()] == 1


def test_seeds_make_different_batches(tiny_data_dir):
    a, b = (
        train_batches(tiny_data_dir, 1, CONFIG, seed=s)[0][0] for s in (0, 1)
    )

    assert not np.array_equal(a, b)


def test_lighting_moves_every_pixel_alike(tiny_data_dir):
    lit = dataclasses.replace(STILL, lighting="stddev", batch_size=12)

    a = train_batches(tiny_data_dir, 1, lit)[0][0]
    b = train_batches(
        tiny_data_dir, 1, dataclasses.replace(STILL, batch_size=12)
    )

    shift = a - b[0][0]
    assert np.ptp(shift, axis=(1, 2)).max() < 1e-3
    assert np.abs(shift).max() > 1


@pytest.mark.parametrize("crops", [1, 10])
def test_evaluation_sees_every_image_once_in_order(tiny_data_dir, crops):
    config = dataclasses.replace(CONFIG, eval_batch_size=4 * crops)
    dataset = make_eval_dataset(
        tiny_data_dir, config, "validation", crops, file_names=True
    )

    shapes, labels, names = [], [], []
    for images, some_labels, some_names in dataset:
        shapes.append(tuple(images.shape))
        labels += some_labels.numpy().tolist()
        names += some_names.numpy().tolist()

    views = () if crops == 1 else (10,)
    assert shapes == [(4, *views, 40, 40, 3), (2, *views, 40, 40, 3)]
    # Two shards: even numbers, then odd ones. Three classes take turns.
    numbers = [0, 2, 4, 1, 3, 5]
    assert names == [f"validation-{n}.JPEG".encode() for n in numbers]
    assert labels == [n % 3 for n in numbers]


def test_ten_crops_are_those_of_the_whole_image(tiny_data_dir):
    config = dataclasses.replace(CONFIG, crop_size=48)
    (whole, _), *_ = make_eval_dataset(tiny_data_dir, config, "validation")
    (crops, _), *_ = make_eval_dataset(tiny_data_dir, CONFIG, "validation", 10)

    assert len(crops) == 1
    expected = transforms.ten_crops(whole, 40)[:1]
    np.testing.assert_allclose(crops, expected, atol=1e-4)


def test_the_original_subtracts_the_centre_of_the_mean(tiny_data_dir):
    mean = Statistics.load(tiny_data_dir).mean_image
    moving = dataclasses.replace(CONFIG, lighting="none")
    original = dataclasses.replace(moving, mean="original")
    ((ours, _),) = train_batches(tiny_data_dir, 1, moving)
    ((theirs, _),) = train_batches(tiny_data_dir, 1, original)

    numbers = augmentation.random_numbers(5, 9, 0, 0, 0.0)
    for i in range(5):
        top, left = numbers["offsets"][i].numpy()
        window = mean[top : top + 40, left : left + 40]
        if numbers["mirrored"][i]:
            window = window[:, ::-1]
        pixels = ours[i] + window
        np.testing.assert_allclose(
            theirs[i], pixels - mean[4:44, 4:44], atol=1e-3
        )


@pytest.mark.parametrize("crops", [1, 10])
def test_evaluation_follows_the_original_mean(tiny_data_dir, crops):
    mean = Statistics.load(tiny_data_dir).mean_image.astype(np.float32)
    original = dataclasses.replace(CONFIG, mean="original")
    whole = dataclasses.replace(CONFIG, crop_size=48)
    (paper, _), *_ = make_eval_dataset(tiny_data_dir, whole, "validation")
    (found, _), *_ = make_eval_dataset(
        tiny_data_dir, original, "validation", crops
    )

    pixels = paper[:1] + mean
    if crops == 1:
        expected = pixels[:, 4:44, 4:44]
    else:
        expected = transforms.ten_crops(pixels, 40)
    expected -= mean[4:44, 4:44]
    np.testing.assert_allclose(found[:1], expected, atol=1e-3)


def test_lighting_ends_in_the_middle_of_a_batch(tiny_data_dir):
    # Twelve images an epoch, batches of eight: a and a half batches.
    lit = dataclasses.replace(
        STILL, lighting="original", lighting_epochs=1.0, batch_size=8
    )
    dark = dataclasses.replace(STILL, batch_size=8)

    a = np.concatenate([b[0] for b in train_batches(tiny_data_dir, 3, lit)])
    b = np.concatenate([b[0] for b in train_batches(tiny_data_dir, 3, dark)])

    np.testing.assert_array_equal(a[12:], b[12:])
    # Divided by 1.1 while it lasts: an offset alone remains.
    offsets = (a * 1.1 - b)[:12]
    assert np.ptp(offsets, axis=(1, 2)).max() < 1e-3
    assert np.abs(offsets).max(axis=(1, 2, 3)).min() > 0.1


def test_literal_eigenvalues_shift_as_far_as_printed(tiny_data_dir):
    found = Statistics.load(tiny_data_dir)
    by_stddev = transforms.lighting_components(found)
    literal = transforms.lighting_components(found, "eigenvalue")

    np.testing.assert_allclose(
        np.linalg.norm(by_stddev, axis=0) ** 2,
        np.linalg.norm(literal, axis=0),
        rtol=1e-5,
    )
    np.testing.assert_allclose(
        np.linalg.norm(literal, axis=0), found.eigenvalues, rtol=1e-5
    )


def test_neighbours_share_a_crop_where_asked():
    alone = augmentation.random_numbers(10, 33, 0, 0, 0.1)
    shared = augmentation.random_numbers(10, 33, 0, 0, 0.1, same_crop_images=4)

    offsets = shared["offsets"].numpy()
    assert [len(set(map(tuple, offsets[i : i + 4]))) for i in (0, 4, 8)] == [
        1, 1, 1,
    ]  # fmt: skip
    assert len(set(map(tuple, offsets))) == 3
    assert len(set(map(tuple, alone["offsets"].numpy()))) > 3
    np.testing.assert_array_equal(alone["light"], shared["light"])


def test_a_million_records_begin_without_being_read(tiny_data_dir, monkeypatch):
    count, reads = 1_281_167, []
    info = DatasetInfo.load(tiny_data_dir)
    small = record_index.load_index(tiny_data_dir, info, "train")

    class Large(record_index.RecordIndex):
        """As many records as ILSVRC-2012, all of them the same few."""

        def read(self, position):
            reads.append(position)
            return super().read(position)

    places = np.arange(count) % len(small)
    large = Large(
        tiny_data_dir,
        small.paths,
        small.shard[places],
        small.offset[places],
        small.length[places],
    )
    monkeypatch.setattr(record_index, "load_index", lambda *arguments: large)
    iterator = iter(
        make_train_dataset(tiny_data_dir, CONFIG, 0, first_step=200_000)
    )
    images, _ = next(iterator)

    assert images.shape[0] == 5
    # Those of the first batches, and no others.
    assert len(reads) < 500
    held = large.shard.nbytes + large.offset.nbytes + large.length.nbytes
    assert held == 16 * count


def test_damaged_record_is_named(tmp_path):
    info = data_sets.make_records(tmp_path / "data")
    shard = tmp_path / "data" / info.splits["train"].shards[1].file
    contents = bytearray(shard.read_bytes())
    contents[len(contents) // 2] ^= 1
    shard.write_bytes(contents)

    with pytest.raises(Exception, match=r"Record \d+ of .*train.*00001-of"):
        train_batches(tmp_path / "data", 4, CONFIG)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"crop_size": 49}, "at most the size of the records"),
    ],
)
def test_refuses_settings_that_do_not_fit(tiny_data_dir, change, words):
    config = dataclasses.replace(CONFIG, **change)
    with pytest.raises(ValueError, match=words):
        make_train_dataset(tiny_data_dir, config, seed=0)


def test_refuses_a_split_without_records(tiny_data_dir):
    with pytest.raises(ValueError, match="must hold a test split"):
        make_eval_dataset(tiny_data_dir, CONFIG, "test")
    with pytest.raises(ValueError, match="crops must be 1 or 10"):
        make_eval_dataset(tiny_data_dir, CONFIG, "validation", crops=5)


def test_refuses_images_of_their_own_sizes(tmp_path):
    info = data_sets.make_records(tmp_path)
    info.image_size = 0
    info.save(tmp_path)

    assert DatasetInfo.load(tmp_path).image_size == 0
    with pytest.raises(ValueError, match="must all be of one size"):
        make_train_dataset(tmp_path, CONFIG, seed=0)
