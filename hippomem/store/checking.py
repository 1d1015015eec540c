"""What is wrong with the file of a store."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from hippomem.errors import StoreBusyError
from hippomem.store.store import Store

#: Findings of one kind that are told one by one.
TOLD = 20
#: Bytes of a number of a vector.
_HALF = 2


def damage(store: Store) -> list[str]:
    """What is not as SQLite and the schema have it, a sentence each; nothing for a sound store. Reads all of it.

    Raises StoreBusyError.
    """
    found: list[str] = []
    try:
        with store.reading() as db:
            for finding in _findings(store, db):
                found.append(finding)
    except StoreBusyError:
        raise
    except Exception as error:  # what SQLite says of a page that it cannot make sense of, as itself or as ours
        if not isinstance(error.__cause__ or error, sqlite3.DatabaseError):
            raise
        found.append(f"the database cannot be read to its end: {error.__cause__ or error}")
    return found


def _findings(store: Store, db: sqlite3.Connection) -> Iterator[str]:
    for (line,) in db.execute(f"PRAGMA integrity_check({TOLD})"):
        if line != "ok":
            yield f"the database is damaged: {line}"
    for table, row, other, _ in db.execute("PRAGMA foreign_key_check").fetchmany(TOLD):
        yield f"row {row} of {table} refers to a row of {other} that is not there"
    dimension = int((store.setting("embedder") or {"dimension": 0})["dimension"])
    for table in ("passages", "facts", "entities"):
        sql = f"SELECT count(*) FROM {table} WHERE vector IS NOT NULL AND length(vector) <> ?"
        count = db.execute(sql, (dimension * _HALF,)).fetchone()[0]
        if count:
            yield f"{count} rows of {table} have a vector that is not of {dimension} numbers"
