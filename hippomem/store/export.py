"""The canonical export: everything a store knows, in an order and in words that do not depend on how it came to be.

Two stores that remember the same things have the same export, byte for byte: no row numbers, no clocks, no retry counts.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from typing import Any

#: Each relation as SQL that names things by content. A column ending in _vector is replaced by its hash.
_RELATIONS: dict[str, str] = {
    "memory": "SELECT memory_id, content_id, title, text, occurred_at, expires FROM memories WHERE namespace_key = :n",
    "version": "SELECT memory_id, version, versions.title, versions.text, versions.occurred_at"
    " FROM versions JOIN memories USING (memory_key) WHERE namespace_key = :n",
    "supersedes": "SELECT a.memory_id AS memory_id, b.memory_id AS older FROM supersedes"
    " JOIN memories AS a ON a.memory_key = supersedes.memory_key JOIN memories AS b ON b.memory_key = supersedes.older_key"
    " WHERE a.namespace_key = :n",
    "source": "SELECT memory_id, source_id, kind, user_id, agent_id, session_id, speaker, position, metadata"
    " FROM sources JOIN memories USING (memory_key) WHERE namespace_key = :n",
    "passage": "SELECT passage_id, memory_id, ordinal, start, stop, state, error, vector AS passage_vector, token_signs"
    " FROM passages JOIN memories USING (memory_key) WHERE passages.namespace_key = :n",
    "unread": "SELECT passage_id, readings.state, readings.error FROM readings JOIN passages USING (passage_key)"
    " WHERE readings.namespace_key = :n AND readings.state <> 'used'",
    "claim": "SELECT passage_id, fact_id, slot, value FROM claims JOIN passages USING (passage_key)"
    " JOIN facts USING (fact_key) WHERE claims.namespace_key = :n",
    "fact": "SELECT fact_id, kind, subject, predicate, object, vector AS fact_vector FROM facts WHERE namespace_key = :n",
    "contribution": "SELECT passage_id, fact_id, contributions.ordinal, count, statement"
    " FROM contributions JOIN passages USING (passage_key) JOIN facts USING (fact_key) WHERE facts.namespace_key = :n",
    "entity": "SELECT key, known, linked, vector AS entity_vector FROM entities WHERE namespace_key = :n",
    "mention": "SELECT fact_id, key, roles, surface FROM mentions JOIN facts USING (fact_key)"
    " JOIN entities USING (entity_key) WHERE facts.namespace_key = :n",
    "posting": "SELECT word, term, fact_id, count FROM postings JOIN words USING (word_key) JOIN facts USING (fact_key)"
    " WHERE words.namespace_key = :n",
    "word": "SELECT word FROM words WHERE namespace_key = :n",
    "synonym": "SELECT a.key AS key, b.key AS other, similarity FROM synonyms"
    " JOIN entities AS a ON a.entity_key = synonyms.entity_key"
    " JOIN entities AS b ON b.entity_key = synonyms.other_key WHERE a.namespace_key = :n",
}


def canonical_rows(db: sqlite3.Connection) -> Iterator[dict[str, Any]]:
    """Every row of every namespace as plain JSON types, sorted by namespace, relation and content."""
    namespaces = db.execute("SELECT name, namespace_key FROM namespaces ORDER BY name").fetchall()
    for name, namespace_key in namespaces:
        for relation, sql in _RELATIONS.items():
            cursor = db.execute(sql, {"n": namespace_key})
            columns = [column[0] for column in cursor.description]
            lines = [
                json.dumps(
                    {column: _plain(value) for column, value in zip(columns, row, strict=True)}, ensure_ascii=False
                )
                for row in cursor
            ]
            for line in sorted(lines):
                yield {"namespace": name, "relation": relation, **json.loads(line)}


def canonical_text(db: sqlite3.Connection) -> str:
    """The export as JSON Lines."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in canonical_rows(db))


def _plain(value: object) -> object:
    return hashlib.sha256(value).hexdigest() if isinstance(value, bytes) else value
