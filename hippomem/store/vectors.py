"""Vectors as the store keeps them: float32, little-endian, unit length, one blob a row."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Table = Literal["passages", "facts", "entities"]
_KEY: dict[Table, str] = {"passages": "passage_key", "facts": "fact_key", "entities": "entity_key"}


def to_blob(vector: NDArray[np.float32]) -> bytes:
    """The bytes of one vector."""
    return vector.astype("<f4", copy=False).tobytes()


def from_blobs(blobs: Sequence[bytes], dimension: int) -> NDArray[np.float32]:
    """(len(blobs), dimension) float32."""
    return np.frombuffer(b"".join(blobs), dtype="<f4").reshape(len(blobs), dimension).astype(np.float32, copy=False)


def save(db: sqlite3.Connection, table: Table, keys: Sequence[int], vectors: NDArray[np.float32]) -> None:
    """Store one vector a row; rows deleted meanwhile are passed over."""
    db.executemany(
        f"UPDATE {table} SET vector = ? WHERE {_KEY[table]} = ?",
        [(to_blob(vector), key) for key, vector in zip(keys, vectors, strict=True)],
    )


def save_token_signs(db: sqlite3.Connection, keys: Sequence[int], signs: Sequence[NDArray[np.uint8]]) -> None:
    """Store the signs of each passage's token vectors, (n, dimension / 8) uint8 a passage."""
    db.executemany(
        "UPDATE passages SET token_signs = ? WHERE passage_key = ?",
        [(rows.tobytes(), key) for key, rows in zip(keys, signs, strict=True)],
    )


def token_signs(db: sqlite3.Connection, keys: Sequence[int], dimension: int) -> list[NDArray[np.uint8] | None]:
    """(n, ceil(dimension / 8)) uint8 for each passage, in the order given; None for one that has none."""
    width = -(-dimension // 8)
    marks = ",".join("?" * len(keys))
    blobs = dict(
        db.execute(f"SELECT passage_key, token_signs FROM passages WHERE passage_key IN ({marks})", tuple(keys))
    )
    found = (blobs.get(key) for key in keys)
    return [None if blob is None else np.frombuffer(blob, dtype=np.uint8).reshape(-1, width) for blob in found]


def unembedded_passages(db: sqlite3.Connection, namespace_key: int) -> list[int]:
    """Rows of extracted passages without a vector, memory by memory."""
    rows = db.execute(
        "SELECT passage_key FROM passages WHERE namespace_key = ? AND vector IS NULL AND state <> 'pending'"
        " ORDER BY memory_key, ordinal",
        (namespace_key,),
    )
    return [row[0] for row in rows]


def passage_text(title: str, text: str) -> str:
    """What is embedded for a passage: title, newline, text."""
    return f"{title}\n{text}" if title else text


def unembedded_facts(db: sqlite3.Connection, namespace_key: int) -> list[tuple[int, str]]:
    """(row, text to embed) of facts without a vector: see `fact_text`."""
    rows = db.execute(
        "SELECT fact_key, kind, subject, predicate, object FROM facts WHERE namespace_key = ? AND vector IS NULL"
        " ORDER BY fact_id",
        (namespace_key,),
    )
    return [(row[0], fact_text(*row[1:])) for row in rows]


def unembedded_entities(db: sqlite3.Connection, namespace_key: int) -> list[tuple[int, str]]:
    """(row, key) of entities without a vector."""
    sql = "SELECT entity_key, key FROM entities WHERE namespace_key = ? AND vector IS NULL ORDER BY key"
    return [(row[0], row[1]) for row in db.execute(sql, (namespace_key,))]


def drop_all(db: sqlite3.Connection) -> None:
    """Forget every vector and every synonym edge, before another model makes new ones."""
    for table in _KEY:
        db.execute(f"UPDATE {table} SET vector = NULL")
    db.execute("UPDATE passages SET token_signs = NULL")
    db.execute("UPDATE entities SET linked = 0")
    db.execute("DELETE FROM synonyms")


def fact_text(kind: str, subject: str, predicate: str, obj: str) -> str:
    """What is embedded for a fact: "title: sentence", or a triple as the text of its tuple, as HippoRAG 2 does."""
    if kind == "triple":
        return str((subject, predicate, obj))
    return f"{subject}: {obj}" if subject else obj


def entity_matrix(
    db: sqlite3.Connection, namespace_key: int, dimension: int
) -> tuple[list[int], list[str], NDArray[np.float32]]:
    """(rows, keys, (n, dimension) vectors) of all embedded entities, by key."""
    rows = db.execute(
        "SELECT entity_key, key, vector FROM entities WHERE namespace_key = ? AND vector IS NOT NULL ORDER BY key",
        (namespace_key,),
    ).fetchall()
    return [row[0] for row in rows], [row[1] for row in rows], from_blobs([row[2] for row in rows], dimension)


def entity_matrix_by_key(
    db: sqlite3.Connection, entity_keys: Sequence[int], dimension: int
) -> tuple[list[int], NDArray[np.float32]]:
    """(rows, (n, dimension) vectors) of those of the entities that are embedded, in the order given."""
    kept, blobs = [], []
    for key in entity_keys:
        row = db.execute("SELECT vector FROM entities WHERE entity_key = ?", (key,)).fetchone()
        if row is not None and row[0] is not None:
            kept.append(key)
            blobs.append(row[0])
    return kept, from_blobs(blobs, dimension)
