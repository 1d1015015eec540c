"""Intervals and the paired test: by hand where small, by known theory where large."""

from __future__ import annotations

import numpy as np
import pytest

from eval.bootstrap import paired_randomisation, percentile_interval, randomisation


def test_interval_of_equal_values_is_a_point() -> None:
    """Without variance, and with a single question, the interval is the value itself."""
    assert percentile_interval(np.full((7, 1), 40.0), seed=1).tolist() == [[40.0, 40.0]]
    assert percentile_interval(np.array([[3.0]]), seed=1).tolist() == [[3.0, 3.0]]


def test_interval_is_near_the_normal_one_for_many_questions() -> None:
    """For 400 coin tosses the interval is mean ± 1.96 standard errors, within a tenth of its width."""
    values = (np.arange(400) % 2).astype(float)[:, None]
    half = 1.96 * 0.5 / np.sqrt(400)
    low, high = percentile_interval(values, seed=0)[0]
    assert low == pytest.approx(0.5 - half, abs=0.2 * half)
    assert high == pytest.approx(0.5 + half, abs=0.2 * half)


def test_interval_is_the_same_for_the_same_seed() -> None:
    """Same values and seed give the same digits, and a column does not depend on its neighbours."""
    values = np.random.default_rng(0).random((30, 3))
    together = percentile_interval(values, seed=5)
    assert np.array_equal(together, percentile_interval(values, seed=5))
    assert np.allclose(together[1], percentile_interval(values[:, 1:2], seed=5)[0])
    assert not np.array_equal(together, percentile_interval(values, seed=6))


def test_small_samples_are_enumerated() -> None:
    """Of the 8 sign patterns of (1, 1, 2), two reach |Σ| = 4; of (1, −1) all four reach |Σ| = 0."""
    assert paired_randomisation(np.array([1.0, 1.0, 2.0]), np.zeros(3), seed=0) == 2 / 8
    assert paired_randomisation(np.array([1.0, 0.0]), np.array([0.0, 1.0]), seed=0) == 1.0


def test_equal_retrievers_are_not_told_apart() -> None:
    """No difference on any question gives p = 1, enumerated or drawn."""
    for n in (3, 50):
        assert paired_randomisation(np.ones(n), np.ones(n), seed=0) == 1.0


def test_clear_difference_gives_the_smallest_p() -> None:
    """Better on each of 100 questions: no random pattern reaches it, so p = 1 / (1 + rounds)."""
    assert paired_randomisation(np.ones(100), np.zeros(100), seed=0, rounds=999) == 1 / 1000


def test_random_signs_agree_with_the_binomial_tail() -> None:
    """With differences of ±1 on 20 questions, 15 for one side, p is the two-sided binomial tail 0.0414."""
    a = np.array([1.0] * 15 + [0.0] * 5)
    assert paired_randomisation(a, 1.0 - a, seed=0) == pytest.approx(0.0414, abs=0.006)


def test_test_is_symmetric() -> None:
    """Which of two retrievers is named first does not change p."""
    rng = np.random.default_rng(0)
    a, b = rng.random(40), rng.random(40)
    assert paired_randomisation(a, b, seed=3) == paired_randomisation(b, a, seed=3)


def test_pairs_tested_together_give_what_each_gives_alone() -> None:
    """Sharing the tosses changes no p-value, for few questions and for many."""
    rng = np.random.default_rng(1)
    for n in (8, 60):
        a, b = rng.random((n, 3)), rng.random((n, 3))
        alone = [paired_randomisation(a[:, column], b[:, column], seed=4) for column in range(3)]
        assert randomisation(a - b, seed=4).tolist() == alone
