"""Which differences between systems are more than luck: paired tests on the same questions, corrected for many."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.bootstrap import percentile_interval, randomisation, stratified_interval
from eval.metrics import ALWAYS

COMPARED = (f"recall@{ALWAYS}", "recall@2", f"all_recall@{ALWAYS}")

#: Metric name -> (questions,) scores, in the unit of the report.
Scores = Mapping[str, NDArray[np.float64]]


#: (metric, a, b): what two are compared by.
Pairs = Sequence[tuple[str, str, str]]


def compare(scores: Mapping[str, Scores], *, seed: int, against: str | None = None) -> list[dict[str, Any]]:
    """Pairs of systems on one set, for each metric of `COMPARED`, recall@5 first.

    scores: by label, the same questions in the same order.    against: the label that the others are held against; None
    takes every pair.    difference: percent, b − a, with its bootstrap interval ``ci95``.    p: of the paired two-sided
    randomisation test.    p_holm: corrected over all that are held against the same ``a`` by this metric on this set.
    """
    pairs = _pairs(scores, against)
    if not pairs:
        return []
    differences = _differences(scores, pairs)
    intervals, p_values = percentile_interval(differences, seed=seed), randomisation(differences, seed=seed)
    return _rows(pairs, differences.mean(axis=0), intervals, p_values)


def compare_means(
    sets: Sequence[Mapping[str, Scores]], *, seed: int, against: str | None = None
) -> list[dict[str, Any]]:
    """As `compare`, of the means over sets, each set counting once; at least one set.

    The randomisation test tosses a coin for every question of every set: it is about other questions of these sets, as
    the intervals are, not about other sets.
    """
    pairs = _pairs(sets[0], against)
    if not pairs:
        return []
    strata = [_differences(scores, pairs) for scores in sets]
    # Each question counts what it adds to the mean over sets: the sum over all rows is that mean.
    shares = np.concatenate([rows / (len(rows) * len(strata)) for rows in strata])
    return _rows(pairs, shares.sum(axis=0), stratified_interval(strata, seed=seed), randomisation(shares, seed=seed))


def _pairs(labels: Iterable[str], against: str | None) -> list[tuple[str, str, str]]:
    names = list(labels)
    couples = (
        list(combinations(names, 2)) if against is None else [(against, name) for name in names if name != against]
    )
    return [(metric, a, b) for metric in COMPARED for a, b in couples]


def _differences(scores: Mapping[str, Scores], pairs: Pairs) -> NDArray[np.float64]:
    """(questions, pairs) b − a."""
    return np.column_stack([scores[b][metric] - scores[a][metric] for metric, a, b in pairs])


def _rows(
    pairs: Pairs, differences: NDArray[np.float64], intervals: NDArray[np.float64], p_values: NDArray[np.float64]
) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [
        {
            "a": a,
            "b": b,
            "metric": metric,
            "difference": round(float(difference), 4),
            "ci95": [round(float(low), 4), round(float(high), 4)],
            "p": round(float(p), 5),
        }
        for (metric, a, b), difference, (low, high), p in zip(pairs, differences, intervals, p_values, strict=True)
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
