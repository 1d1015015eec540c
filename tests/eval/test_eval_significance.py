"""Comparisons of several retrievers: Holm's correction by hand, and which pairs are one family."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from eval.significance import compare, holm


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
