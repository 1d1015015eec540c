"""Rows of memories, their sources and their passages."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from hippomem.errors import InputError, NotFoundError
from hippomem.text import ids
from hippomem.types import Document, MemoryRecord, Source

#: Values bound in one statement: far below SQLite's limit.
_MARKS = 500


class Inserted(NamedTuple):
    """What became of a document: the row and id of its memory, and whether it was new."""

    memory_key: int
    memory_id: str
    is_new: bool


class PassageRow(NamedTuple):
    """A passage with its text cut out of its memory."""

    passage_key: int
    passage_id: str
    memory_key: int
    title: str
    text: str


def insert(
    db: sqlite3.Connection,
    namespace_key: int,
    namespace: str,
    document: Document,
    slices: Sequence[tuple[int, int]],
    recorded_at: str,
) -> Inserted:
    """Store a document as a memory with ``pending`` passages, or add its source to the memory that equals it."""
    content = ids.content_id(document.title, document.text, document.occurred_at)
    row = db.execute(
        "SELECT memory_key, memory_id FROM memories WHERE namespace_key = ? AND content_id = ?",
        (namespace_key, content),
    ).fetchone()
    if row is not None:
        add_source(db, row[0], document)
        return Inserted(row[0], row[1], False)
    copy = 0
    while True:
        memory_id = ids.memory_id(namespace, content, copy)
        if db.execute("SELECT 1 FROM memories WHERE memory_id = ?", (memory_id,)).fetchone() is None:
            break
        copy += 1  # a memory that began with this content was updated and kept its id
    cursor = db.execute(
        "INSERT INTO memories (namespace_key, memory_id, content_id, title, text, occurred_at, recorded_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (namespace_key, memory_id, content, document.title, document.text, document.occurred_at, recorded_at),
    )
    memory_key = int(cursor.lastrowid or 0)
    add_source(db, memory_key, document)
    insert_passages(db, namespace_key, memory_key, content, slices)
    return Inserted(memory_key, memory_id, True)


def insert_passages(
    db: sqlite3.Connection, namespace_key: int, memory_key: int, content: str, slices: Sequence[tuple[int, int]]
) -> None:
    """Store the passages of a memory as ``pending``."""
    db.executemany(
        "INSERT INTO passages (namespace_key, memory_key, passage_id, ordinal, start, stop, state)"
        " VALUES (?, ?, ?, ?, ?, ?, 'pending')",
        [
            (namespace_key, memory_key, ids.passage_id(content, ordinal), ordinal, start, stop)
            for ordinal, (start, stop) in enumerate(slices)
        ],
    )


def add_source(db: sqlite3.Connection, memory_key: int, document: Document) -> None:
    """Remember one more place that a memory came from; the same place twice is one."""
    row = (
        memory_key,
        document.source_id,
        document.kind,
        document.user,
        document.agent,
        document.session,
        document.speaker,
        document.position,
        json.dumps(dict(document.metadata), sort_keys=True, ensure_ascii=False),
    )
    known = db.execute(
        "SELECT 1 FROM sources WHERE memory_key = ? AND source_id IS ? AND kind = ? AND user_id IS ? AND agent_id IS ?"
        " AND session_id IS ? AND speaker IS ? AND position IS ? AND metadata = ?",
        row,
    ).fetchone()
    if known is None:
        db.execute(
            "INSERT INTO sources"
            " (memory_key, source_id, kind, user_id, agent_id, session_id, speaker, position, metadata)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            row,
        )


def find(db: sqlite3.Connection, namespace_key: int | None, some_id: str) -> int:
    """The row of the memory with that memory_id, or that has a passage or source of that id, within one namespace.

    Raises NotFoundError (a memory of another namespace is not found), InputError for a source id of several memories.
    """
    for sql in (
        "SELECT memory_key FROM memories WHERE namespace_key = ? AND memory_id = ?",
        "SELECT memory_key FROM passages WHERE namespace_key = ? AND passage_id = ?",
    ):
        row = db.execute(sql, (namespace_key, some_id)).fetchone()
        if row is not None:
            return int(row[0])
    rows = db.execute(
        "SELECT DISTINCT memory_id, memory_key FROM memories JOIN sources USING (memory_key)"
        " WHERE namespace_key = ? AND source_id = ? ORDER BY memory_id",
        (namespace_key, some_id),
    ).fetchall()
    if len(rows) > 1:
        listed = ", ".join(row[0] for row in rows[:5]) + (", …" if len(rows) > 5 else "")
        raise InputError(f"{len(rows)} memories come from source '{some_id}'; name one by its memory id: {listed}")
    if not rows:
        raise NotFoundError(
            f"no memory with the id '{some_id}' in this namespace; `list` or `search` shows the ids there are."
        )
    return int(rows[0][1])


class Head(NamedTuple):
    """The id and time of a memory, and the caller's own ids of it, sorted."""

    memory_id: str
    occurred_at: str | None
    source_ids: tuple[str, ...]


def heads(db: sqlite3.Connection, memory_keys: Iterable[int]) -> dict[int, Head]:
    """Ids, times and source ids of memories, for hits; those deleted meanwhile are left out."""
    found: dict[int, Head] = {}
    keys = list(dict.fromkeys(memory_keys))
    for start in range(0, len(keys), _MARKS):
        block = keys[start : start + _MARKS]
        sources: dict[int, list[str]] = {}
        for key, source_id in db.execute(
            f"SELECT DISTINCT memory_key, source_id FROM sources WHERE memory_key IN ({','.join('?' * len(block))})"
            " AND source_id IS NOT NULL ORDER BY source_id",
            block,
        ):
            sources.setdefault(key, []).append(source_id)
        rows = _by_key(db, "SELECT memory_key, memory_id, occurred_at FROM memories WHERE memory_key IN", block)
        for key, (memory_id, occurred_at) in rows.items():
            found[key] = Head(memory_id, occurred_at, tuple(sources.get(key, ())))
    return found


def is_there(db: sqlite3.Connection, memory_key: int) -> bool:
    """Whether a memory still exists."""
    return db.execute("SELECT 1 FROM memories WHERE memory_key = ?", (memory_key,)).fetchone() is not None


def record(db: sqlite3.Connection, memory_key: int) -> MemoryRecord:
    """A memory with its sources and passages."""
    memory_id, namespace, title, text, occurred_at, recorded_at = db.execute(
        "SELECT memory_id, name, title, text, occurred_at, recorded_at FROM memories JOIN namespaces USING (namespace_key)"
        " WHERE memory_key = ?",
        (memory_key,),
    ).fetchone()
    passages = db.execute(
        "SELECT passage_id, state FROM passages WHERE memory_key = ? ORDER BY ordinal", (memory_key,)
    ).fetchall()
    return MemoryRecord(
        memory_id=memory_id,
        namespace=namespace,
        title=title,
        text=text,
        occurred_at=occurred_at,
        recorded_at=recorded_at,
        sources=sources(db, memory_key),
        passage_ids=tuple(row[0] for row in passages),
        states=tuple(row[1] for row in passages),
    )


def passage_keys(db: sqlite3.Connection, memory_key: int) -> list[int]:
    """Rows of a memory's passages, in order."""
    sql = "SELECT passage_key FROM passages WHERE memory_key = ? ORDER BY ordinal"
    return [row[0] for row in db.execute(sql, (memory_key,))]


def delete(db: sqlite3.Connection, memory_key: int) -> None:
    """Delete a memory with its sources and passages. Its statements must have been withdrawn."""
    db.execute("DELETE FROM memories WHERE memory_key = ?", (memory_key,))


def replace_content(
    db: sqlite3.Connection, namespace_key: int, memory_key: int, document: Document, slices: Sequence[tuple[int, int]]
) -> None:
    """Give a memory other content under the same memory_id. Its statements must have been withdrawn.

    Raises InputError when another memory of the namespace holds that content.
    """
    content = ids.content_id(document.title, document.text, document.occurred_at)
    row = db.execute(
        "SELECT memory_id FROM memories WHERE namespace_key = ? AND content_id = ? AND memory_key <> ?",
        (namespace_key, content, memory_key),
    ).fetchone()
    if row is not None:
        raise InputError(f"memory {row[0]} holds exactly this content already; forget one of the two.")
    db.execute("DELETE FROM passages WHERE memory_key = ?", (memory_key,))
    db.execute(
        "UPDATE memories SET content_id = ?, title = ?, text = ?, occurred_at = ? WHERE memory_key = ?",
        (content, document.title, document.text, document.occurred_at, memory_key),
    )
    insert_passages(db, namespace_key, memory_key, content, slices)


def source_ids(db: sqlite3.Connection, memory_key: int) -> tuple[str, ...]:
    """The caller's own ids of a memory, sorted."""
    sql = "SELECT DISTINCT source_id FROM sources WHERE memory_key = ? AND source_id IS NOT NULL ORDER BY source_id"
    return tuple(row[0] for row in db.execute(sql, (memory_key,)))


def sources(db: sqlite3.Connection, memory_key: int) -> tuple[Source, ...]:
    """Where a memory came from, in an order that does not depend on insertion."""
    rows = db.execute(
        "SELECT source_id, kind, user_id, agent_id, session_id, speaker, position, metadata FROM sources"
        " WHERE memory_key = ?",
        (memory_key,),
    ).fetchall()
    rows.sort(key=lambda row: tuple("" if v is None else str(v).rjust(12) for v in row))
    names = ("source_id", "kind", "user", "agent", "session", "speaker", "position")
    return tuple(Source(**dict(zip(names, row, strict=False)), metadata=json.loads(row[-1])) for row in rows)


def keys_in_order(db: sqlite3.Connection, namespace_key: int) -> list[int]:
    """Rows of all memories of a namespace, by memory_id."""
    sql = "SELECT memory_key FROM memories WHERE namespace_key = ? ORDER BY memory_id"
    return [row[0] for row in db.execute(sql, (namespace_key,))]


def unextracted(db: sqlite3.Connection, namespace_key: int, state: str = "pending") -> list[int]:
    """Rows of the passages in a state, memory by memory."""
    sql = "SELECT passage_key FROM passages WHERE namespace_key = ? AND state = ? ORDER BY memory_key, ordinal"
    return [row[0] for row in db.execute(sql, (namespace_key, state))]


def texts(db: sqlite3.Connection, passage_keys: Iterable[int]) -> dict[int, PassageRow]:
    """Passages by row number, in the order asked for; those that are gone are left out.

    A memory's text is read once for all of its passages, and cut here: cutting in SQL would walk a long text from its start
    for every passage.
    """
    keys = list(passage_keys)
    found: dict[int, PassageRow] = {}
    for start in range(0, len(keys), _MARKS):
        block = keys[start : start + _MARKS]
        slices = _by_key(
            db, "SELECT passage_key, passage_id, memory_key, start, stop FROM passages WHERE passage_key IN", block
        )
        memory_keys = dict.fromkeys(memory_key for _, memory_key, _, _ in slices.values())
        memories = _by_key(db, "SELECT memory_key, title, text FROM memories WHERE memory_key IN", list(memory_keys))
        for key in block:
            passage_id, memory_key, first, stop = slices.get(key, ("", None, 0, 0))
            if memory_key in memories:  # else forgotten, perhaps between the two queries
                title, text = memories[memory_key]
                found[key] = PassageRow(key, passage_id, memory_key, title, text[first:stop])
    return found


def _by_key(db: sqlite3.Connection, select: str, keys: Sequence[int]) -> dict[int, tuple[Any, ...]]:
    """Rows of a query that ends in IN, by their first column."""
    return {row[0]: row[1:] for row in db.execute(f"{select} ({','.join('?' * len(keys))})", keys)}


def state(db: sqlite3.Connection, passage_key: int) -> str | None:
    """The state of a passage; None for one that is gone."""
    row = db.execute("SELECT state FROM passages WHERE passage_key = ?", (passage_key,)).fetchone()
    return None if row is None else str(row[0])


def set_state(db: sqlite3.Connection, passage_key: int, state: str, error: str | None = None) -> None:
    """Move a passage to a state; a failure counts an attempt and keeps the reason."""
    db.execute(
        "UPDATE passages SET state = ?, error = ?, attempts = attempts + ? WHERE passage_key = ?",
        (state, error, int(state == "failed"), passage_key),
    )


def failures(db: sqlite3.Connection, namespace_key: int) -> list[tuple[str, str, int]]:
    """(passage_id, reason, attempts) of every failed passage, by passage_id."""
    sql = "SELECT passage_id, error, attempts FROM passages WHERE namespace_key = ? AND state = 'failed' ORDER BY 1"
    return [tuple(row) for row in db.execute(sql, (namespace_key,))]
