"""Metrics as visible arithmetic, and their dull corners: ids that repeat or hold anything, ties, empty rankings."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.metrics import FINEST_LEVEL, depth_needed, score_rankings, whole_levels
from hippomem.errors import ConfigError

RANKED = ["a", "b", "c", "d", "e"]
GOLD = {"b": 1.0, "e": 1.0, "x": 1.0}


def score(ranked: Sequence[str], relevance: Mapping[str, float], ks: Sequence[int] = (1, 2, 5)) -> dict[str, float]:
    """The metrics of one question."""
    return {name: float(values[0]) for name, values in score_rankings([ranked], [relevance], ks).items()}


@pytest.mark.parametrize(("k", "expected"), [(1, 0 / 3), (2, 1 / 3), (4, 1 / 3), (5, 2 / 3), (100, 2 / 3)])
def test_recall_is_the_share_of_gold_in_the_top_k(k: int, expected: float) -> None:
    """Recall divides by all gold passages, also when fewer are asked for or ranked."""
    assert score(RANKED, GOLD, [k])[f"recall@{k}"] == pytest.approx(expected)


def test_all_recall_wants_every_gold_passage() -> None:
    """All-recall is 1 only once the last gold passage is among the top k."""
    scores = score(RANKED, {"b": 1.0, "d": 1.0}, range(1, 6))
    assert [scores[f"all_recall@{k}"] for k in (1, 2, 3, 4, 5)] == [0.0, 0.0, 0.0, 1.0, 1.0]


@pytest.mark.parametrize("gold", [3, 7, 11, 13])
def test_all_recall_is_exact_for_every_number_of_gold(gold: int) -> None:
    """n passages found of n are all of them, whatever n / n and its parts round to."""
    ids = [f"p{number}" for number in range(gold)]
    assert score(ids, dict.fromkeys(ids, 1.0), [gold - 1, gold])[f"all_recall@{gold}"] == 1.0
    assert score(ids, dict.fromkeys(ids, 1.0), [gold - 1, gold])[f"all_recall@{gold - 1}"] == 0.0


def test_reciprocal_rank_counts_from_one() -> None:
    """The first gold passage at rank 2 gives one half; none gives zero."""
    assert score(RANKED, GOLD)["mrr"] == 1 / 2
    assert score(RANKED, {"x": 1.0})["mrr"] == 0.0


def test_ndcg_discounts_by_log_rank() -> None:
    """Gold at ranks 2 and 5 of three gold passages, against the ideal at ranks 1, 2 and 3."""
    gained = 1 / math.log2(2 + 1) + 1 / math.log2(5 + 1)
    ideal = 1 / math.log2(1 + 1) + 1 / math.log2(2 + 1) + 1 / math.log2(3 + 1)
    assert score(RANKED, GOLD)["ndcg@10"] == pytest.approx(gained / ideal)


def test_ndcg_gains_are_linear_in_relevance() -> None:
    """A passage of relevance 3 gains three times as much as one of relevance 1, and the ideal puts it first."""
    gained = 1 / math.log2(1 + 1) + 3 / math.log2(2 + 1)
    ideal = 3 / math.log2(1 + 1) + 1 / math.log2(2 + 1)
    assert score(["a", "b"], {"a": 1.0, "b": 3.0})["ndcg@10"] == pytest.approx(gained / ideal)


@pytest.mark.parametrize("unit", [0.25, 1.0, 1e-6, 1e9])
def test_the_unit_of_relevance_is_no_matter(unit: float) -> None:
    """Fractions and huge judgements are gold like any other, and nDCG sees their proportion only."""
    scores = score(["a", "b"], {"a": 1.0 * unit, "b": 3.0 * unit})
    whole = score(["a", "b"], {"a": 1.0, "b": 3.0})
    assert scores == pytest.approx(whole, abs=1e-4)
    assert max(whole_levels({"a": 1.0 * unit, "b": 3.0 * unit}).values()) <= FINEST_LEVEL


def test_empty_ranking_scores_zero() -> None:
    """No match is worth nothing and is no error, beside a question that has matches."""
    scores = score_rankings([[], RANKED], [GOLD, GOLD], [1, 20])
    assert {float(values[0]) for values in scores.values()} == {0.0}
    assert scores["mrr"][1] == 1 / 2


def test_ids_may_be_any_text() -> None:
    """Spaces, tabs, other scripts, half surrogates and ids that share a beginning are told apart."""
    ids = ["a b", "a", "a\tb", "北京", "", "\ud800", "a\x00b", "a\x00c"]
    for place, gold in enumerate(ids, start=1):
        assert score(ids, {gold: 1.0})["mrr"] == 1 / place


def test_order_is_that_of_the_ranking() -> None:
    """What ids are, and how they sort, decides nothing: each order of three passages gives its own rank."""
    for ranked in (["a", "b", "c"], ["c", "b", "a"], ["b", "c", "a"]):
        assert score(ranked, {"a": 1.0})["mrr"] == 1 / (ranked.index("a") + 1)


def test_questions_stay_apart_whatever_they_are_called() -> None:
    """Rankings are scored by their place, so that equal passage ids in two corpora do not meet."""
    scores = score_rankings([["a", "b"], ["b", "a"]], [{"a": 1.0}, {"a": 1.0}], [1])
    assert scores["recall@1"].tolist() == [1.0, 0.0]


def test_compared_metrics_are_always_there() -> None:
    """Whatever cut-offs are asked for, those that retrievers are compared at are scored, at a depth that suffices."""
    assert list(score(RANKED, GOLD, [3])) == [
        *(f"{metric}@{k}" for k in (2, 3, 5) for metric in ("recall", "all_recall")),
        "mrr",
        "ndcg@10",
    ]
    assert (depth_needed([1]), depth_needed([50, 1])) == (10, 50)


def test_missing_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra the error is ours, and names the command that brings it."""
    monkeypatch.setitem(sys.modules, "ir_measures", None)
    with pytest.raises(ConfigError, match=r'needs ir_measures, not installed here; run: pip install -e "\.\[eval\]"'):
        score(RANKED, GOLD)


ids = st.lists(st.sampled_from([f"p{n}" for n in range(15)]), unique=True, max_size=15)
judgements = st.dictionaries(st.sampled_from([f"p{n}" for n in range(15)]), st.sampled_from([1.0, 2.0]), min_size=1)


@given(ranked=ids, relevance=judgements)
def test_metrics_are_their_definitions(ranked: list[str], relevance: dict[str, float]) -> None:
    """Recall is a share, all-recall is containment, the reciprocal rank is of the first gold, and nDCG is in [0, 1]."""
    scores = score(ranked, relevance, [1, 2, 5, 10])
    for k in (1, 2, 5, 10):
        found = set(ranked[:k]) & set(relevance)
        assert scores[f"recall@{k}"] == pytest.approx(len(found) / len(relevance))
        assert scores[f"all_recall@{k}"] == float(found == set(relevance))
    places = [place for place, passage_id in enumerate(ranked, start=1) if passage_id in relevance]
    assert scores["mrr"] == pytest.approx(1 / places[0] if places else 0.0)
    assert 0.0 <= scores["ndcg@10"] <= 1.0 + 1e-12


@given(relevance=judgements)
def test_ideal_ranking_has_ndcg_one(relevance: dict[str, float]) -> None:
    """Passages in the order of their relevance cannot be ranked better."""
    assert score(sorted(relevance, key=lambda p: -relevance[p]), relevance)["ndcg@10"] == pytest.approx(1.0)
