"""What a ranking is worth: recall, all-recall, reciprocal rank and nDCG of one question.

Every function takes *ranked*, distinct passage ids with the best first, and the judgements of one question; means over
questions are taken in `eval.summary`. `ranx` would do, but brings numba and ir_datasets for four formulas; a test holds
these equal to `ir_measures` (trec_eval) instead.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

NDCG_DEPTH = 10
ALWAYS = 5  # recall@5 and all_recall@5 are part of every report


def recall(ranked: Sequence[str], gold: Collection[str], k: int) -> float:
    """recall@k = |top-k ∩ gold| / |gold|, in [0, 1].

    The denominator stays |gold| when k < |gold|, as in HippoRAG and trec_eval. *gold* holds at least one id.
    """
    return len(set(ranked[:k]).intersection(gold)) / len(set(gold))


def all_recall(ranked: Sequence[str], gold: Collection[str], k: int) -> float:
    """all_recall@k = 1 if gold ⊆ top-k, else 0: the reader has every passage that a multi-hop answer needs."""
    return float(set(gold).issubset(ranked[:k]))


def reciprocal_rank(ranked: Sequence[str], gold: Collection[str]) -> float:
    """1 / (rank of the first gold passage, from 1), or 0 when *ranked* holds none; its mean is the MRR.

    Cut off where *ranked* ends: a report states that depth.
    """
    return next((1.0 / rank for rank, passage_id in enumerate(ranked, start=1) if passage_id in gold), 0.0)


def ndcg(ranked: Sequence[str], relevance: Mapping[str, float], k: int) -> float:
    """ndcg@k = DCG@k / ideal DCG@k, in [0, 1], with linear gains (Järvelin and Kekäläinen 2002; as in BEIR).

    DCG@k = Σ_{rank ≤ k} relevance(rank) / log2(rank + 1); the ideal ranks all judged passages by relevance.
    relevance: passage id -> score > 0, at least one.
    """
    ideal = sorted(relevance.values(), reverse=True)
    return _dcg([relevance.get(passage_id, 0.0) for passage_id in ranked[:k]]) / _dcg(ideal[:k])


def _dcg(gains: Sequence[float]) -> float:
    return math.fsum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, start=1))


def depth_needed(ks: Collection[int]) -> int:
    """How many distinct passages must be ranked for all metrics at *ks*, recall@5 and ndcg@10."""
    return max(*ks, ALWAYS, NDCG_DEPTH)


def score_question(ranked: Sequence[str], relevance: Mapping[str, float], ks: Collection[int]) -> dict[str, float]:
    """All metrics of one question by name (``recall@5``, ``all_recall@5``, ``mrr``, ``ndcg@10``), each in [0, 1]."""
    scores: dict[str, float] = {}
    for k in sorted({*ks, ALWAYS}):
        scores[f"recall@{k}"] = recall(ranked, relevance, k)
        scores[f"all_recall@{k}"] = all_recall(ranked, relevance, k)
    scores["mrr"] = reciprocal_rank(ranked, relevance)
    scores[f"ndcg@{NDCG_DEPTH}"] = ndcg(ranked, relevance, NDCG_DEPTH)
    return scores
