"""From answers to the figures of the JSON report: means over questions, intervals, paired tests, times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.bootstrap import paired_randomisation, percentile_interval
from eval.dataset import Dataset
from eval.metrics import ALWAYS, NDCG_DEPTH, depth_needed, score_question
from eval.run import Answer, Outcome, RunSettings
from hippomem.types import RetrieverName

PERCENT = ("recall@", "all_recall@")  # metrics given in percent; mrr and ndcg are in [0, 1] as the field writes them
COMPARED = f"recall@{ALWAYS}"


def score_table(answers: Sequence[Answer], ks: Sequence[int]) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """(metric names, (questions, metrics) scores), in the unit of the report. At least one answer."""
    rows = [score_question(answer.ranked, answer.question.relevance, ks) for answer in answers]
    names = tuple(rows[0])
    units = np.array([100.0 if name.startswith(PERCENT) else 1.0 for name in names])
    return names, np.array([[row[name] for name in names] for row in rows]) * units


def summarise(outcome: Outcome, dataset: Dataset, settings: RunSettings) -> dict[str, Any]:
    """One retriever's figures on one set, as plain JSON types.

    recall, all_recall: percent by k, means over questions.    mrr (cut at ``depth``), ndcg@10: in [0, 1].
    ci95: bootstrap percentile interval of each mean.    index_seconds: wall seconds by stage, summed over stores.
    query_ms: milliseconds of single queries after a warm-up.    passages: indexed ones.
    """
    names, scores = score_table(outcome.answers, settings.ks)
    means = dict(zip(names, scores.mean(axis=0).tolist(), strict=True))
    intervals = percentile_interval(scores, seed=settings.seed)
    entry: dict[str, Any] = {
        "recall": {str(k): _figure(means[f"recall@{k}"]) for k in settings.ks},
        "all_recall": {str(k): _figure(means[f"all_recall@{k}"]) for k in settings.ks},
        f"all_recall@{ALWAYS}": _figure(means[f"all_recall@{ALWAYS}"]),
        "mrr": _figure(means["mrr"]),
        f"ndcg@{NDCG_DEPTH}": _figure(means[f"ndcg@{NDCG_DEPTH}"]),
        "ci95": {name: [_figure(low), _figure(high)] for name, (low, high) in zip(names, intervals, strict=True)},
        "questions": len(outcome.answers),
        "skipped_questions": dataset.skipped,
        "passages": outcome.cost.passages,
        "stores": outcome.cost.stores,
        "depth": depth_needed(settings.ks),
        "index_seconds": {stage: round(seconds, 6) for stage, seconds in outcome.cost.seconds.items()},
        "index_bytes": outcome.cost.bytes,
        "warm_up_seconds": round(outcome.warm_up_seconds, 6),
        "query_ms": _milliseconds([answer.seconds for answer in outcome.answers], (50, 95)),
        "query_ms_by_stage": _stages(outcome.answers),
        "note": "; ".join(outcome.notes),
    }
    if outcome.cost.usage:
        entry["usage"] = dict(outcome.cost.usage)
    if settings.per_question:
        entry["per_question"] = _per_question(outcome.answers, names, scores)
    return entry


def compare(outcomes: Mapping[RetrieverName, Outcome], settings: RunSettings) -> list[dict[str, Any]]:
    """Every pair of retrievers on one set: difference of recall@5 (percent, b − a) and its paired two-sided p-value."""
    columns = {}
    for retriever, outcome in outcomes.items():
        names, scores = score_table(outcome.answers, settings.ks)
        columns[retriever] = scores[:, names.index(COMPARED)]
    return [
        {
            "a": a,
            "b": b,
            "metric": COMPARED,
            "difference": _figure(float((columns[b] - columns[a]).mean())),
            "p": round(paired_randomisation(columns[a], columns[b], seed=settings.seed), 5),
        }
        for a, b in combinations(columns, 2)
    ]


def mean_over_sets(results: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> dict[str, dict[str, Any]]:
    """Per retriever the mean of the quality figures over sets, each counting once; {} for fewer than two sets."""
    if len(results) < 2:
        return {}
    retrievers = next(iter(results.values()))
    return {name: _mean_entry([entries[name] for entries in results.values()]) for name in retrievers}


def _mean_entry(entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    mean: dict[str, Any] = {
        key: {k: _figure(float(np.mean([entry[key][k] for entry in entries]))) for k in entries[0][key]}
        for key in ("recall", "all_recall")
    }
    for key in (f"all_recall@{ALWAYS}", "mrr", f"ndcg@{NDCG_DEPTH}"):
        mean[key] = _figure(float(np.mean([entry[key] for entry in entries])))
    return mean


def _figure(value: float) -> float:
    """Four decimals: far below the intervals, and short to read."""
    return round(float(value), 4)


def _milliseconds(seconds: Sequence[float], percentiles: Sequence[int]) -> dict[str, float]:
    values = 1000.0 * np.percentile(seconds, percentiles)
    return {f"p{p}": round(float(value), 3) for p, value in zip(percentiles, values, strict=True)}


def _stages(answers: Sequence[Answer]) -> dict[str, float]:
    """Median milliseconds of each stage over the questions that went through it, in first-seen order."""
    stages = dict.fromkeys(stage for answer in answers for stage in answer.stages)
    return {
        stage: _milliseconds([answer.stages[stage] for answer in answers if stage in answer.stages], (50,))["p50"]
        for stage in stages
    }


def _per_question(answers: Sequence[Answer], names: Sequence[str], scores: NDArray[np.float64]) -> list[dict[str, Any]]:
    return [
        {
            "corpus": answer.question.corpus,
            "question_id": answer.question.question_id,
            "gold": sorted(answer.question.relevance),
            "ranked": list(answer.ranked),
            "ms": round(1000.0 * answer.seconds, 3),
            "note": answer.note,
            **{name: _figure(value) for name, value in zip(names, row, strict=True)},
        }
        for answer, row in zip(answers, scores, strict=True)
    ]
