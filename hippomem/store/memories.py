"""Rows of memories: what was handed in, what it said before, and the ids that it is known by."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from hippomem.errors import InputError, NotFoundError
from hippomem.store import claims, passages, sources
from hippomem.store.blocks import blocks
from hippomem.store.filters import OPEN, Filter
from hippomem.store.passages import by_key
from hippomem.text import ids
from hippomem.text.dates import iso_of, moment
from hippomem.types import Document, MemoryRecord, MemoryVersion, Source

#: That a memory has not expired.
_THERE = "(expires IS NULL OR expires > ?)"


class Inserted(NamedTuple):
    """What became of a document: the row and id of its memory, and whether it was new."""

    memory_key: int
    memory_id: str
    is_new: bool


def insert(
    db: sqlite3.Connection,
    namespace_key: int,
    namespace: str,
    documents: Sequence[tuple[Document, Sequence[tuple[int, int]]]],
    now: datetime,
) -> list[Inserted]:
    """Store documents, given with the slices of their passages, as memories with ``pending`` passages.

    A document that equals a memory, or one before it, adds its source to that memory.
    Raises NotFoundError for a memory that one is said to supersede and that is not there.
    """
    recorded_at, recorded = now.isoformat(timespec="seconds"), clock(db, now)
    superseded = [[find(db, namespace_key, some_id) for some_id in document.supersedes] for document, _ in documents]
    contents = [ids.content_id(d.title, d.text, d.occurred_at) for d, _ in documents]
    known = _memories_with(db, namespace_key, contents)
    # A memory that began with one of these contents, was updated and kept its id has the id that the content would get.
    plain = {content: ids.memory_id(namespace, content) for content in contents if content not in known}
    taken = _taken(db, list(plain.values()))
    memory_key = int(db.execute("SELECT coalesce(max(memory_key), 0) + 1 FROM memories").fetchone()[0])
    inserted: list[Inserted] = []
    rows: dict[str, list[tuple[Any, ...]]] = {"memories": [], "sources": [], "passages": []}
    again = []
    for number, ((document, slices), content) in enumerate(zip(documents, contents, strict=True)):
        if content in known:
            again.append((known[content][0], document, recorded + 1e-6 * number))
            inserted.append(Inserted(*known[content], False))
            continue
        memory_id, copy = plain[content], 0
        while memory_id in taken:
            copy += 1
            memory_id = ids.memory_id(namespace, content, copy)
            taken |= _taken(db, [memory_id])
        known[content] = memory_key, memory_id
        inserted.append(Inserted(memory_key, memory_id, True))
        title, text, occurred_at = document.title, document.text, document.occurred_at
        times = (occurred_at, _moment(occurred_at), _moment(document.expires_at), recorded_at)
        rows["memories"].append((memory_key, namespace_key, memory_id, content, title, text, *times))
        rows["sources"].append((*sources.row_of(memory_key, document), recorded + 1e-6 * number))
        rows["passages"] += passages.rows_of(namespace_key, memory_key, content, slices)
        memory_key += 1
    db.executemany(
        "INSERT INTO memories (memory_key, namespace_key, memory_id, content_id, title, text, occurred_at, happened,"
        " expires, recorded_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        rows["memories"],
    )
    db.executemany(sources.INSERT, rows["sources"])
    passages.insert(db, rows["passages"])
    # Who speaks is part of a claim, so that only another source can make others: a corpus indexed again costs no reading.
    claims.read(db, namespace_key, [key for key, document, at in again if sources.hear_again(db, key, document, at)])
    db.executemany(
        "INSERT OR IGNORE INTO supersedes SELECT ?1, ?2 WHERE ?1 <> ?2",
        [(made.memory_key, older) for made, olders in zip(inserted, superseded, strict=True) for older in olders],
    )
    return inserted


def clock(db: sqlite3.Connection, now: datetime) -> float:
    """A time for the first of some new documents that is later than that of all stored ones."""
    newest = db.execute("SELECT max(recorded) FROM sources").fetchone()[0]
    return max(moment(now.isoformat()), 0.0 if newest is None else newest + 1e-6)


def _moment(iso: str | None) -> float | None:
    return None if iso is None else moment(iso)


def _memories_with(db: sqlite3.Connection, namespace_key: int, contents: Sequence[str]) -> dict[str, tuple[int, str]]:
    """content_id → (row, memory_id), of the memories that are there."""
    found: dict[str, tuple[int, str]] = {}
    sql = "SELECT content_id, memory_key, memory_id FROM memories WHERE namespace_key = ? AND content_id IN"
    for marks, block in blocks(contents):
        rows = db.execute(f"{sql} ({marks})", (namespace_key, *block))
        found.update((row[0], (row[1], row[2])) for row in rows)
    return found


def _taken(db: sqlite3.Connection, memory_ids: Sequence[str]) -> set[str]:
    """Those of the ids that a memory has."""
    taken: set[str] = set()
    for marks, block in blocks(memory_ids):
        rows = db.execute(f"SELECT memory_id FROM memories WHERE memory_id IN ({marks})", block)
        taken.update(row[0] for row in rows)
    return taken


def find(db: sqlite3.Connection, namespace_key: int | None, some_id: str, *, now: float = -math.inf) -> int:
    """The row of the memory with that memory_id, or that has a passage or source of that id, within one namespace.

    now: a memory that has expired by then is not found.

    Raises NotFoundError (a memory of another namespace is not found), InputError for a source id of several memories.
    """
    by_memory = f"SELECT memory_key FROM memories WHERE namespace_key = ? AND memory_id = ? AND {_THERE}"
    by_passage = (
        "SELECT memory_key FROM memories JOIN passages USING (memory_key)"
        f" WHERE passages.namespace_key = ? AND passage_id = ? AND {_THERE}"
    )
    for sql in (by_memory, by_passage):
        row = db.execute(sql, (namespace_key, some_id, now)).fetchone()
        if row is not None:
            return int(row[0])
    rows = db.execute(
        "SELECT DISTINCT memory_id, memory_key FROM memories JOIN sources USING (memory_key)"
        f" WHERE namespace_key = ? AND source_id = ? AND {_THERE} ORDER BY memory_id",
        (namespace_key, some_id, now),
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
    """The id and times of a memory, where it came from, and the caller's own ids of it, sorted."""

    memory_id: str
    occurred_at: str | None
    recorded_at: str
    sources: tuple[Source, ...]
    source_ids: tuple[str, ...]


def heads(db: sqlite3.Connection, memory_keys: Iterable[int], *, allowed: Filter = OPEN) -> dict[int, Head]:
    """Ids, times and sources of memories, for hits; those deleted meanwhile are left out.

    allowed: only sources that pass are told.
    """
    found: dict[int, Head] = {}
    keys = list(dict.fromkeys(memory_keys))
    for _, block in blocks(keys):
        told = sources.of_memories(db, block, allowed=allowed)
        rows = by_key(
            db, "SELECT memory_key, memory_id, occurred_at, recorded_at FROM memories WHERE memory_key IN", block
        )
        for key, row in rows.items():
            each = tuple(told.get(key, ()))
            memory_id, occurred_at, recorded_at = row
            found[key] = Head(
                memory_id,
                occurred_at,
                recorded_at,
                each,
                tuple(sorted({s.source_id for s in each if s.source_id is not None})),
            )
    return found


def is_there(db: sqlite3.Connection, memory_key: int) -> bool:
    """Whether a memory still exists."""
    return db.execute("SELECT 1 FROM memories WHERE memory_key = ?", (memory_key,)).fetchone() is not None


def record(db: sqlite3.Connection, memory_key: int, *, now: float, allowed: Filter = OPEN) -> MemoryRecord:
    """A memory with its sources and passages. allowed: only sources that pass are told."""
    namespace_key, memory_id, namespace, title, text, occurred_at, recorded_at, expires = db.execute(
        "SELECT namespace_key, memory_id, name, title, text, occurred_at, recorded_at, expires"
        " FROM memories JOIN namespaces USING (namespace_key) WHERE memory_key = ?",
        (memory_key,),
    ).fetchone()
    pieces = db.execute(
        "SELECT passage_id, state FROM passages WHERE memory_key = ? ORDER BY ordinal", (memory_key,)
    ).fetchall()
    newer = claims.retires(db, namespace_key, memory_key, now=now)
    older = db.execute(
        "SELECT memory_id FROM supersedes JOIN memories ON memories.memory_key = older_key WHERE supersedes.memory_key = ?"
        " ORDER BY memory_id",
        (memory_key,),
    )
    return MemoryRecord(
        memory_id=memory_id,
        namespace=namespace,
        title=title,
        text=text,
        occurred_at=occurred_at,
        recorded_at=recorded_at,
        sources=tuple(sources.of_memories(db, [memory_key], allowed=allowed).get(memory_key, ())),
        passage_ids=tuple(row[0] for row in pieces),
        states=tuple(row[1] for row in pieces),
        expires_at=None if expires is None else iso_of(expires),
        superseded_by=None if newer is None else memory_id_of(db, newer),
        supersedes=tuple(row[0] for row in older),
    )


def memory_id_of(db: sqlite3.Connection, memory_key: int) -> str:
    """The id of a memory that is there."""
    return str(db.execute("SELECT memory_id FROM memories WHERE memory_key = ?", (memory_key,)).fetchone()[0])


def history(db: sqlite3.Connection, memory_key: int) -> tuple[MemoryVersion, ...]:
    """What a memory said, oldest first; the last is what it says now."""
    rows = db.execute(
        "SELECT title, text, occurred_at, recorded_at, replaced_at FROM versions WHERE memory_key = ? ORDER BY version",
        (memory_key,),
    ).fetchall()
    title, text, occurred_at, recorded_at = db.execute(
        "SELECT title, text, occurred_at, recorded_at FROM memories WHERE memory_key = ?", (memory_key,)
    ).fetchone()
    since = rows[-1][4] if rows else recorded_at
    return (*(MemoryVersion(*row) for row in rows), MemoryVersion(title, text, occurred_at, since))


def delete(db: sqlite3.Connection, memory_key: int) -> None:
    """Delete a memory with its sources and passages. Its statements must have been withdrawn."""
    db.execute("DELETE FROM memories WHERE memory_key = ?", (memory_key,))


def keep_version(db: sqlite3.Connection, memory_key: int, now: datetime) -> None:
    """Put what a memory says now into its history."""
    db.execute(
        "INSERT INTO versions SELECT memory_key, (SELECT coalesce(max(version), 0) + 1 FROM versions WHERE memory_key = ?1),"
        " title, text, occurred_at,"
        " coalesce((SELECT max(replaced_at) FROM versions WHERE memory_key = ?1), recorded_at), ?2"
        " FROM memories WHERE memory_key = ?1",
        (memory_key, now.isoformat(timespec="seconds")),
    )


def drop_versions(db: sqlite3.Connection, memory_key: int) -> None:
    """Forget what a memory said before."""
    db.execute("DELETE FROM versions WHERE memory_key = ?", (memory_key,))


def replace_content(
    db: sqlite3.Connection,
    namespace_key: int,
    memory_key: int,
    document: Document,
    slices: Sequence[tuple[int, int]],
    now: datetime,
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
        "UPDATE memories SET content_id = ?, title = ?, text = ?, occurred_at = ?, happened = ? WHERE memory_key = ?",
        (content, document.title, document.text, document.occurred_at, _moment(document.occurred_at), memory_key),
    )
    # What it says now is as new as now.
    db.execute("UPDATE sources SET recorded = ? WHERE memory_key = ?", (clock(db, now), memory_key))
    passages.insert(db, passages.rows_of(namespace_key, memory_key, content, slices))


def set_expiry(db: sqlite3.Connection, memory_key: int, expires_at: str | None) -> None:
    """From when on a memory is forgotten; None for never."""
    db.execute("UPDATE memories SET expires = ? WHERE memory_key = ?", (_moment(expires_at), memory_key))


def next_ids(db: sqlite3.Connection, namespace_key: int, after: str, limit: int) -> list[tuple[int, str]]:
    """(row, memory_id) of the next memories behind a memory_id ("" for the first)."""
    sql = "SELECT memory_key, memory_id FROM memories WHERE namespace_key = ? AND memory_id > ? ORDER BY memory_id LIMIT ?"
    return db.execute(sql, (namespace_key, after, limit)).fetchall()
