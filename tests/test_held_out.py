"""Images that are held out of the training split, and join later."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from input_pipeline import held_out, make_eval_dataset, pipeline
from input_pipeline.data_config import DataConfig
from input_pipeline.shuffle import JoiningOrder, ShuffledOrder


def make_config(**fields):
    fields = {"held_out_fraction": 0.2, "batch_size": 4, **fields}
    return DataConfig(crop_size=48, lighting="none", **fields)


def make_order(num_records, config, seed=0):
    return JoiningOrder(
        num_records,
        config.batch_size,
        seed,
        held_out.positions(num_records, config.held_out_fraction, 0),
        held_out.Epochs(num_records, config),
    )


def test_a_fifth_is_a_fifth_whatever_the_run():
    positions = held_out.positions(50_000, 0.2, seed=0)

    assert len(np.unique(positions)) == 10_000
    assert positions.min() >= 0
    assert positions.max() < 50_000
    np.testing.assert_array_equal(
        positions, held_out.positions(50_000, 0.2, seed=0)
    )
    assert not np.array_equal(
        positions, held_out.positions(50_000, 0.2, seed=1)
    )
    # A fifth of every stretch of 1,000: five standard deviations are 63.
    assert np.abs(np.bincount(positions // 1000) - 200).max() < 64


def test_steps_of_the_13_percent_recipe():
    config = make_config(batch_size=128, held_out_join_epochs=100.0)
    epochs = held_out.Epochs(50_000, config)

    # 100 epochs of 312.5 steps, then 60 of 390.625.
    assert epochs.join_step == 31_250
    assert epochs.steps(100) == 31_250
    assert epochs.steps(140) == 31_250 + 40 * 390.625
    assert epochs.steps(160) == 54_687.5
    assert epochs.epochs(31_250) == 100
    assert epochs.epochs(46_875) == 140


def test_without_held_out_images_epochs_are_whole_passes():
    epochs = held_out.Epochs(1_281_167, DataConfig())

    assert epochs.join_step is None
    assert epochs.steps(90) == pytest.approx(90 * 1_281_167 / 128)


@settings(max_examples=40, deadline=None)
@given(
    num_records=st.integers(30, 60),
    batch_size=st.integers(1, 20),
    join=st.sampled_from([0.0, 1.0, 2.5]),
    seed=st.integers(0, 2**63),
)
def test_held_out_records_stay_away_until_they_join(
    num_records, batch_size, join, seed
):
    config = make_config(batch_size=batch_size, held_out_join_epochs=join)
    kept_back = held_out.positions(num_records, 0.2, 0)
    epochs = held_out.Epochs(num_records, config)
    order = make_order(num_records, config, seed)
    steps = 6 * num_records // batch_size + 1

    batches = [order.positions(step) for step in range(steps)]

    before = np.concatenate(batches[: epochs.join_step])
    assert not np.isin(before, kept_back).any()
    count = epochs.first_records
    for epoch in range(len(before) // count):
        whole = before[epoch * count : (epoch + 1) * count]
        assert len(np.unique(whole)) == count
    if join:
        after = np.concatenate(batches[epochs.join_step :])[:num_records]
        np.testing.assert_array_equal(np.sort(after), np.arange(num_records))


def test_a_run_can_begin_before_and_after_they_join():
    config = make_config(held_out_join_epochs=2.0)
    through = make_order(20, config, seed=3)
    expected = [through.positions(step) for step in range(16)]

    for step in (15, 0, 7, 8):
        fresh = make_order(20, config, seed=3)
        np.testing.assert_array_equal(fresh.positions(step), expected[step])


def test_epochs_after_the_join_have_orders_of_their_own():
    config = make_config(held_out_join_epochs=2.0)
    joined = make_order(20, config, seed=3)
    plain = ShuffledOrder(20, 4, seed=3)

    assert not np.array_equal(joined.positions(8), plain.positions(0))
    np.testing.assert_array_equal(joined.positions(8), plain.positions(10))


@pytest.mark.parametrize("cache", ["", "memory"])
def test_training_and_held_out_split_share_no_image(tiny_data_dir, cache):
    config = make_config(cache=cache, held_out_fraction=0.25, mirror=False)
    dataset = pipeline.make_train_dataset(tiny_data_dir, config, seed=0)
    # Nine of twelve records: nine batches of four are four epochs.
    trained = np.concatenate([x.numpy() for x, _ in dataset.take(9)])
    found = make_eval_dataset(
        tiny_data_dir, config, "held_out", file_names=True
    )
    held = np.concatenate([x.numpy() for x, _, _ in found])
    names = np.concatenate([n.numpy() for _, _, n in found])

    kinds = {image.tobytes() for image in trained}
    assert len(kinds) == 9
    assert len(names) == 3
    assert all(name.startswith(b"train-") for name in names)
    assert not kinds & {image.tobytes() for image in held}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"held_out_fraction": 1.0}, "held_out_fraction must be at least 0"),
        (
            {"held_out_fraction": 0.0, "held_out_join_epochs": 3.0},
            "needs images to join",
        ),
        ({"on_error": "skip"}, "neither data.service nor"),
        ({"service": "grpc://a:1"}, "neither data.service nor"),
    ],
)
def test_refuses_what_cannot_be_held_out(fields, words):
    with pytest.raises(ValueError, match=words):
        make_config(**fields).validate()
