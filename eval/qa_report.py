"""From answers to figures: EM, F1, recall of what was read, tokens, money and time, as JSON and as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from rich.table import Table
from rich.text import Text

from eval.answers import exact_match, f1
from eval.bootstrap import percentile_interval
from eval.dataset import Dataset
from eval.provenance import anonymous, usable_cpus, versions
from eval.qa import QaOutcome, QaRecord, QaSettings
from hippomem.models.llm import Usage
from hippomem.models.prices import Price

#: Failed questions that the printed report lists; the JSON lists all.
SHOWN = 5


def score(record: QaRecord, k: int) -> dict[str, float | None]:
    """em, f1 and recall@k of one question, in percent. A failed question is wrong; what it would have read is not known."""
    if record.answer is None:
        return {"em": 0.0, "f1": 0.0, f"recall@{k}": None}
    accepted = record.question.answers
    return {
        "em": 100.0 * exact_match(record.text, accepted),
        "f1": 100.0 * f1(record.text, accepted),
        f"recall@{k}": 100.0
        * len(record.question.relevance.keys() & set(record.read))
        / len(record.question.relevance),
    }


def summarise(outcome: QaOutcome, settings: QaSettings, price: Price | None) -> dict[str, Any]:
    """One set's figures, as plain JSON types.

    em, f1: percent, means over all questions, failed ones as 0.    recall@k: percent, of what was read, over the others.
    ci95: bootstrap percentile intervals of the means.    per_question: means of tokens in and out, LLM calls, and USD
    (null where no price is known), failed attempts that the endpoint counted included.
    seconds: of single questions, waiting for the endpoint and for other questions included.
    """
    records = outcome.records
    scores = [score(record, settings.k) for record in records]
    entry: dict[str, Any] = {"questions": len(records), "ci95": {}}
    for name in scores[0]:
        values = np.array([[row[name]] for row in scores if row[name] is not None], dtype=np.float64)
        if len(values):
            ((low, high),) = percentile_interval(values, seed=settings.seed)
            entry[name], entry["ci95"][name] = _figure(values.mean()), [_figure(low), _figure(high)]
        else:
            entry[name] = None
    seconds = [record.seconds for record in records]
    return {
        **entry,
        "failed": sum(record.answer is None for record in records),
        "failures": [
            {"corpus": record.question.corpus, "question_id": record.question.question_id, "reason": record.failure}
            for record in records
            if record.answer is None
        ],
        "without_answer": outcome.unanswerable,
        "usage": outcome.usage.to_dict(),
        "per_question": _means(outcome.usage, len(records), price),
        "seconds": {f"p{p}": round(float(np.percentile(seconds, p)), 6) for p in (50, 95)},
        "passages": outcome.passages,
        "stores": outcome.stores,
        "notes": _notes(records),
        **({"records": _records(records, scores)} if settings.per_question else {}),
    }


def _means(usage: Usage, questions: int, price: Price | None) -> dict[str, float | None]:
    return {
        "tokens_in": _figure(usage.prompt_tokens / questions),
        "tokens_out": _figure(usage.completion_tokens / questions),
        "calls": _figure(usage.calls / questions),
        "usd": None if price is None else round(price.usd(usage) / questions, 8),
    }


def _notes(records: Sequence[QaRecord]) -> dict[str, int]:
    """What was wrong with outputs that were used all the same → how many."""
    notes = [record.answer.note for record in records if record.answer is not None and record.answer.note]
    return {note: notes.count(note) for note in sorted(set(notes))}


def _records(records: Sequence[QaRecord], scores: Sequence[Mapping[str, float | None]]) -> list[dict[str, Any]]:
    rows = []
    for record, row in zip(records, scores, strict=True):
        answer = record.answer
        rows.append(
            {
                "corpus": record.question.corpus,
                "question_id": record.question.question_id,
                "question": record.question.text,
                "accepted": list(record.question.answers),
                "answer": None if answer is None else answer.text,
                "thought": None if answer is None else answer.thought,
                "note": record.failure if answer is None else answer.note,
                "trace": None if answer is None or answer.trace is None else answer.trace.to_dict(),
                "gold": sorted(record.question.relevance),
                "read": record.read,
                "usage": None if answer is None else answer.usage.to_dict(),
                "seconds": round(record.seconds, 6),
                **{name: None if value is None else _figure(value) for name, value in row.items()},
            }
        )
    return rows


def qa_provenance(datasets: Sequence[Dataset], settings: QaSettings, model: str, price: Price | None) -> dict[str, Any]:
    """All that is needed to repeat a run, without names of machines, folders or hosts, as plain JSON types."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "retriever": settings.retriever,
        "llm_model": anonymous(model),
        "k": settings.k,
        "steps": settings.steps,
        "concurrency": settings.concurrency,
        "limit": settings.limit,
        "seed": settings.seed,
        "embedder": "default" if settings.stores.embedder is None else anonymous(settings.stores.embedder),
        "usd_per_million": None if price is None else {"in": price.per_million_in, "out": price.per_million_out},
        "sha256": {dataset.name: dataset.sha256 for dataset in datasets},
        "versions": versions(),
        "hardware": {"cpus": usable_cpus()},
    }


def qa_table(entries: Mapping[str, Mapping[str, Any]], settings: QaSettings, model: str) -> Table:
    """A row a set."""
    table = Table(title=Text(f"{settings.system}, read by {anonymous(model)}"), title_justify="left")
    table.add_column("set", no_wrap=True)
    found = f"recall@{settings.k}"
    columns = (
        "n",
        "EM",
        "EM 95% CI",
        "F1",
        "F1 95% CI",
        f"R@{settings.k}",
        "in",
        "out",
        "calls",
        "USD",
        "p50 s",
        "failed",
    )
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    for name, entry in entries.items():
        mean, intervals = entry["per_question"], entry["ci95"]
        table.add_row(
            name,
            str(entry["questions"]),
            f"{entry['em']:.1f}",
            "{:.1f} - {:.1f}".format(*intervals["em"]),
            f"{entry['f1']:.1f}",
            "{:.1f} - {:.1f}".format(*intervals["f1"]),
            "-" if entry[found] is None else f"{entry[found]:.1f}",
            f"{mean['tokens_in']:.0f}",
            f"{mean['tokens_out']:.0f}",
            f"{mean['calls']:.2f}",
            "-" if mean["usd"] is None else f"{mean['usd']:.6f}",
            f"{entry['seconds']['p50']:.1f}",
            str(entry["failed"]),
        )
    return table


def footnotes(entries: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Lines below the table: what the columns mean, failures, and outputs that were not of the form asked for."""
    lines = ["in, out, calls, USD: means per question"]
    for name, entry in entries.items():
        lines += [
            f"{name}: {f['question_id']} failed, counted as wrong: {f['reason']}" for f in entry["failures"][:SHOWN]
        ]
        if len(entry["failures"]) > SHOWN:
            lines.append(f"{name}: {len(entry['failures']) - SHOWN} more failed")
        lines += [f"{name}: {note} ({count} answers)" for note, count in entry["notes"].items()]
        if entry["without_answer"]:
            lines.append(f"{name}: {entry['without_answer']} questions have no accepted answer and were not asked")
    return lines


def _figure(value: float) -> float:
    return round(float(value), 4)
