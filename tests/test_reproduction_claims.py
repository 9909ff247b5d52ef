"""The paper's claims beside what was measured, with honest intervals."""

import numpy as np
import pytest
from scipy import stats

from alexnet_tf.reproduction import claims, intervals
from configs import reproduce

ROWS = {row.name: row for row in reproduce.ROWS}
IMAGES = 400


def make_result(row, seed, wrong, **fields):
    found = {
        "crops": 10,
        "num_images": len(wrong),
        "images": "abc",
        "wrong": intervals.pack(wrong),
    }
    name = f"{row}-seed{seed}"
    return {
        "name": name,
        "row": row,
        "seed": seed,
        "diverged": False,
        "epochs": 60.0,
        "curve": [],
        "evaluations": [found],
        **fields,
    }


def by_name(*results):
    return {result["name"]: result for result in results}


def draw(error, seed):
    return np.random.default_rng(seed).random(IMAGES) < error


def test_every_row_that_a_claim_names_is_in_the_table():
    for claim in claims.CLAIMS:
        row = ROWS[claim.row]
        assert claim.line or claim.crops in row.crops
        if claim.against:
            other = ROWS[claim.against]
            assert other.averages == row.name or row.seeds == other.seeds
            assert row.data == ROWS[claim.against].data


def test_packed_images_come_back():
    wrong = draw(0.3, 0)

    text = intervals.pack(wrong)

    assert intervals.unpack(text, IMAGES).tolist() == wrong.tolist()


def test_of_one_seed_the_interval_is_that_of_a_mean_of_images():
    wrong = draw(0.3, 1)

    value, low, high = intervals.mean([wrong])

    half = stats.t.ppf(0.975, IMAGES - 1) * stats.sem(wrong)
    assert (value, high - value) == pytest.approx((wrong.mean(), half))
    assert value - low == pytest.approx(half)


def test_of_seeds_that_differ_alone_the_interval_is_students():
    values = np.repeat([[0.0], [1.0], [1.0]], IMAGES, axis=1)

    value, low, high = intervals.mean(values)

    expected = stats.t.interval(0.95, 2, 2 / 3, stats.sem([0, 1, 1]))
    assert (low, high) == pytest.approx(expected)
    assert value == pytest.approx(2 / 3)


def test_the_interval_covers_the_truth():
    """Seeds and images drawn anew, 300 times: 95% is not missed by much."""
    rng = np.random.default_rng(3)
    covered = 0
    for _ in range(300):
        hard = rng.normal(0.0, 1.0, IMAGES)
        lucky = rng.normal(0.0, 0.1, (4, 1))
        noise = rng.normal(0.0, 0.5, (4, IMAGES))
        _, low, high = intervals.mean(hard + lucky + noise)
        covered += low <= 0.0 <= high
    assert 0.92 <= covered / 300 <= 1.0


CIFAR, PAIR = claims.CLAIMS[0], claims.CLAIMS[4]
FIGURE_1 = next(claim for claim in claims.CLAIMS if claim.line)


@pytest.mark.parametrize(
    ("error", "verdict"),
    [(0.13, "agrees"), (0.3, "does not agree"), (0.02, "does not agree")],
)
def test_an_error_is_held_to_the_papers_whole_percent(error, verdict):
    results = by_name(
        *(make_result("cifar13", s, draw(error, s)) for s in range(3))
    )

    found = claims.judge(CIFAR, results)

    assert found.verdict == verdict
    assert found.low < found.value < found.high
    assert len(found.results) == 3


def test_a_claim_without_runs_has_no_finding():
    assert claims.judge(CIFAR, {}) is None
    alone = by_name(make_result(PAIR.row, 0, draw(0.5, 0)))
    assert claims.judge(PAIR, alone) is None


@pytest.mark.parametrize(
    ("ours", "other", "verdict"),
    [
        (0.5, 0.4, "agrees"),
        (0.4, 0.5, "does not agree"),
        (0.4, 0.4, "cannot be told at this scale"),
    ],
)
def test_pairs_are_compared_image_by_image(ours, other, verdict):
    """The same luck of the same image: only the difference remains."""
    results = by_name(
        *(make_result(PAIR.row, s, draw(ours, s)) for s in range(5)),
        *(make_result(PAIR.against, s, draw(other, s)) for s in range(6)),
    )

    found = claims.judge(PAIR, results)

    assert found.verdict == verdict
    assert found.value == pytest.approx(ours - other, abs=0.05)
    assert len(found.results) == 10


def test_an_average_of_all_seeds_is_held_against_each_of_them():
    claim = next(c for c in claims.CLAIMS if c.against == "tiny_five")
    results = by_name(
        *(make_result("tiny_base", s, draw(0.5, s)) for s in range(5)),
        make_result("tiny_five", 0, draw(0.4, 9), averages=["tiny_base"]),
    )

    found = claims.judge(claim, results)

    assert found.value == pytest.approx(0.1, abs=0.05)
    assert len(found.results) == 10


def test_pairs_of_different_images_are_refused():
    other = make_result(PAIR.against, 0, draw(0.4, 0))
    other["evaluations"][0]["images"] = "def"

    with pytest.raises(ValueError, match="evaluated on the same images"):
        claims.judge(
            PAIR, by_name(make_result(PAIR.row, 0, draw(0.5, 0)), other)
        )


def test_a_seed_that_diverged_is_told_and_not_left_out():
    results = by_name(
        make_result("cifar13", 0, draw(0.13, 0)),
        make_result("cifar13", 1, draw(0.13, 1), diverged=True, evaluations=[]),
    )

    found = claims.judge(CIFAR, results)

    assert found.verdict == "cifar13-seed1 diverged"
    assert np.isnan(found.value)


@pytest.mark.parametrize(
    ("late", "verdict"),
    [
        ((34, 36, 39), "agrees"),
        ((18, 18.5, 19), "agrees in direction, not in size"),
        ((3, 3.1, 3.2), "does not agree"),
        ((4, 6, 9), "cannot be told"),
        ((36,), "cannot be told: one seed"),
    ],
)
def test_figure_1_is_a_ratio_of_epochs(late, verdict):
    def curve(epochs):
        return {"curve": [[1.0, 0.6], [epochs, 0.25], [epochs + 9, 0.2]]}

    results = by_name(
        *(
            make_result("figure1_tanh", s, draw(0.5, s), **curve(epochs))
            for s, epochs in enumerate(late)
        ),
        *(
            make_result("figure1_relu", s, draw(0.5, s), **curve(6.0))
            for s in range(3)
        ),
    )

    found = claims.judge(FIGURE_1, results)

    assert found.verdict == verdict
    assert found.value == pytest.approx(np.exp(np.mean(np.log(late))) / 6)
