"""Rows of synonym edges: for each entity its nearest names, nearest first, at most ``top_k``."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence


def save(db: sqlite3.Connection, lists: Mapping[int, Sequence[tuple[int, float]]]) -> None:
    """Replace the lists of these entities."""
    db.executemany("DELETE FROM synonyms WHERE entity_key = ?", [(key,) for key in lists])
    db.executemany(
        "INSERT INTO synonyms VALUES (?, ?, ?)",
        sorted((key, other, similarity) for key, pairs in lists.items() for other, similarity in pairs),
    )


def unlinked(db: sqlite3.Connection, namespace_key: int, limit: int) -> list[int]:
    """Embedded entities whose neighbours have not been searched yet, the first *limit* of them."""
    sql = (
        "SELECT entity_key FROM entities INDEXED BY entities_unlinked"
        " WHERE namespace_key = ? AND NOT linked AND vector IS NOT NULL ORDER BY entity_key LIMIT ?"
    )
    return [row[0] for row in db.execute(sql, (namespace_key, limit))]


def set_linked(db: sqlite3.Connection, entity_keys: Iterable[int]) -> None:
    """Remember that these entities' neighbours have been searched."""
    db.executemany("UPDATE entities SET linked = 1 WHERE entity_key = ?", [(key,) for key in entity_keys])


def of(db: sqlite3.Connection, entity_key: int) -> list[tuple[int, float]]:
    """An entity's list as (row, similarity), unordered."""
    sql = "SELECT other_key, similarity FROM synonyms WHERE entity_key = ?"
    return [(row[0], row[1]) for row in db.execute(sql, (entity_key,))]


def full_lists_with(db: sqlite3.Connection, entity_keys: Iterable[int], top_k: int) -> set[int]:
    """Entities whose full list names one of *entity_keys*: when those go, the lists have room for what was cut off."""
    found: set[int] = set()
    for key in entity_keys:
        rows = db.execute("SELECT entity_key FROM synonyms WHERE other_key = ?", (key,)).fetchall()
        for (holder,) in rows:
            if db.execute("SELECT count(*) FROM synonyms WHERE entity_key = ?", (holder,)).fetchone()[0] >= top_k:
                found.add(holder)
    return found
