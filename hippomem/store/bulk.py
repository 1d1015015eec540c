"""More memory for SQLite while much is written."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

#: Page cache during a bulk, in KiB. The inverted index of a million passages has 0.5 GB, and each batch touches most of it.
CACHE_KIB = 1 << 20


@contextmanager
def large_cache(db: sqlite3.Connection) -> Iterator[None]:
    """A page cache of at most 1 GiB inside; taken as it is needed, given back at the end."""
    before = db.execute("PRAGMA cache_size").fetchone()[0]
    db.execute(f"PRAGMA cache_size = {-CACHE_KIB}")
    try:
        yield
    finally:
        db.execute(f"PRAGMA cache_size = {before}")
        db.execute("PRAGMA shrink_memory")
