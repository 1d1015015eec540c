"""Schema changes, one numbered SQL file each, applied in order and recorded in the store.

A file is never edited after a release; a change is a new file. Each runs in one transaction with its record: after a
crash the store has either the old schema or the new one.
"""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from importlib import resources
from typing import NamedTuple

from hippomem.store import vectors
from hippomem.text.dates import moment


class Migration(NamedTuple):
    """One step of the schema. version counts from 1 without gaps."""

    version: int
    name: str
    sql: str


def migrations() -> list[Migration]:
    """All migrations this hippomem knows, oldest first."""
    found = []
    for file in resources.files(__name__).iterdir():
        if file.name.endswith(".sql"):
            number, _, name = file.name.removesuffix(".sql").partition("_")
            found.append(Migration(int(number), name, file.read_text(encoding="utf-8")))
    return sorted(found)


def applied_version(db: sqlite3.Connection) -> int:
    """The newest migration recorded in the store; 0 for an empty file."""
    if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'migrations'").fetchone() is None:
        return 0
    return int(db.execute("SELECT coalesce(max(version), 0) FROM migrations").fetchone()[0])


def migrate(db: sqlite3.Connection) -> None:
    """Bring the store to the newest schema. The connection must be in autocommit mode and outside a transaction."""
    vectors.lend(db)
    db.create_function("moment", 1, moment, deterministic=True)
    for migration in migrations():
        db.execute("BEGIN IMMEDIATE")
        try:
            # Read inside the transaction: another process may have migrated while this one waited for the lock.
            if applied_version(db) < migration.version:
                for statement in _statements(migration.sql):
                    db.execute(statement)
                db.execute(
                    "CREATE TABLE IF NOT EXISTS migrations "
                    "(version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at TEXT NOT NULL)"
                )
                now = datetime.now(UTC).isoformat(timespec="seconds")
                db.execute("INSERT INTO migrations VALUES (?, ?, ?)", (migration.version, migration.name, now))
            db.execute("COMMIT")
        except BaseException:
            db.execute("ROLLBACK")
            raise


def _statements(sql: str) -> list[str]:
    """The statements of a script. (``executescript`` would commit the surrounding transaction.)"""
    statements, pending = [], ""
    for line in sql.splitlines():
        if line.lstrip().startswith("--"):
            continue
        pending += line + "\n"
        if sqlite3.complete_statement(pending):
            statements.append(pending)
            pending = ""
    return statements
