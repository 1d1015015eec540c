"""Rows of runs: what reading with an LLM has cost, run by run."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from hippomem.models.llm import Usage
from hippomem.store.readings import Asked
from hippomem.types import Run

#: Of all runs of a namespace: what `Stats.llm` tells.
_TOTALS = "coalesce(sum(calls), 0), coalesce(sum(prompt_tokens), 0), coalesce(sum(completion_tokens), 0)"


def begin(db: sqlite3.Connection, namespace_key: int, asked: Asked, options: Mapping[str, Any], now: datetime) -> int:
    """Open the account of a run; returns its row."""
    cursor = db.execute(
        "INSERT INTO runs (namespace_key, started_at, model, prompt, options) VALUES (?, ?, ?, ?, ?)",
        (namespace_key, now.isoformat(timespec="seconds"), *asked, json.dumps(dict(options), sort_keys=True)),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def book(
    db: sqlite3.Connection,
    run_key: int,
    usage: Usage = Usage(),
    usd: float | None = None,
    *,
    answered: int = 0,
    failed: int = 0,
    reused: int = 0,
) -> None:
    """Add to the account, in the transaction that stores what was paid for. usd: None where the price is not known."""
    db.execute(
        "UPDATE runs SET calls = calls + ?, prompt_tokens = prompt_tokens + ?, completion_tokens = completion_tokens + ?,"
        " usd = CASE WHEN ?4 IS NULL THEN usd ELSE coalesce(usd, 0) + ?4 END,"
        " answered = answered + ?, failed = failed + ?, reused = reused + ? WHERE run_key = ?",
        (usage.calls, usage.prompt_tokens, usage.completion_tokens, usd, answered, failed, reused, run_key),
    )


def end(db: sqlite3.Connection, run_key: int, outcome: str, now: datetime) -> None:
    """Close the account. outcome: finished, stopped, budget, or the error that ended it."""
    db.execute(
        "UPDATE runs SET ended_at = ?, outcome = ? WHERE run_key = ?",
        (now.isoformat(timespec="seconds"), outcome, run_key),
    )


def newest(db: sqlite3.Connection, namespace_key: int | None, limit: int) -> list[Run]:
    """The newest runs of a namespace, or of the whole store, newest first."""
    where = "" if namespace_key is None else " WHERE namespace_key = :n"
    rows = db.execute(
        "SELECT started_at, ended_at, outcome, model, prompt, options, calls, prompt_tokens, completion_tokens, usd,"
        f" answered, failed, reused FROM runs{where} ORDER BY run_key DESC LIMIT :limit",
        {"n": namespace_key, "limit": limit},
    )
    return [Run(*(json.loads(value) if i == 5 else value for i, value in enumerate(row))) for row in rows]


def total(db: sqlite3.Connection, namespace_key: int | None) -> dict[str, float]:
    """What all runs have cost together: calls, tokens, and USD where prices were known; empty if there was none."""
    where = "" if namespace_key is None else " WHERE namespace_key = :n"
    sql = f"SELECT {_TOTALS}, sum(usd), count(*) FROM runs{where}"
    calls, prompt, completion, usd, count = db.execute(sql, {"n": namespace_key}).fetchone()
    if not count:
        return {}
    known = {} if usd is None else {"usd": usd}
    return {"runs": count, "calls": calls, "prompt_tokens": prompt, "completion_tokens": completion, **known}
