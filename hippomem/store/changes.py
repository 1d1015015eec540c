"""The log of changes: which rows a reader's picture of the store has to read again.

Temporary triggers note every row that a transaction touches, so no code that writes can forget to; when the transaction
ends, the noted rows become the newest entries of ``changes``, in the same commit.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

PASSAGE, FACT, ENTITY = 1, 2, 3
#: From so many rows in one transaction on, a reader is better off reading everything again.
MANY = 20_000
#: Entries kept: a reader further behind than this reads everything again.
KEPT = 200_000

_NOTE = "INSERT INTO touched VALUES"
#: Table, event, what is noted.
_TRIGGERS = (
    ("passages", "INSERT", f"{_NOTE} (1, NEW.passage_key)"),
    ("passages", "UPDATE OF state, vector", f"{_NOTE} (1, NEW.passage_key)"),
    ("passages", "DELETE", f"{_NOTE} (1, OLD.passage_key)"),
    ("sources", "INSERT", "INSERT INTO touched SELECT 1, passage_key FROM main.passages WHERE memory_key = NEW.memory_key"),
    ("sources", "DELETE", "INSERT INTO touched SELECT 1, passage_key FROM main.passages WHERE memory_key = OLD.memory_key"),
    ("facts", "UPDATE OF vector", f"{_NOTE} (2, NEW.fact_key)"),
    ("facts", "DELETE", f"{_NOTE} (2, OLD.fact_key)"),
    ("contributions", "INSERT", f"{_NOTE} (2, NEW.fact_key), (1, NEW.passage_key)"),
    ("contributions", "DELETE", f"{_NOTE} (2, OLD.fact_key), (1, OLD.passage_key)"),
    ("mentions", "INSERT", f"{_NOTE} (2, NEW.fact_key)"),
    ("mentions", "UPDATE", f"{_NOTE} (2, NEW.fact_key)"),
    ("mentions", "DELETE", f"{_NOTE} (2, OLD.fact_key)"),
    ("entities", "INSERT", f"{_NOTE} (3, NEW.entity_key)"),
    ("entities", "DELETE", f"{_NOTE} (3, OLD.entity_key)"),
    ("synonyms", "INSERT", f"{_NOTE} (3, NEW.entity_key)"),
    ("synonyms", "DELETE", f"{_NOTE} (3, OLD.entity_key)"),
    # Another model: every vector is another, of rows that stay what they are.
    ("settings", "UPDATE", "INSERT INTO touched SELECT 0, 0 WHERE NEW.name = 'embedder'"),
)  # fmt: skip


def watch(db: sqlite3.Connection) -> None:
    """Have this connection note what its transactions touch. Call it once, before the first of them."""
    # Without a unique index: the conflict clause of a statement would take the place of that of the triggers it fires.
    # IF NOT EXISTS: the first attempt may have met a lock on its way.
    db.execute("CREATE TEMP TABLE IF NOT EXISTS touched (kind INTEGER NOT NULL, row INTEGER NOT NULL)")
    for number, (table, event, note) in enumerate(_TRIGGERS):
        db.execute(f"CREATE TEMP TRIGGER IF NOT EXISTS watch{number} AFTER {event} ON main.{table} BEGIN {note}; END")


def record(db: sqlite3.Connection) -> None:
    """Move what was noted into the log: the last statement of a transaction."""
    noted = db.execute("SELECT count(*) FROM temp.touched").fetchone()[0]
    if not noted:
        return
    distinct = "SELECT DISTINCT kind, row FROM temp.touched"
    # A row is noted about eight times while it is indexed.
    if noted > 20 * MANY or db.execute(f"SELECT count(*) FROM ({distinct})").fetchone()[0] > MANY:
        db.execute("INSERT INTO changes (kind, row) VALUES (0, 0)")
    else:
        db.execute(f"INSERT INTO changes (kind, row) {distinct} ORDER BY kind, row")
    db.execute("DELETE FROM temp.touched")
    newest = newest_sequence(db)
    db.execute("DELETE FROM changes WHERE sequence <= ?", (newest - KEPT,))


def newest_sequence(db: sqlite3.Connection) -> int:
    """The number of the newest change; 0 in a store that never changed."""
    row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'changes'").fetchone()
    return 0 if row is None else int(row[0])


@dataclass(frozen=True, slots=True)
class Changes:
    """Rows that changed, of all namespaces, each once, ascending."""

    passages: tuple[int, ...]
    facts: tuple[int, ...]
    entities: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.passages) + len(self.facts) + len(self.entities)


def since(db: sqlite3.Connection, sequence: int, *, at_most: int) -> Changes | None:
    """What changed after that number; None when it is more than *at_most* rows, or is not known any more."""
    oldest, entries = db.execute(
        "SELECT min(sequence), count(*) FROM (SELECT sequence FROM changes WHERE sequence > ? LIMIT ?)",
        (sequence, at_most + 1),
    ).fetchone()
    if newest_sequence(db) == sequence:
        return Changes((), (), ())
    if oldest != sequence + 1 or entries > at_most:
        return None
    rows = db.execute("SELECT DISTINCT kind, row FROM changes WHERE sequence > ? ORDER BY kind, row", (sequence,))
    found: dict[int, list[int]] = {0: [], PASSAGE: [], FACT: [], ENTITY: []}
    for kind, row in rows:
        found[kind].append(row)
    if found[0]:
        return None
    return Changes(tuple(found[PASSAGE]), tuple(found[FACT]), tuple(found[ENTITY]))


def token(db: sqlite3.Connection, sequence: int) -> int | None:
    """What tells the change of that number from another with the same number; None when it is not known any more."""
    if sequence == 0:
        return 0
    row = db.execute("SELECT token FROM changes WHERE sequence = ?", (sequence,)).fetchone()
    return None if row is None else int(row[0])
