"""Rows of sources: the places that memories came from, and when they were last heard there."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hippomem.store.filters import OPEN, Filter
from hippomem.text.dates import iso_of, moment
from hippomem.types import Document, Source

#: A row as `row_of` gives it, and when it was heard, in seconds since 1970.
INSERT = (
    "INSERT INTO sources (memory_key, source_id, kind, user_id, agent_id, session_id, speaker, position, metadata, origin,"
    " recorded) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def row_of(memory_key: int, document: Document) -> tuple[Any, ...]:
    """Where a document comes from, as a row without its time."""
    return (
        memory_key,
        document.source_id,
        document.kind,
        document.user,
        document.agent,
        document.session,
        document.speaker,
        document.position,
        _json(document.metadata),
        document.origin,
    )


def hear_again(db: sqlite3.Connection, memory_key: int, document: Document, recorded: float) -> bool:
    """Remember one more place that a memory came from; the same place twice is one, heard last now. Whether it was new.

    What was to expire stays as long as the last of its documents asks for.
    """
    row = row_of(memory_key, document)
    known = db.execute(
        "SELECT source_key FROM sources WHERE memory_key = ? AND source_id IS ? AND kind = ? AND user_id IS ?"
        " AND agent_id IS ? AND session_id IS ? AND speaker IS ? AND position IS ? AND metadata = ?",
        row[:-1],
    ).fetchone()
    if known is None:
        db.execute(INSERT, (*row, recorded))
    else:
        db.execute(
            "UPDATE sources SET recorded = max(recorded, ?), origin = coalesce(?, origin) WHERE source_key = ?",
            (recorded, document.origin, known[0]),
        )
    db.execute(
        "UPDATE memories SET expires = CASE WHEN ?1 IS NULL THEN NULL ELSE max(expires, ?1) END"
        " WHERE memory_key = ?2 AND expires IS NOT NULL",
        (None if document.expires_at is None else moment(document.expires_at), memory_key),
    )
    return known is None


def change(
    db: sqlite3.Connection, memory_key: int, *, kind: str | None = None, metadata: Mapping[str, Any] | None = None
) -> None:
    """Change what all sources of a memory say; None leaves it. Sources that are equal then are one."""
    if kind is not None:
        db.execute("UPDATE sources SET kind = ? WHERE memory_key = ?", (kind, memory_key))
    if metadata is not None:
        db.execute("UPDATE sources SET metadata = ? WHERE memory_key = ?", (_json(metadata), memory_key))
    db.execute(
        "DELETE FROM sources WHERE memory_key = ?1 AND source_key NOT IN (SELECT max(source_key) FROM sources"
        " WHERE memory_key = ?1 GROUP BY source_id, kind, user_id, agent_id, session_id, speaker, position, metadata)",
        (memory_key,),
    )


def outdated(db: sqlite3.Connection, namespace_key: int, since: float) -> dict[int, list[int]]:
    """Sources that were not handed in since then, though another of their origin and id was: memory row → their rows.

    since: seconds since 1970, as in ``recorded``.
    """
    rows = db.execute(
        "SELECT DISTINCT old.memory_key, old.source_key FROM sources new JOIN memories m ON m.memory_key = new.memory_key"
        " JOIN sources old ON old.origin = new.origin AND old.source_id = new.source_id AND old.recorded < ?1"
        " JOIN memories o ON o.memory_key = old.memory_key AND o.namespace_key = ?2"
        " WHERE new.recorded >= ?1 AND new.origin IS NOT NULL AND m.namespace_key = ?2 ORDER BY 1, 2",
        (since, namespace_key),
    )
    found: dict[int, list[int]] = {}
    for memory_key, source_key in rows:
        found.setdefault(memory_key, []).append(source_key)
    return found


def drop(db: sqlite3.Connection, source_keys: Iterable[int]) -> None:
    """Delete sources; the memory must keep one."""
    db.executemany("DELETE FROM sources WHERE source_key = ?", [(key,) for key in source_keys])


def count(db: sqlite3.Connection, memory_key: int) -> int:
    """How many places a memory came from."""
    return int(db.execute("SELECT count(*) FROM sources WHERE memory_key = ?", (memory_key,)).fetchone()[0])


def next_position(db: sqlite3.Connection, namespace_key: int | None, session: str) -> int:
    """The turn number behind the last turn of a session; 0 in a new one."""
    sql = "SELECT max(position) + 1 FROM sources JOIN memories USING (memory_key) WHERE session_id = ? AND namespace_key = ?"
    return int(db.execute(sql, (session, namespace_key)).fetchone()[0] or 0)


def _json(metadata: Mapping[str, Any]) -> str:
    return json.dumps(dict(metadata), sort_keys=True, ensure_ascii=False)


def of_memories(
    db: sqlite3.Connection, memory_keys: Sequence[int], *, allowed: Filter = OPEN
) -> dict[int, list[Source]]:
    """Where memories came from, in an order that does not depend on insertion. allowed: only sources that pass."""
    condition, values = allowed.conditions(-math.inf)
    rows = db.execute(
        "SELECT memory_key, source_id, kind, user_id, agent_id, session_id, speaker, position, metadata, recorded"
        f" FROM sources s JOIN memories m USING (memory_key) WHERE memory_key IN ({','.join('?' * len(memory_keys))})"
        f" AND {condition}",
        (*memory_keys, *values),
    ).fetchall()
    rows.sort(key=lambda row: tuple("" if v is None else str(v).rjust(12) for v in row[1:-1]))
    names = ("source_id", "kind", "user", "agent", "session", "speaker", "position")
    found: dict[int, list[Source]] = {}
    for key, *row in rows:
        told = dict(zip(names, row, strict=False))
        found.setdefault(key, []).append(Source(**told, metadata=json.loads(row[-2]), recorded_at=iso_of(row[-1])))
    return found
