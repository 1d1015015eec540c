"""What a person reads for a row: names and statements in the words of the memories themselves.

visible, wherever it is given: whose words may be shown; None for everybody's.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Sequence
from typing import Protocol

from hippomem.text.fold import fold
from hippomem.types import Triple

#: Mentions looked at to choose a name's spelling: of a name that half of all memories hold, those stored first are enough.
_ENOUGH = 200
#: In the order of the index on entities, whichever way SQLite would go: a filter that leaves all changes no name.
_FIRST = " ORDER BY roles, fact_key LIMIT ?"


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
    only, rows = _only("fact_key", facts)
    sql = f"SELECT surface FROM mentions WHERE entity_key = ? AND roles & 7{only}{_FIRST}"
    spellings = Counter(row[0] for row in db.execute(sql, (entity_key, *rows, _ENOUGH)))
    if not spellings:
        said, by = _only("passage_key", None if visible is None or facts is None else visible.passages_stating(facts))
        sql = f"SELECT statement FROM mentions JOIN contributions USING (fact_key) WHERE entity_key = ?{only}{said}{_FIRST}"
        for (statement,) in db.execute(sql, (entity_key, *rows, *by, _ENOUGH)):
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
    said, by = _only("passage_key", None if visible is None else visible.passages_stating([fact_key]))
    row = db.execute(f"SELECT min(statement) FROM contributions WHERE fact_key = ?{said}", (fact_key, *by)).fetchone()
    subject, predicate, obj = json.loads(row[0])
    return subject, predicate, obj


def _only(column: str, rows: list[int] | None) -> tuple[str, tuple[str, ...]]:
    """A further condition and its value, none for None. All rows are one value: SQLite takes few, and these may be many."""
    return ("", ()) if rows is None else (f" AND {column} IN (SELECT value FROM json_each(?))", (json.dumps(rows),))
