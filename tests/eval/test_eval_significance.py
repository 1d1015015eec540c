"""Comparisons of several retrievers: Holm's correction by hand, and which pairs are one family."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from eval.significance import COMPARED as METRICS
from eval.significance import compare, compare_means, holm


def test_holm_by_hand() -> None:
    """Three p-values: the smallest times 3, the next times 2 and the last as it is, none below the one before."""
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=8))
def test_holm_corrects_upwards_and_keeps_the_order(p_values: list[float]) -> None:
    """A corrected p-value is never below the plain one, at most m times it, and ranks as it did."""
    corrected = holm(p_values)
    for plain, more in zip(p_values, corrected, strict=True):
        assert plain <= more <= min(1.0, len(p_values) * max(p_values)) or more == 1.0
    by_plain = [more for _, more in sorted(zip(p_values, corrected, strict=True))]
    assert by_plain == sorted(corrected)


def test_pairs_against_one_retriever_are_corrected_together() -> None:
    """With three retrievers, two pairs are held against the first and share a correction; the last pair stands alone."""

    def scores(recall: list[float]) -> dict[str, NDArray[np.float64]]:
        return {name: np.array(recall) for name in ("recall@5", "recall@2", "all_recall@5")}

    rows = compare({"a": scores([0.0] * 4), "b": scores([100.0] * 4), "c": scores([0.0, 0.0, 0.0, 100.0])}, seed=0)
    assert [row["metric"] for row in rows] == ["recall@5"] * 3 + ["recall@2"] * 3 + ["all_recall@5"] * 3
    assert [(row["a"], row["b"]) for row in rows[:3]] == [("a", "b"), ("a", "c"), ("b", "c")]
    # b is better on 4 of 4 questions: 2 of 16 sign patterns; c differs on one question: every pattern reaches it.
    assert [row["p"] for row in rows[:3]] == [2 / 16, 1.0, 2 / 8]
    assert [row["p_holm"] for row in rows[:3]] == [2 * 2 / 16, 1.0, 2 / 8]
    assert [row["difference"] for row in rows[:3]] == [100.0, 25.0, -75.0]
    assert rows[0]["ci95"] == [100.0, 100.0]


def test_one_retriever_is_compared_with_nothing() -> None:
    """A run of a single retriever has no comparisons."""
    assert compare({"a": {"recall@5": np.ones(3)}}, seed=0) == []


def test_held_against_one() -> None:
    """Only pairs with that one, in the order of the others, wherever it stands; Holm counts these pairs."""
    scores = {name: {m: np.array([10.0 * n, 0.0]) for m in METRICS} for n, name in enumerate("xyz")}
    rows = compare(scores, seed=0, against="y")
    assert [(row["a"], row["b"]) for row in rows[:2]] == [("y", "x"), ("y", "z")]
    assert len(rows) == 2 * len(METRICS)
    assert [row["difference"] for row in rows[:2]] == [-5.0, 5.0]


@pytest.mark.parametrize(
    ("second", "difference", "p"),
    [
        ([0.0, 0.0], 50.0, 1.0),  # |±50 ± 0 ± 0| is never less than 50
        ([100.0, 100.0], 100.0, 2 / 8),  # |±50 ± 25 ± 25| = 100 for +++ and --- of 8
        ([100.0, -100.0], 50.0, 6 / 8),  # |±50 ± 25 ± 25| >= 50 but for +-- and -++
    ],
)
def test_means_over_sets_by_hand(second: list[float], difference: float, p: float) -> None:
    """A set of one question and one of two count the same: the one question weighs as much as the two together."""

    def table(values: list[float]) -> dict[str, dict[str, NDArray[np.float64]]]:
        ours = np.array(values)
        return {"a": {m: np.zeros(len(ours)) for m in METRICS}, "b": dict.fromkeys(METRICS, ours)}

    first, *_ = compare_means([table([100.0]), table(second)], seed=0)
    assert (first["metric"], first["difference"], first["p"]) == ("recall@5", difference, p)
    assert first["ci95"][0] <= difference <= first["ci95"][1]


def test_the_mean_over_one_set_is_that_set() -> None:
    """Differences and p-values are those of `compare`."""
    rng = np.random.default_rng(0)
    scores = {name: {m: rng.random(40) for m in METRICS} for name in "ab"}
    ours, theirs = compare_means([scores], seed=0), compare(scores, seed=0)
    assert [(row["difference"], row["p"]) for row in ours] == [(row["difference"], row["p"]) for row in theirs]
