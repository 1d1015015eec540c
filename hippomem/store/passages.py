"""Rows of passages: the slices of memories that are ranked, and how far each has come."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from hippomem.store.blocks import blocks
from hippomem.text import ids

#: What lets SQLite use the index of unfinished passages: it draws no conclusions from the state that is asked for.
_UNFINISHED = "namespace_key = ? AND state <> 'ready'"


class PassageRow(NamedTuple):
    """A passage with its text cut out of its memory."""

    passage_key: int
    passage_id: str
    memory_key: int
    title: str
    text: str


def insert(db: sqlite3.Connection, rows: Iterable[tuple[int, int, str, int, int, int]]) -> None:
    """Store passages as `rows_of` gives them, ``pending``."""
    db.executemany(
        "INSERT INTO passages (namespace_key, memory_key, passage_id, ordinal, start, stop, state)"
        " VALUES (?, ?, ?, ?, ?, ?, 'pending')",
        rows,
    )


def rows_of(
    namespace_key: int, memory_key: int, content: str, slices: Sequence[tuple[int, int]]
) -> list[tuple[int, int, str, int, int, int]]:
    """Rows of the passages of a memory with that content, for `insert`."""
    return [
        (namespace_key, memory_key, ids.passage_id(content, ordinal), ordinal, start, stop)
        for ordinal, (start, stop) in enumerate(slices)
    ]


def keys_of(db: sqlite3.Connection, *memory_keys: int) -> list[int]:
    """Rows of the passages of memories, in order."""
    found: list[int] = []
    for marks, block in blocks(memory_keys):
        sql = f"SELECT passage_key FROM passages WHERE memory_key IN ({marks}) ORDER BY memory_key, ordinal"
        found += [row[0] for row in db.execute(sql, block)]
    return found


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
    for _, block in blocks(keys):
        slices = by_key(
            db, "SELECT passage_key, passage_id, memory_key, start, stop FROM passages WHERE passage_key IN", block
        )
        memory_keys = dict.fromkeys(memory_key for _, memory_key, _, _ in slices.values())
        memories = by_key(db, "SELECT memory_key, title, text FROM memories WHERE memory_key IN", list(memory_keys))
        for key in block:
            passage_id, memory_key, first, stop = slices.get(key, ("", None, 0, 0))
            if memory_key in memories:  # else forgotten, perhaps between the two queries
                title, text = memories[memory_key]
                found[key] = PassageRow(key, passage_id, memory_key, title, text[first:stop])
    return found


def states(db: sqlite3.Connection, passage_keys: Sequence[int]) -> dict[int, str]:
    """The states of those of the passages that are there."""
    found: dict[int, str] = {}
    for _, block in blocks(passage_keys):
        rows = by_key(db, "SELECT passage_key, state FROM passages WHERE passage_key IN", block)
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


def by_key(db: sqlite3.Connection, select: str, keys: Sequence[int]) -> dict[int, tuple[Any, ...]]:
    """Rows of a query that ends in IN, by their first column."""
    return {row[0]: row[1:] for row in db.execute(f"{select} ({','.join('?' * len(keys))})", keys)}
