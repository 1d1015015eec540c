"""Which differences between retrievers are more than luck: paired tests on one set's questions, corrected for many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.bootstrap import percentile_interval, randomisation
from eval.metrics import ALWAYS

COMPARED = (f"recall@{ALWAYS}", "recall@2", f"all_recall@{ALWAYS}")

#: Metric name -> (questions,) scores, in the unit of the report.
Scores = Mapping[str, NDArray[np.float64]]


def compare(scores: Mapping[str, Scores], *, seed: int) -> list[dict[str, Any]]:
    """Every pair of retrievers on one set, for each metric of `COMPARED`, recall@5 first.

    scores: by retriever, the same questions in the same order.    difference: percent, b − a, with its bootstrap
    interval ``ci95``.    p: of the paired two-sided randomisation test.    p_holm: corrected over all that are held
    against the same ``a`` by this metric on this set.
    """
    pairs = [(metric, a, b) for metric in COMPARED for a, b in combinations(scores, 2)]
    if not pairs:
        return []
    differences = np.column_stack([scores[b][metric] - scores[a][metric] for metric, a, b in pairs])
    intervals = percentile_interval(differences, seed=seed)
    p_values = randomisation(differences, seed=seed)
    rows: list[dict[str, Any]] = [
        {
            "a": a,
            "b": b,
            "metric": metric,
            "difference": round(float(column.mean()), 4),
            "ci95": [round(float(low), 4), round(float(high), 4)],
            "p": round(float(p), 5),
        }
        for (metric, a, b), column, (low, high), p in zip(pairs, differences.T, intervals, p_values, strict=True)
    ]
    families: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        families.setdefault((row["metric"], row["a"]), []).append(row)
    for family in families.values():
        for row, p_holm in zip(family, holm([row["p"] for row in family]), strict=True):
            row["p_holm"] = round(p_holm, 5)
    return rows


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values corrected for being several (Holm 1979): the chance of any false alarm among them stays below the level.

    The i-th smallest of m is multiplied by m − i + 1, made no smaller than the one before it, and cut at 1.
    Returns them in the order given.

    >>> holm([0.25, 0.01, 0.5])
    [0.5, 0.03, 0.5]
    """
    corrected = [0.0] * len(p_values)
    reached = 0.0
    for done, place in enumerate(sorted(range(len(p_values)), key=lambda place: p_values[place])):
        reached = max(reached, min(1.0, (len(p_values) - done) * p_values[place]))
        corrected[place] = reached
    return corrected
