"""Counts."""

from __future__ import annotations

from hippomem.store import readings, runs
from hippomem.store.store import Store
from hippomem.types import Stats


def count(store: Store, namespace: str | None) -> Stats:
    """Counts over one namespace, or over the whole store when *namespace* is None."""
    db = store.db
    key = None if namespace is None else store.namespace_key(namespace) or -1

    def number(sql: str) -> int:
        where = "" if key is None else " namespace_key = :n AND"
        return int(db.execute(sql.replace(" WHERE", f" WHERE{where}"), {"n": key}).fetchone()[0])

    read = readings.count(db, key)
    return Stats(
        namespace=namespace,
        memories=number("SELECT count(*) FROM memories WHERE 1"),
        passages=number("SELECT count(*) FROM passages WHERE 1"),
        facts=number("SELECT count(*) FROM facts WHERE 1"),
        entities=number("SELECT count(*) FROM entities WHERE 1"),
        mentions=number("SELECT count(*) FROM mentions JOIN facts USING (fact_key) WHERE 1"),
        synonym_edges=number("SELECT count(*) FROM synonyms JOIN entities USING (entity_key) WHERE 1"),
        pending=number("SELECT count(*) FROM passages WHERE state IN ('pending', 'extracted')") + read.open,
        failed=number("SELECT count(*) FROM passages WHERE state = 'failed'") + read.failed,
        purge_due=store.purge_due,
        embedder=(store.setting("embedder") or {"name": ""})["name"],
        schema_version=store.schema_version,
        bytes=store.size_in_bytes(),
        llm=runs.total(db, key),
    )


def sizes(store: Store) -> dict[str, tuple[int, int]]:
    """Memories and passages of each namespace that holds any. Cheap: indexes are counted, and no facts."""
    rows = store.db.execute(
        "SELECT n.name, (SELECT count(*) FROM memories m WHERE m.namespace_key = n.namespace_key),"
        " (SELECT count(*) FROM passages p WHERE p.namespace_key = n.namespace_key) FROM namespaces n ORDER BY n.name"
    )
    return {name: (memories, passages) for name, memories, passages in rows if memories}
