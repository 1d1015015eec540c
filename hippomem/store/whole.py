"""A namespace as a whole."""

from __future__ import annotations

import sqlite3


def delete(db: sqlite3.Connection, namespace_key: int) -> None:
    """Delete a namespace with everything in it, within one transaction."""
    of_facts = "(SELECT fact_key FROM facts WHERE namespace_key = ?)"
    for sql in (
        # Children first: cascading from their parents would look for them row by row.
        f"DELETE FROM mentions WHERE fact_key IN {of_facts}",
        f"DELETE FROM postings WHERE fact_key IN {of_facts}",
        f"DELETE FROM contributions WHERE fact_key IN {of_facts}",
        "DELETE FROM claims WHERE namespace_key = ?",
        "DELETE FROM facts WHERE namespace_key = ?",
        "DELETE FROM words WHERE namespace_key = ?",
        "DELETE FROM synonyms WHERE entity_key IN (SELECT entity_key FROM entities WHERE namespace_key = ?)",
        "DELETE FROM entities WHERE namespace_key = ?",
        "DELETE FROM batches WHERE namespace_key = ?",
        "DELETE FROM runs WHERE namespace_key = ?",
        "DELETE FROM readings WHERE namespace_key = ?",
        "DELETE FROM passages WHERE namespace_key = ?",
        "DELETE FROM memories WHERE namespace_key = ?",
        "DELETE FROM namespaces WHERE namespace_key = ?",
    ):
        db.execute(sql, (namespace_key,))
