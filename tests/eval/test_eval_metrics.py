"""Metrics as visible arithmetic, their dull corners, and agreement with trec_eval."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.metrics import all_recall, depth_needed, ndcg, recall, reciprocal_rank, score_question

RANKED = ["a", "b", "c", "d", "e"]
GOLD = {"b": 1.0, "e": 1.0, "x": 1.0}


@pytest.mark.parametrize(("k", "expected"), [(1, 0 / 3), (2, 1 / 3), (4, 1 / 3), (5, 2 / 3), (100, 2 / 3)])
def test_recall_is_the_share_of_gold_in_the_top_k(k: int, expected: float) -> None:
    """Recall divides by all gold passages, also when fewer are asked for or ranked."""
    assert recall(RANKED, GOLD, k) == expected


def test_all_recall_wants_every_gold_passage() -> None:
    """All-recall is 1 only once the last gold passage is among the top k."""
    assert [all_recall(RANKED, {"b", "d"}, k) for k in (1, 2, 3, 4, 5)] == [0.0, 0.0, 0.0, 1.0, 1.0]


def test_reciprocal_rank_counts_from_one() -> None:
    """The first gold passage at rank 2 gives one half; none gives zero."""
    assert reciprocal_rank(RANKED, GOLD) == 1 / 2
    assert reciprocal_rank(RANKED, {"x"}) == 0.0


def test_ndcg_discounts_by_log_rank() -> None:
    """Gold at ranks 2 and 5 of three gold passages, against the ideal at ranks 1, 2 and 3."""
    gained = 1 / math.log2(2 + 1) + 1 / math.log2(5 + 1)
    ideal = 1 / math.log2(1 + 1) + 1 / math.log2(2 + 1) + 1 / math.log2(3 + 1)
    assert ndcg(RANKED, GOLD, 10) == pytest.approx(gained / ideal)


def test_ndcg_gains_are_linear_in_relevance() -> None:
    """A passage of relevance 3 gains three times as much as one of relevance 1, and the ideal puts it first."""
    gained = 1 / math.log2(1 + 1) + 3 / math.log2(2 + 1)
    ideal = 3 / math.log2(1 + 1) + 1 / math.log2(2 + 1)
    assert ndcg(["a", "b"], {"a": 1.0, "b": 3.0}, 10) == pytest.approx(gained / ideal)


def test_empty_ranking_scores_zero() -> None:
    """No match is worth nothing, and is no error."""
    assert set(score_question([], GOLD, [1, 20]).values()) == {0.0}


def test_recall_at_five_is_always_there() -> None:
    """Whatever cut-offs are asked for, recall@5, all_recall@5, mrr and ndcg@10 are scored, at a depth that suffices."""
    expected = ["all_recall@3", "all_recall@5", "mrr", "ndcg@10", "recall@3", "recall@5"]
    assert sorted(score_question(RANKED, GOLD, [3])) == expected
    assert (depth_needed([1]), depth_needed([50, 1])) == (10, 50)


ids = st.lists(st.sampled_from([f"p{n}" for n in range(15)]), unique=True, max_size=15)
judgements = st.dictionaries(st.sampled_from([f"p{n}" for n in range(15)]), st.sampled_from([1.0, 2.0]), min_size=1)


@given(ranked=ids, relevance=judgements)
def test_metrics_stay_in_bounds_and_grow_with_k(ranked: list[str], relevance: dict[str, float]) -> None:
    """Every metric is in [0, 1], recall never falls with k, and all-recall never exceeds recall."""
    scores = score_question(ranked, relevance, [1, 2, 5, 10])
    assert all(0.0 <= value <= 1.0 + 1e-12 for value in scores.values())
    recalls = [scores[f"recall@{k}"] for k in (1, 2, 5, 10)]
    assert recalls == sorted(recalls)
    assert all(scores[f"all_recall@{k}"] <= scores[f"recall@{k}"] for k in (1, 2, 5, 10))


@given(relevance=judgements)
def test_ideal_ranking_has_ndcg_one(relevance: dict[str, float]) -> None:
    """Passages in the order of their relevance cannot be ranked better."""
    assert ndcg(sorted(relevance, key=lambda p: -relevance[p]), relevance, 10) == pytest.approx(1.0)


def test_metrics_equal_trec_eval() -> None:
    """Ours equals ir_measures (trec_eval) on random rankings and judgements."""
    ir_measures = pytest.importorskip("ir_measures", reason="ir-measures is not installed")
    pytest.importorskip("pytrec_eval", reason="pytrec_eval (of ir-measures) is not installed")
    measures = {name: ir_measures.parse_measure(name) for name in ("R@1", "R@5", "R@20", "RR", "nDCG@10")}
    ours = {"R@1": "recall@1", "R@5": "recall@5", "R@20": "recall@20", "RR": "mrr", "nDCG@10": "ndcg@10"}
    rng = np.random.default_rng(0)
    for _ in range(200):
        ranked = [f"p{n}" for n in rng.permutation(40)[:20]]
        relevance = {f"p{n}": int(rng.integers(1, 4)) for n in rng.choice(40, size=rng.integers(1, 6), replace=False)}
        run = {"q": {passage: float(-rank) for rank, passage in enumerate(ranked)}}
        theirs = ir_measures.calc_aggregate(measures.values(), {"q": relevance}, run)
        scores = score_question(ranked, {name: float(value) for name, value in relevance.items()}, [1, 5, 20])
        for name, measure in measures.items():
            assert scores[ours[name]] == pytest.approx(theirs[measure], abs=1e-6), name
