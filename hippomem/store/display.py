"""What a person reads for a row: names and statements in the words of the memories themselves.

visible, wherever it is given: whose words may be shown; None for everybody's.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Sequence
from typing import Any, Protocol

from hippomem.text.fold import fold
from hippomem.types import Triple

#: Mentions looked at to choose a name's spelling: of a name that half of all memories hold, those stored first are enough.
_ENOUGH = 200


class Visible(Protocol):
    """What a filter leaves of a namespace, in rows of the store."""

    def facts_naming(self, entity_key: int) -> list[int]:
        """Facts that mention an entity, or have it as title."""
        ...

    def passages_stating(self, fact_keys: Sequence[int]) -> list[int]:
        """Passages that state one of these facts."""
        ...


def entity_name(db: sqlite3.Connection, entity_key: int, visible: Visible | None = None) -> str:
    """An entity's most common spelling (ties: the first in alphabetical order), its key when nothing better is known."""
    key = str(db.execute("SELECT key FROM entities WHERE entity_key = ?", (entity_key,)).fetchone()[0])
    facts = None if visible is None else visible.facts_naming(entity_key)
    sql = "SELECT surface FROM mentions WHERE entity_key = ? AND roles & 7"
    spellings = Counter(row[0] for row in _first(db, sql, entity_key, fact_key=facts))
    if not spellings:
        passages = None if visible is None or facts is None else visible.passages_stating(facts)
        sql = "SELECT statement FROM mentions JOIN contributions USING (fact_key) WHERE entity_key = ?"
        for (statement,) in _first(db, sql, entity_key, fact_key=facts, passage_key=passages):
            subject, _, obj = json.loads(statement)
            spellings.update(name for name in (subject, obj) if fold(name) == key)
    return min(spellings, key=lambda name: (-spellings[name], name)) if spellings else key


def fact_statement(db: sqlite3.Connection, fact_key: int, visible: Visible | None = None) -> str:
    """A sentence as it stands; a triple as "subject — predicate — object", as the extractor wrote it."""
    kind, obj = db.execute("SELECT kind, object FROM facts WHERE fact_key = ?", (fact_key,)).fetchone()
    if kind == "sentence":
        return str(obj)
    return " — ".join(_said(db, fact_key, visible))


def fact_triple(db: sqlite3.Connection, fact_key: int, visible: Visible | None = None) -> Triple:
    """A fact as a triple; a sentence is (title, "states", sentence)."""
    kind, subject, obj = db.execute(
        "SELECT kind, subject, object FROM facts WHERE fact_key = ?", (fact_key,)
    ).fetchone()
    return Triple(subject, "states", obj) if kind == "sentence" else Triple(*_said(db, fact_key, visible))


def _said(db: sqlite3.Connection, fact_key: int, visible: Visible | None) -> tuple[str, str, str]:
    passages = None if visible is None else visible.passages_stating([fact_key])
    sql = "SELECT min(statement) FROM contributions WHERE fact_key = ?"
    ((statement,),) = _first(db, sql, fact_key, passage_key=passages)
    subject, predicate, obj = json.loads(statement)
    return subject, predicate, obj


def _first(db: sqlite3.Connection, sql: str, key: int, **among: list[int] | None) -> list[tuple[Any, ...]]:
    """The first `_ENOUGH` rows of a query with one key. among: column → rows that count; None for all."""
    given = {column: json.dumps(rows) for column, rows in among.items() if rows is not None}
    # As one value each: a statement takes few values, and these may be many.
    where = "".join(f" AND {column} IN (SELECT value FROM json_each(?))" for column in given)
    # What is stored first counts, whichever index SQLite takes.
    order = f" ORDER BY {', '.join(['roles'] * ('fact_key' in given) + list(given))}" if given else ""
    return db.execute(f"{sql}{where}{order} LIMIT ?", (key, *given.values(), _ENOUGH)).fetchall()
