"""From answers to the figures of the JSON report: means over questions, intervals, break-downs, costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.ask import Answer
from eval.bootstrap import percentile_interval, stratified_interval
from eval.breakdown import BYS, breakdown
from eval.dataset import Dataset
from eval.metrics import ALWAYS, NDCG_DEPTH, depth_needed, score_rankings
from eval.run import Outcome, RunSettings
from eval.significance import Scores

PERCENT = ("recall@", "all_recall@")  # metrics given in percent; mrr and ndcg are in [0, 1] as the field writes them
ENCODE = "encode"  # what retrievers call the stage that waits for the encoder


def score_answers(answers: Sequence[Answer], ks: Sequence[int]) -> dict[str, NDArray[np.float64]]:
    """Metric -> (questions,) scores, in the unit of the report. At least one answer."""
    scores = score_rankings([a.ranked for a in answers], [a.question.relevance for a in answers], ks)
    return {name: values * (100.0 if name.startswith(PERCENT) else 1.0) for name, values in scores.items()}


def summarise(
    outcome: Outcome, dataset: Dataset, settings: RunSettings, scores: Scores | None = None
) -> dict[str, Any]:
    """One retriever's figures on one set, as plain JSON types.

    recall, all_recall: percent by k, means over questions.    mrr (cut at ``depth``), ndcg@10: in [0, 1].
    ci95: bootstrap percentile interval of each mean.    by_type, by_hops, by_gold: see `eval.breakdown`.
    index_seconds: wall seconds by stage, summed over stores.    query_ms: milliseconds of single queries after a warm-up;
    query_ms_beyond_encoder: without the stage "encode".    encoder_calls, encoded_texts: per query, means.
    llm_per_query: means of tokens and calls, only where a retriever may ask an LLM.    passages: indexed ones.
    failures: only when some were asked for.
    scores: of `score_answers`, when they are at hand.
    """
    if scores is None:
        scores = score_answers(outcome.answers, settings.ks)
    means = {name: _figure(values.mean()) for name, values in scores.items()}
    intervals = percentile_interval(np.column_stack(list(scores.values())), seed=settings.seed)
    questions = [answer.question for answer in outcome.answers]
    entry: dict[str, Any] = {
        "recall": {str(k): means[f"recall@{k}"] for k in settings.ks},
        "all_recall": {str(k): means[f"all_recall@{k}"] for k in settings.ks},
        f"all_recall@{ALWAYS}": means[f"all_recall@{ALWAYS}"],
        "mrr": means["mrr"],
        f"ndcg@{NDCG_DEPTH}": means[f"ndcg@{NDCG_DEPTH}"],
        "ci95": {name: [_figure(low), _figure(high)] for name, (low, high) in zip(scores, intervals, strict=True)},
        **{f"by_{by}": breakdown(questions, scores, settings.ks, by) for by in BYS},
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
        "query_ms_beyond_encoder": _milliseconds(
            [a.seconds - a.stages.get(ENCODE, 0.0) for a in outcome.answers], (50,)
        ),
        "encoder_calls": _figure(np.mean([answer.work.calls for answer in outcome.answers])),
        "encoded_texts": _figure(np.mean([answer.work.texts for answer in outcome.answers])),
        "note": "; ".join(outcome.notes),
    }
    if settings.stores.query.asks_llm:
        entry["llm_per_query"] = _llm_per_query(outcome.answers)
    if outcome.cost.usage:
        entry["usage"] = dict(outcome.cost.usage)
    if settings.failures:
        entry["failures"] = [failure.to_dict() for failure in outcome.failures]
    if settings.per_question:
        entry["per_question"] = _per_question(outcome.answers, scores)
    return entry


def mean_over_sets(results: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> dict[str, dict[str, Any]]:
    """Per retriever the mean of the quality figures over sets, each counting once; {} for fewer than two sets."""
    if len(results) < 2:
        return {}
    retrievers = next(iter(results.values()))
    return {name: _mean_entry([entries[name] for entries in results.values()]) for name in retrievers}


def _mean_entry(entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    mean: dict[str, Any] = {
        key: {k: _figure(np.mean([entry[key][k] for entry in entries])) for k in entries[0][key]}
        for key in ("recall", "all_recall")
    }
    for key in (f"all_recall@{ALWAYS}", "mrr", f"ndcg@{NDCG_DEPTH}"):
        mean[key] = _figure(np.mean([entry[key] for entry in entries]))
    return mean


def mean_intervals(scores: Sequence[Scores], *, seed: int) -> dict[str, list[float]]:
    """``ci95`` of one retriever's means over sets: the questions of each set are resampled, the sets stay."""
    tables = [np.column_stack(list(table.values())) for table in scores]
    intervals = stratified_interval(tables, seed=seed)
    return {name: [_figure(low), _figure(high)] for name, (low, high) in zip(scores[0], intervals, strict=True)}


def _figure(value: float | np.floating[Any]) -> float:
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


def _llm_per_query(answers: Sequence[Answer]) -> dict[str, float]:
    """Mean tokens and calls of a question."""
    spent = [answer.work.llm.to_dict() for answer in answers]
    return {name: _figure(np.mean([one[name] for one in spent])) for name in spent[0]}


def _per_question(answers: Sequence[Answer], scores: Scores) -> list[dict[str, Any]]:
    return [
        {
            "corpus": answer.question.corpus,
            "question_id": answer.question.question_id,
            "gold": sorted(answer.question.relevance),
            "ranked": list(answer.ranked),
            "ms": round(1000.0 * answer.seconds, 3),
            "note": answer.note,
            **{name: _figure(values[place]) for name, values in scores.items()},
        }
        for place, answer in enumerate(answers)
    ]
