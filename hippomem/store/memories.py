"""Rows of memories, their sources and their passages."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from hippomem.errors import InputError, NotFoundError
from hippomem.store import claims
from hippomem.store.filters import OPEN, Filter
from hippomem.text import ids
from hippomem.text.dates import iso_of, moment
from hippomem.types import Document, MemoryRecord, MemoryVersion, Source

#: Values bound in one statement: far below SQLite's limit.
_MARKS = 500
#: That a memory has not expired.
_THERE = "(expires IS NULL OR expires > ?)"
#: What lets SQLite use the index of unfinished passages: it draws no conclusions from the state that is asked for.
_UNFINISHED = "namespace_key = ? AND state <> 'ready'"


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
    documents: Sequence[tuple[Document, Sequence[tuple[int, int]]]],
    now: datetime,
) -> list[Inserted]:
    """Store documents, given with the slices of their passages, as memories with ``pending`` passages.

    A document that equals a memory, or one before it, adds its source to that memory.
    Raises NotFoundError for a memory that one is said to supersede and that is not there.
    """
    recorded_at, recorded = now.isoformat(timespec="seconds"), _clock(db, now)
    superseded = [[find(db, namespace_key, some_id) for some_id in document.supersedes] for document, _ in documents]
    contents = [ids.content_id(d.title, d.text, d.occurred_at) for d, _ in documents]
    known = _memories_with(db, namespace_key, contents)
    # A memory that began with one of these contents, was updated and kept its id has the id that the content would get.
    plain = {content: ids.memory_id(namespace, content) for content in contents if content not in known}
    taken = _taken(db, list(plain.values()))
    memory_key = int(db.execute("SELECT coalesce(max(memory_key), 0) + 1 FROM memories").fetchone()[0])
    inserted: list[Inserted] = []
    memories, sources, passages, again = [], [], [], []
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
        memories.append((memory_key, namespace_key, memory_id, content, title, text, *times))
        sources.append((*_source_row(memory_key, document), recorded + 1e-6 * number))
        passages += _passage_rows(namespace_key, memory_key, content, slices)
        memory_key += 1
    db.executemany(
        "INSERT INTO memories (memory_key, namespace_key, memory_id, content_id, title, text, occurred_at, happened, expires,"
        " recorded_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        memories,
    )
    db.executemany(_INSERT_SOURCE, sources)
    db.executemany(_INSERT_PASSAGE, passages)
    for key, document, at in again:
        _hear_again(db, key, document, at)
    claims.read(db, namespace_key, [key for key, _, _ in again])
    db.executemany(
        "INSERT OR IGNORE INTO supersedes SELECT ?1, ?2 WHERE ?1 <> ?2",
        [(made.memory_key, older) for made, olders in zip(inserted, superseded, strict=True) for older in olders],
    )
    return inserted


def _clock(db: sqlite3.Connection, now: datetime) -> float:
    """A time for the first of some new documents that is later than that of all stored ones."""
    newest = db.execute("SELECT max(recorded) FROM sources").fetchone()[0]
    return max(moment(now.isoformat()), 0.0 if newest is None else newest + 1e-6)


def _moment(iso: str | None) -> float | None:
    return None if iso is None else moment(iso)


def _memories_with(db: sqlite3.Connection, namespace_key: int, contents: Sequence[str]) -> dict[str, tuple[int, str]]:
    """content_id → (row, memory_id), of the memories that are there."""
    found: dict[str, tuple[int, str]] = {}
    sql = "SELECT content_id, memory_key, memory_id FROM memories WHERE namespace_key = ? AND content_id IN"
    for start in range(0, len(contents), _MARKS):
        block = contents[start : start + _MARKS]
        rows = db.execute(f"{sql} ({','.join('?' * len(block))})", (namespace_key, *block))
        found.update((row[0], (row[1], row[2])) for row in rows)
    return found


def _taken(db: sqlite3.Connection, memory_ids: Sequence[str]) -> set[str]:
    """Those of the ids that a memory has."""
    taken: set[str] = set()
    for start in range(0, len(memory_ids), _MARKS):
        block = memory_ids[start : start + _MARKS]
        rows = db.execute(f"SELECT memory_id FROM memories WHERE memory_id IN ({','.join('?' * len(block))})", block)
        taken.update(row[0] for row in rows)
    return taken


_INSERT_PASSAGE = (
    "INSERT INTO passages (namespace_key, memory_key, passage_id, ordinal, start, stop, state)"
    " VALUES (?, ?, ?, ?, ?, ?, 'pending')"
)
_INSERT_SOURCE = (
    "INSERT INTO sources (memory_key, source_id, kind, user_id, agent_id, session_id, speaker, position, metadata, recorded)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def _passage_rows(
    namespace_key: int, memory_key: int, content: str, slices: Sequence[tuple[int, int]]
) -> list[tuple[int, int, str, int, int, int]]:
    return [
        (namespace_key, memory_key, ids.passage_id(content, ordinal), ordinal, start, stop)
        for ordinal, (start, stop) in enumerate(slices)
    ]


def _source_row(memory_key: int, document: Document) -> tuple[Any, ...]:
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
    )


def _hear_again(db: sqlite3.Connection, memory_key: int, document: Document, recorded: float) -> None:
    """Remember one more place that a memory came from; the same place twice is one, heard last now.

    What was to expire stays as long as the last of its documents asks for.
    """
    row = _source_row(memory_key, document)
    known = db.execute(
        "SELECT source_key FROM sources WHERE memory_key = ? AND source_id IS ? AND kind = ? AND user_id IS ?"
        " AND agent_id IS ? AND session_id IS ? AND speaker IS ? AND position IS ? AND metadata = ?",
        row,
    ).fetchone()
    if known is None:
        db.execute(_INSERT_SOURCE, (*row, recorded))
    else:
        db.execute("UPDATE sources SET recorded = max(recorded, ?) WHERE source_key = ?", (recorded, known[0]))
    db.execute(
        "UPDATE memories SET expires = CASE WHEN ?1 IS NULL THEN NULL ELSE max(expires, ?1) END"
        " WHERE memory_key = ?2 AND expires IS NOT NULL",
        (_moment(document.expires_at), memory_key),
    )


def find(db: sqlite3.Connection, namespace_key: int | None, some_id: str, *, now: float = -math.inf) -> int:
    """The row of the memory with that memory_id, or that has a passage or source of that id, within one namespace.

    now: a memory that has expired by then is not found.

    Raises NotFoundError (a memory of another namespace is not found), InputError for a source id of several memories.
    """
    for sql in (
        f"SELECT memory_key FROM memories WHERE namespace_key = ? AND memory_id = ? AND {_THERE}",
        "SELECT memory_key FROM memories JOIN passages USING (memory_key)"
        f" WHERE memories.namespace_key = ? AND passage_id = ? AND {_THERE}",
    ):
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
    for start in range(0, len(keys), _MARKS):
        block = keys[start : start + _MARKS]
        told = sources(db, block, allowed=allowed)
        rows = _by_key(
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
    passages = db.execute(
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
        sources=tuple(sources(db, [memory_key], allowed=allowed).get(memory_key, ())),
        passage_ids=tuple(row[0] for row in passages),
        states=tuple(row[1] for row in passages),
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


def passage_keys(db: sqlite3.Connection, memory_key: int) -> list[int]:
    """Rows of a memory's passages, in order."""
    sql = "SELECT passage_key FROM passages WHERE memory_key = ? ORDER BY ordinal"
    return [row[0] for row in db.execute(sql, (memory_key,))]


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
    db.execute("UPDATE sources SET recorded = ? WHERE memory_key = ?", (_clock(db, now), memory_key))
    db.executemany(_INSERT_PASSAGE, _passage_rows(namespace_key, memory_key, content, slices))


def set_expiry(db: sqlite3.Connection, memory_key: int, expires_at: str | None) -> None:
    """From when on a memory is forgotten; None for never."""
    db.execute("UPDATE memories SET expires = ? WHERE memory_key = ?", (_moment(expires_at), memory_key))


def set_sources(
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


def drop_sources(db: sqlite3.Connection, source_keys: Iterable[int]) -> None:
    """Delete sources; the memory must keep one."""
    db.executemany("DELETE FROM sources WHERE source_key = ?", [(key,) for key in source_keys])


def source_count(db: sqlite3.Connection, memory_key: int) -> int:
    """How many places a memory came from."""
    return int(db.execute("SELECT count(*) FROM sources WHERE memory_key = ?", (memory_key,)).fetchone()[0])


def next_position(db: sqlite3.Connection, namespace_key: int | None, session: str) -> int:
    """The turn number behind the last turn of a session; 0 in a new one."""
    sql = "SELECT max(position) + 1 FROM sources JOIN memories USING (memory_key) WHERE session_id = ? AND namespace_key = ?"
    return int(db.execute(sql, (session, namespace_key)).fetchone()[0] or 0)


def _json(metadata: Mapping[str, Any]) -> str:
    return json.dumps(dict(metadata), sort_keys=True, ensure_ascii=False)


def sources(db: sqlite3.Connection, memory_keys: Sequence[int], *, allowed: Filter = OPEN) -> dict[int, list[Source]]:
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


def next_ids(db: sqlite3.Connection, namespace_key: int, after: str, limit: int) -> list[tuple[int, str]]:
    """(row, memory_id) of the next memories behind a memory_id ("" for the first)."""
    sql = "SELECT memory_key, memory_id FROM memories WHERE namespace_key = ? AND memory_id > ? ORDER BY memory_id LIMIT ?"
    return db.execute(sql, (namespace_key, after, limit)).fetchall()


def in_state(
    db: sqlite3.Connection, namespace_key: int, state: str, *, after: int = -1, limit: int
) -> list[tuple[int, int]]:
    """(row, characters) of the first *limit* passages in a state, by row, behind a row."""
    sql = (
        f"SELECT passage_key, stop - start FROM passages INDEXED BY passages_unfinished WHERE {_UNFINISHED}"
        " AND state = ? AND passage_key > ? ORDER BY passage_key LIMIT ?"
    )
    return db.execute(sql, (namespace_key, state, after, limit)).fetchall()


def count_in_state(db: sqlite3.Connection, namespace_key: int, state: str) -> int:
    """How many passages are in a state."""
    sql = f"SELECT count(*) FROM passages INDEXED BY passages_unfinished WHERE {_UNFINISHED} AND state = ?"
    return int(db.execute(sql, (namespace_key, state)).fetchone()[0])


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


def states(db: sqlite3.Connection, passage_keys: Sequence[int]) -> dict[int, str]:
    """The states of those of the passages that are there."""
    found: dict[int, str] = {}
    for start in range(0, len(passage_keys), _MARKS):
        rows = _by_key(
            db, "SELECT passage_key, state FROM passages WHERE passage_key IN", passage_keys[start : start + _MARKS]
        )
        found.update((key, row[0]) for key, row in rows.items())
    return found


def set_states(db: sqlite3.Connection, rows: Iterable[tuple[int, str, str | None]]) -> None:
    """Move passages to states, given as (row, state, error); a failure counts an attempt and keeps the reason."""
    db.executemany(
        "UPDATE passages SET state = ?, error = ?, attempts = attempts + ? WHERE passage_key = ?",
        [(state, error, int(state == "failed"), key) for key, state, error in rows],
    )


def set_ready(db: sqlite3.Connection, passage_keys: Sequence[int] | None, namespace_key: int | None = None) -> int:
    """Move these passages, or all of a namespace, from ``extracted`` to ``ready``; returns how many."""
    if passage_keys is None:
        sql = f"UPDATE passages SET state = 'ready' WHERE {_UNFINISHED} AND state = 'extracted'"
        return db.execute(sql, (namespace_key,)).rowcount
    sql = "UPDATE passages SET state = 'ready' WHERE passage_key = ? AND state = 'extracted'"
    return db.executemany(sql, [(key,) for key in passage_keys]).rowcount


def failures(db: sqlite3.Connection, namespace_key: int) -> list[tuple[str, str, int]]:
    """(passage_id, reason, attempts) of every failed passage, by passage_id."""
    sql = "SELECT passage_id, error, attempts FROM passages WHERE namespace_key = ? AND state = 'failed' ORDER BY 1"
    return [tuple(row) for row in db.execute(sql, (namespace_key,))]
