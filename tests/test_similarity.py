"""RDMs, Spearman's correlation and linear CKA against closed forms."""

import numpy as np
import pytest

from alexnet_tf.analysis import similarity


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(similarity, "_BLOCK_FEATURES", 7)


def _waves(phases, samples=24):
    """Returns a wave for each phase: two correlate by their cosine."""
    turns = 2 * np.pi * np.arange(samples) / samples
    return 5 + np.cos(turns + np.asarray(phases)[:, np.newaxis])


def test_rdm_of_waves_is_one_less_the_cosine():
    phases = np.array([0.0, 0.3, 1.0, 2.0, np.pi])
    rows = _waves(phases).reshape(5, 2, 3, 4).astype(np.float32)

    found = similarity.rdm(rows)

    expected = 1 - np.cos(phases[:, np.newaxis] - phases)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_array_equal(np.diag(found), 0)


def test_rdm_is_that_of_numpy_far_from_zero(tmp_path):
    rows = 1e4 + np.random.default_rng(0).normal(size=(6, 40))
    np.save(tmp_path / "rows.npy", rows)
    mapped = np.load(tmp_path / "rows.npy", mmap_mode="r")

    np.testing.assert_allclose(
        similarity.rdm(mapped), 1 - np.corrcoef(rows), atol=1e-9
    )


def _rdm(values):
    """Returns a symmetric matrix with these values above its diagonal."""
    size = int((1 + np.sqrt(1 + 8 * len(values))) / 2)
    matrix = np.zeros((size, size))
    matrix[np.triu_indices(size, 1)] = values
    return matrix + matrix.T


def test_rdms_are_compared_by_spearmans_formula():
    first = np.random.default_rng(0).permutation(10).astype(float)
    second = np.random.default_rng(1).permutation(10).astype(float)

    found = similarity.compare_rdms(_rdm(first), _rdm(np.exp(second)))

    # Without ties: 1 - 6 sum d^2 / (m (m^2 - 1)), of the ranks.
    expected = 1 - 6 * np.sum((first - second) ** 2) / (10 * 99)
    assert found == pytest.approx(expected)
    assert similarity.compare_rdms(_rdm(first), _rdm(-first)) == -1


def test_equal_dissimilarities_share_their_ranks():
    # Ranks 1.5 1.5 3 and 1 2.5 2.5, less their mean of 2.
    found = similarity.compare_rdms(_rdm([1, 1, 2]), _rdm([1, 2, 2]))

    assert found == pytest.approx(0.75 / 1.5)


def test_cka_is_one_for_rotated_and_scaled_activations():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(12, 20))
    rotation, _ = np.linalg.qr(rng.normal(size=(20, 20)))

    for other in (rows, 3 * rows + 7, rows @ rotation):
        assert similarity.linear_cka(rows, other) == pytest.approx(1)


def test_cka_of_axes_is_the_papers_formula():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(9, 4)), rng.normal(size=(9, 2, 8))

    found = similarity.linear_cka(x, y)

    x, y = x - x.mean(0), (y - y.mean(0)).reshape(9, -1)
    expected = np.linalg.norm(y.T @ x) ** 2 / (
        np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y)
    )
    assert found == pytest.approx(expected)
    # Of features that go apart, each orthogonal to all others: 0.
    axes = np.linalg.qr(np.column_stack([np.ones(9), rng.normal(size=(9, 5))]))
    basis = axes[0][:, 1:]
    apart = similarity.linear_cka(basis[:, :2], basis[:, 2:])
    assert apart == pytest.approx(0, abs=1e-12)
    # Two of four equal axes in common: 2 / (sqrt(3) sqrt(3)).
    shared = similarity.linear_cka(basis[:, :3], basis[:, 1:4])
    assert shared == pytest.approx(2 / 3)


def test_what_has_no_similarity_is_refused():
    with pytest.raises(ValueError, match="equal ones of images"):
        similarity.rdm(np.vstack([np.full(5, 0.1), np.arange(5)]))
    with pytest.raises(ValueError, match="two images and two features"):
        similarity.rdm(np.ones((1, 5)))
    with pytest.raises(ValueError, match="of 3 images or more"):
        similarity.compare_rdms(np.zeros((2, 2)), np.zeros((2, 2)))
    with pytest.raises(ValueError, match="must differ between pairs"):
        similarity.compare_rdms(_rdm([1, 1, 1]), _rdm([1, 2, 3]))
    with pytest.raises(ValueError, match="of the same images"):
        similarity.linear_cka(np.eye(3), np.eye(4))
    with pytest.raises(ValueError, match="must differ between images"):
        similarity.linear_cka(np.ones((3, 4)), np.ones((3, 4)))
