"""Which passage names what, read whole: for what is computed over all passages of a namespace, in blocks of rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from hippomem.store.blocks import blocks
from hippomem.store.facts import GAZETTEER, SPAN, TITLE

Ints = NDArray[np.int64]

#: Passages read at a time: a few hundred thousand mentions, some ten megabytes.
_BLOCK = 5_000
_NAMES = (
    "SELECT contributions.passage_key, entity_key,"
    f" total((roles & {SPAN | GAZETTEER}) > 0), max((roles & {TITLE}) > 0)"
    " FROM passages CROSS JOIN contributions USING (passage_key) CROSS JOIN mentions USING (fact_key)"
    # The plus keeps SQLite from the index of namespaces, which it would read whole for each block.
    f" WHERE +passages.namespace_key = ? AND roles & {SPAN | GAZETTEER | TITLE} AND "
)
_GROUPS = " GROUP BY 1, 2"


def lengths(db: sqlite3.Connection, namespace_key: int) -> Ints:
    """(n, 3) rows of passages, rows of their memories, and their characters, in order of passage_id."""
    return _array(
        db.execute(
            "SELECT passage_key, memory_key, stop - start FROM passages WHERE namespace_key = ? ORDER BY passage_id",
            (namespace_key,),
        ),
        columns=3,
    )


def lengths_around(db: sqlite3.Connection, namespace_key: int, passage_keys: Sequence[int]) -> Ints:
    """`lengths` of all passages of the memories that some passages are of."""
    found: dict[str, tuple[int, ...]] = {}
    for marks, part in blocks(passage_keys):
        rows = db.execute(
            "SELECT passage_id, passage_key, memory_key, stop - start FROM passages WHERE +namespace_key = ?"
            f" AND memory_key IN (SELECT memory_key FROM passages WHERE passage_key IN ({marks}))",
            (namespace_key, *part),
        )
        found.update((row[0], row[1:]) for row in rows)
    return np.array([found[passage_id] for passage_id in sorted(found)], dtype=np.int64).reshape(-1, 3)


def names_of_all(db: sqlite3.Connection, namespace_key: int, passage_keys: Ints) -> Iterator[Ints]:
    """What the sentences of a namespace's passages name, in blocks: (m, 4) row of the passage, row of the entity, how
    many of the passage's sentences name it in their own words, and whether it is its title; each pair once.

    passage_keys: all rows of passages, in any order: they only say where to cut.
    """
    ordered = np.sort(passage_keys)
    for start in range(0, len(ordered), _BLOCK):
        ends = int(ordered[start]), int(ordered[min(start + _BLOCK, len(ordered)) - 1])
        yield _array(
            db.execute(f"{_NAMES} passages.passage_key BETWEEN ? AND ? {_GROUPS}", (namespace_key, *ends)), columns=4
        )


def names_of(db: sqlite3.Connection, namespace_key: int, passage_keys: Sequence[int]) -> Ints:
    """`names_of_all` of some passages."""
    found = [np.empty((0, 4), dtype=np.int64)]
    for marks, part in blocks(passage_keys):
        cursor = db.execute(f"{_NAMES} passages.passage_key IN ({marks}) {_GROUPS}", (namespace_key, *part))
        found.append(_array(cursor, columns=4))
    return np.concatenate(found)


def passages_naming(db: sqlite3.Connection, entity_key: int, *, roles: int, at_most: int) -> int:
    """How many passages have a sentence that mentions the entity in one of the roles (a bit sum); at most *at_most*."""
    sql = (
        "SELECT count(*) FROM (SELECT DISTINCT passage_key FROM mentions CROSS JOIN contributions USING (fact_key)"
        " WHERE entity_key = ? AND roles & ? LIMIT ?)"
    )
    return int(db.execute(sql, (entity_key, roles, at_most)).fetchone()[0])


def count_passages(db: sqlite3.Connection, namespace_key: int) -> int:
    """How many passages a namespace has."""
    return int(db.execute("SELECT count(*) FROM passages WHERE namespace_key = ?", (namespace_key,)).fetchone()[0])


def _array(cursor: sqlite3.Cursor, *, columns: int) -> Ints:
    """Rows of whole numbers; never all of them as Python objects at once."""
    blocks = [np.empty((0, columns), dtype=np.int64)]
    while rows := cursor.fetchmany(65_536):
        blocks.append(np.array(rows, dtype=np.int64))
    return np.concatenate(blocks)
