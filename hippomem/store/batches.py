"""Rows of batches: jobs at a vendor's Batch API, and which passages each has still to answer.

A row is committed before anything is sent to the vendor, and a passage is in one job at most: whatever dies, a job that may
have been paid for is known, and no passage is in two.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from hippomem.models.llm import Usage
from hippomem.store import passages
from hippomem.store.blocks import blocks
from hippomem.store.readings import FREE, Asked, Wanted


class Batch(NamedTuple):
    """A job. token: ours.    vendor_id: None until the vendor's is stored.

    expected: what it will take, as estimated; its calls are the job's requests.
    """

    token: str
    asked: Asked
    endpoint: str
    vendor_id: str | None
    submitted_at: datetime
    expected: Usage


def find(db: sqlite3.Connection, namespace_key: int) -> list[Batch]:
    """All jobs of a namespace that were not collected yet, oldest first."""
    sql = (
        "SELECT token, model, prompt, endpoint, vendor_id, submitted_at, prompt_tokens, completion_tokens, requests"
        " FROM batches WHERE namespace_key = ? ORDER BY submitted_at, token"
    )
    return [
        Batch(token, Asked(model, prompt), endpoint, vendor_id, datetime.fromisoformat(at), Usage(*expected))
        for token, model, prompt, endpoint, vendor_id, at, *expected in db.execute(sql, (namespace_key,))
    ]


def begin(
    db: sqlite3.Connection, namespace_key: int, batch: Batch, requests: Sequence[tuple[str, Sequence[int]]]
) -> bool:
    """Store a job that is about to be sent, with its requests as (custom_id, rows of passages).

    False, and nothing is stored, if one of the passages is wanted no more or is in another job by now.
    """
    keys = [key for _, members in requests for key in members]
    free = 0
    for marks, block in blocks(keys):
        sql = f"SELECT count(*) FROM readings WHERE passage_key IN ({marks}) AND state = 'wanted' AND {FREE}"
        free += int(db.execute(sql, block).fetchone()[0])
    if free < len(keys):
        return False
    at = batch.submitted_at.astimezone(UTC).isoformat(timespec="microseconds")
    expected = batch.expected.prompt_tokens, batch.expected.completion_tokens, batch.expected.calls
    db.execute(
        "INSERT INTO batches (token, namespace_key, model, prompt, endpoint, vendor_id, submitted_at, prompt_tokens,"
        " completion_tokens, requests) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (batch.token, namespace_key, *batch.asked, batch.endpoint, batch.vendor_id, at, *expected),
    )
    db.executemany(
        "INSERT INTO batch_passages (token, custom_id, ordinal, passage_key) VALUES (?, ?, ?, ?)",
        (
            (batch.token, custom_id, ordinal, key)
            for custom_id, members in requests
            for ordinal, key in enumerate(members)
        ),
    )
    return True


def set_vendor_id(db: sqlite3.Connection, token: str, vendor_id: str) -> bool:
    """Store under which id the vendor has the job; False if the job is not here any more."""
    return db.execute("UPDATE batches SET vendor_id = ? WHERE token = ?", (vendor_id, token)).rowcount == 1


def exists(db: sqlite3.Connection, token: str) -> bool:
    """Whether the job is here."""
    return db.execute("SELECT 1 FROM batches WHERE token = ?", (token,)).fetchone() is not None


def members(db: sqlite3.Connection, token: str, custom_ids: Sequence[str]) -> dict[str, dict[int, Wanted]]:
    """What those requests of the job have asked about: by custom_id, by ordinal.

    Requests that were settled before, and whose passages are all gone, are left out. A passage that is not wanted any more,
    because somebody else has read it meanwhile, is left out of its request.
    """
    asked: dict[str, list[tuple[int, int]]] = {}
    wanted: dict[int, tuple[bytes, int]] = {}
    for marks, block in blocks(custom_ids):
        sql = (
            "SELECT custom_id, ordinal, passage_key, state, text_hash, attempts FROM batch_passages LEFT JOIN readings"
            f" USING (passage_key) WHERE token = ? AND custom_id IN ({marks})"
        )
        for custom_id, ordinal, key, state, text, attempts in db.execute(sql, (token, *block)):
            asked.setdefault(custom_id, []).append((ordinal, key))
            if state == "wanted":
                wanted[key] = text, attempts
    texts = passages.texts(db, wanted)
    return {
        custom_id: {ordinal: Wanted(texts[key], *wanted[key]) for ordinal, key in rows if key in texts}
        for custom_id, rows in asked.items()
    }


def settle(db: sqlite3.Connection, token: str, custom_ids: Iterable[str]) -> None:
    """Take requests out of the job, in the transaction that stores what came of them: they are not stored twice."""
    db.executemany(
        "DELETE FROM batch_passages WHERE token = ? AND custom_id = ?", [(token, custom_id) for custom_id in custom_ids]
    )


def unanswered(db: sqlite3.Connection, token: str) -> list[tuple[int, bytes, int]]:
    """What the job has still to answer and is still wanted: (row of the passage, hash of its text, attempts)."""
    sql = (
        "SELECT passage_key, text_hash, attempts FROM batch_passages JOIN readings USING (passage_key)"
        " WHERE token = ? AND state = 'wanted' ORDER BY passage_key"
    )
    return db.execute(sql, (token,)).fetchall()


def release(db: sqlite3.Connection, token: str) -> int:
    """Take all that is left out of the job, so that it can be asked again; returns how many passages."""
    return db.execute("DELETE FROM batch_passages WHERE token = ?", (token,)).rowcount


def drop(db: sqlite3.Connection, token: str) -> None:
    """Forget the job."""
    db.execute("DELETE FROM batches WHERE token = ?", (token,))


def count_passages(db: sqlite3.Connection, namespace_key: int) -> int:
    """How many passages are in jobs."""
    sql = "SELECT count(*) FROM batch_passages JOIN batches USING (token) WHERE namespace_key = ?"
    return int(db.execute(sql, (namespace_key,)).fetchone()[0])
