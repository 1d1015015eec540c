"""What a person reads for a row: names and statements in the words of the memories themselves."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter

from hippomem.text.fold import fold
from hippomem.types import Triple

#: Mentions looked at to choose a name's spelling: of a name that half of all memories hold, those stored first are enough.
_ENOUGH = 200


def entity_name(db: sqlite3.Connection, entity_key: int) -> str:
    """An entity's most common spelling (ties: the first in alphabetical order), its key when nothing better is known."""
    key = str(db.execute("SELECT key FROM entities WHERE entity_key = ?", (entity_key,)).fetchone()[0])
    spellings: Counter[str] = Counter()
    rows = db.execute("SELECT surface FROM mentions WHERE entity_key = ? AND roles & 7 LIMIT ?", (entity_key, _ENOUGH))
    spellings.update(row[0] for row in rows)
    if not spellings:
        rows = db.execute(
            "SELECT statement FROM mentions JOIN contributions USING (fact_key) WHERE entity_key = ? LIMIT ?",
            (entity_key, _ENOUGH),
        )
        for (statement,) in rows:
            subject, _, obj = json.loads(statement)
            spellings.update(name for name in (subject, obj) if fold(name) == key)
    return min(spellings, key=lambda name: (-spellings[name], name)) if spellings else key


def fact_statement(db: sqlite3.Connection, fact_key: int) -> str:
    """A sentence as it stands; a triple as "subject — predicate — object", as the extractor wrote it."""
    kind, obj = db.execute("SELECT kind, object FROM facts WHERE fact_key = ?", (fact_key,)).fetchone()
    if kind == "sentence":
        return str(obj)
    return " — ".join(_said(db, fact_key))


def fact_triple(db: sqlite3.Connection, fact_key: int) -> Triple:
    """A fact as a triple; a sentence is (title, "states", sentence)."""
    kind, subject, obj = db.execute(
        "SELECT kind, subject, object FROM facts WHERE fact_key = ?", (fact_key,)
    ).fetchone()
    return Triple(subject, "states", obj) if kind == "sentence" else Triple(*_said(db, fact_key))


def _said(db: sqlite3.Connection, fact_key: int) -> tuple[str, str, str]:
    row = db.execute("SELECT min(statement) FROM contributions WHERE fact_key = ?", (fact_key,)).fetchone()
    subject, predicate, obj = json.loads(row[0])
    return subject, predicate, obj
