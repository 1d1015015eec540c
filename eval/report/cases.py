"""Failure cases as they are read: the question, the passages it needed, what was found instead, and why."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

from eval.metrics import ALWAYS
from eval.report.markdown import details, plain, table

SHOWN = 140  # characters of a passage in a table; the JSON has more


def case(failure: Mapping[str, Any]) -> str:
    """One failure of `eval.failures.Failure.to_dict`, folded under its question."""
    found = sum(passage["rank"] is not None and passage["rank"] <= ALWAYS for passage in failure["gold"])
    summary = f"{found} of {len(failure['gold'])} in the top {ALWAYS} · {html.escape(failure['question'])}"
    facts = [f"answer: **{plain(' / '.join(failure['answers']))}**"] if failure["answers"] else []
    facts += [f"type: {plain(failure['type'])}"] if failure["type"] else []
    facts += [f"hops: {failure['hops']}"] if failure["hops"] else []
    facts.append(f"id: {plain(failure['question_id'])}")
    return details(summary, "\n\n".join([" · ".join(facts), _gold(failure), _found(failure)]))


def _gold(failure: Mapping[str, Any]) -> str:
    rows = [
        [_passage(passage), "not ranked" if passage["rank"] is None else str(passage["rank"])]
        for passage in failure["gold"]
    ]
    return table(["needed", "rank"], rows)


def _found(failure: Mapping[str, Any]) -> str:
    rows = []
    for hit in failure["top"]:
        reasons = [" → ".join(plain(_cut(step, 60)) for step in hit["why"]["path"])]
        reasons.append(", ".join(f"{plain(name)} {_score(value)}" for name, value in hit["why"]["scores"].items()))
        reasons.append(plain(hit["why"]["note"]))
        mark = "✓ " if hit["gold"] else ""
        rows.append([mark + _passage(hit), "<br>".join(filter(None, reasons)), _score(hit["score"]), str(hit["rank"])])
    return table(["found", "why", "score", "rank"], rows, words=2)


def _passage(passage: Mapping[str, Any]) -> str:
    """Its title, or its id where it has none, and how it begins."""
    return f"**{plain(passage['title'].strip() or passage['id'])}** {plain(_cut(passage['text'], SHOWN))}"


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def _score(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}"
