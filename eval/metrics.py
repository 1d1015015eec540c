"""What rankings are worth: recall, all-recall, reciprocal rank and nDCG of every question, by `ir_measures` (trec_eval).

recall@k        |top-k ∩ gold| / |gold|; the denominator stays |gold| when k < |gold|, as in HippoRAG
all_recall@k    1 if gold ⊆ top-k, else 0: the reader has every passage that a multi-hop answer needs
mrr             1 / (rank of the first gold passage, from 1), or 0 when none is ranked; cut where the ranking ends
ndcg@10         DCG@10 / ideal DCG@10, linear gains (Järvelin and Kekäläinen 2002; as in BEIR)

Means over questions are taken in `eval.summary`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from eval.extras import METRICS, check_extra

NDCG_DEPTH = 10
ALWAYS = 5  # recall@5 and all_recall@5 are part of every report
ALWAYS_KS = (2, ALWAYS)  # scored whatever cut-offs are asked for: retrievers are compared at these
FINEST_LEVEL = 10_000  # trec_eval counts relevance in whole levels, and its memory grows with the highest


def depth_needed(ks: Collection[int]) -> int:
    """How many distinct passages must be ranked for all metrics at *ks*, recall@5 and ndcg@10."""
    return max(*ks, ALWAYS, NDCG_DEPTH)


def score_rankings(
    rankings: Sequence[Sequence[str]], judgements: Sequence[Mapping[str, float]], ks: Collection[int]
) -> dict[str, NDArray[np.float64]]:
    """All metrics by name (``recall@5``, ``all_recall@5``, ``mrr``, ``ndcg@10``): (questions,) values in [0, 1] each.

    rankings: per question distinct passage ids, best first.    judgements: per question id -> score > 0, at least one.
    Raises ConfigError when ir_measures is not installed.

    >>> score_rankings([["b", "a"]], [{"a": 1.0}], [1, 2])["recall@2"]
    array([1.])
    """
    check_extra(*METRICS)
    import ir_measures
    from ir_measures import RR, R, nDCG

    cutoffs = sorted({*ks, *ALWAYS_KS})
    measures = {R @ k: f"recall@{k}" for k in cutoffs} | {RR: "mrr", nDCG @ NDCG_DEPTH: f"ndcg@{NDCG_DEPTH}"}
    qrels, run = {}, {}
    for number, (ranked, relevance) in enumerate(zip(rankings, judgements, strict=True)):
        # Question ids repeat in pooled sets, and trec_eval's ids are C strings: numbers stand for both kinds of id.
        position = {passage_id: place for place, passage_id in enumerate(dict.fromkeys([*ranked, *relevance]))}
        levels = whole_levels(relevance)
        qrels[str(number)] = {str(position[passage_id]): level for passage_id, level in levels.items()}
        # trec_eval orders by score alone, ties by id: falling whole numbers keep the order that was ranked.
        run[str(number)] = {
            str(position[passage_id]): float(len(ranked) - position[passage_id]) for passage_id in ranked
        }
    values = {name: np.zeros(len(rankings)) for name in measures.values()}
    for metric in ir_measures.iter_calc(list(measures), qrels, run):
        values[measures[metric.measure]][int(metric.query_id)] = metric.value
    scores: dict[str, NDArray[np.float64]] = {}
    for k in cutoffs:
        scores[f"recall@{k}"] = values[f"recall@{k}"]
        scores[f"all_recall@{k}"] = (values[f"recall@{k}"] == 1.0).astype(np.float64)
    return {**scores, "mrr": values["mrr"], f"ndcg@{NDCG_DEPTH}": values[f"ndcg@{NDCG_DEPTH}"]}


def whole_levels(relevance: Mapping[str, float]) -> dict[str, int]:
    """Judgements as whole numbers ≥ 1, in proportion: nDCG does not change with their unit, and nothing else reads them.

    Whole scores up to `FINEST_LEVEL` stay; others are scaled so that the highest is `FINEST_LEVEL`.

    >>> whole_levels({"a": 1.0, "b": 3.0}), whole_levels({"a": 0.25, "b": 0.5})
    ({'a': 1, 'b': 3}, {'a': 5000, 'b': 10000})
    """
    highest = max(relevance.values())
    whole = highest <= FINEST_LEVEL and all(float(score).is_integer() for score in relevance.values())
    unit = 1.0 if whole else FINEST_LEVEL / highest
    return {passage_id: max(1, round(score * unit)) for passage_id, score in relevance.items()}
