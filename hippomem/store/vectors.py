"""Vectors as the store keeps them: float16, little-endian, unit length, one blob a row; float32 once they are read."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hippomem.graph.signs import project
from hippomem.store import passages
from hippomem.store.blocks import blocks

Table = Literal["passages", "facts", "entities"]
_KEY: dict[Table, str] = {"passages": "passage_key", "facts": "fact_key", "entities": "entity_key"}


def to_blob(vector: NDArray[np.floating[Any]]) -> bytes:
    """The bytes of one vector, rounded to half precision."""
    return vector.astype("<f2", copy=False).tobytes()


def from_blobs(blobs: Sequence[bytes], dimension: int) -> NDArray[np.float32]:
    """(len(blobs), dimension) float32."""
    return np.frombuffer(b"".join(blobs), dtype="<f2").reshape(len(blobs), dimension).astype(np.float32)


def lend(db: sqlite3.Connection) -> None:
    """Give a connection the functions that migration 3 converts single-precision vectors with."""

    def half(blob: bytes) -> bytes:
        return to_blob(np.frombuffer(blob, dtype="<f4"))

    def projected(blob: bytes) -> bytes | None:
        vector = from_blobs([half(blob)], len(blob) // 4)
        return project(vector).tobytes() if vector.any() else None

    db.create_function("half_precision", 1, half, deterministic=True)
    db.create_function("projected", 1, projected, deterministic=True)


def save(db: sqlite3.Connection, table: Table, keys: Sequence[int], vectors: NDArray[np.float32]) -> None:
    """Store one vector a row, and the signs of an entity's; rows deleted meanwhile are passed over."""
    rounded = vectors.astype("<f2")
    blobs = [row.tobytes() for row in rounded]
    if table != "entities":
        db.executemany(f"UPDATE {table} SET vector = ? WHERE {_KEY[table]} = ?", zip(blobs, keys, strict=True))
        return
    if not keys:
        return
    # One namespace at a time is written; of its rows some may have been deleted meanwhile.
    sql = "SELECT namespace_key FROM entities WHERE entity_key = ?"
    owner = next((row[0] for key in keys if (row := db.execute(sql, (key,)).fetchone()) is not None), None)
    if owner is None:
        return
    last = _count_signed(db, owner, len(keys))
    signs = project(rounded.astype(np.float32))
    # Names that the model cannot read are zeros, near to nothing; equal signs would make each a candidate of all others.
    readable: list[bool] = (rounded != 0).any(axis=1).tolist()
    db.executemany(
        "UPDATE entities SET vector = ?, signs = ?, signed = ? WHERE entity_key = ?",
        [
            (blob, bits.tobytes(), number, key) if is_readable else (blob, None, None, key)
            for number, (blob, bits, key, is_readable) in enumerate(
                zip(blobs, signs, keys, readable, strict=True), start=last - len(keys) + 1
            )
        ],
    )


def _count_signed(db: sqlite3.Connection, namespace_key: int, count: int) -> int:
    """Take *count* numbers from the namespace's counter of signs; returns the last of them."""
    db.execute("UPDATE namespaces SET signed = signed + ? WHERE namespace_key = ?", (count, namespace_key))
    row = db.execute("SELECT signed FROM namespaces WHERE namespace_key = ?", (namespace_key,)).fetchone()
    return int(row[0])


def signs_after(db: sqlite3.Connection, namespace_key: int, number: int) -> Iterator[tuple[int, int, bytes]]:
    """(number, row, signs) of entities whose signs were stored after that number, in the order of their numbers."""
    return db.execute(
        "SELECT signed, entity_key, signs FROM entities WHERE namespace_key = ? AND signed > ? ORDER BY signed",
        (namespace_key, number),
    )


class Names(NamedTuple):
    """Embedded entities by row: their keys, in the order asked for, and (n, d) vectors."""

    rows: list[int]
    keys: list[str]
    matrix: NDArray[np.float32]


def names(db: sqlite3.Connection, entity_keys: Sequence[int], dimension: int) -> Names:
    """Those of the entities that are there and embedded."""
    found: dict[int, tuple[str, bytes]] = {}
    for marks, block in blocks(entity_keys):
        sql = f"SELECT entity_key, key, vector FROM entities WHERE entity_key IN ({marks})"
        found.update((row[0], row[1:]) for row in db.execute(sql, block) if row[2] is not None)
    rows = [key for key in dict.fromkeys(entity_keys) if key in found]
    return Names(rows, [found[key][0] for key in rows], from_blobs([found[key][1] for key in rows], dimension))


def keys_of(db: sqlite3.Connection, entity_keys: Sequence[int]) -> dict[int, str]:
    """The keys of entities, by row."""
    found: dict[int, str] = {}
    for marks, block in blocks(entity_keys):
        sql = f"SELECT entity_key, key FROM entities WHERE entity_key IN ({marks})"
        found.update(db.execute(sql, block).fetchall())
    return found


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


class Block(NamedTuple):
    """Rows without a vector: their numbers, and what is embedded for each."""

    keys: list[int]
    texts: list[str]


def unembedded(db: sqlite3.Connection, namespace_key: int, table: Table, size: int) -> Iterator[Block]:
    """The rows of a table that lack a vector, *size* at a time, in the order of the table: what is written next lies
    beside what was written before. A row that is given out and gets no vector is not given out again.
    """
    wanted = {
        "passages": "passage_key",
        "facts": "fact_key, kind, subject, predicate, object",
        "entities": "entity_key, key",
    }
    sql = (
        f"SELECT {wanted[table]} FROM {_waiting(table)} AND namespace_key = ? AND {_KEY[table]} > ?"
        f" ORDER BY {_KEY[table]} LIMIT ?"
    )
    last = -1
    while True:
        rows = db.execute(sql, (namespace_key, last, size)).fetchall()
        if not rows:
            return
        keys = [row[0] for row in rows]
        last = keys[-1]
        if table == "passages":
            found = passages.texts(db, keys)
            yield Block(list(found), [passage_text(row.title, row.text) for row in found.values()])
        elif table == "facts":
            yield Block(keys, [fact_text(*row[1:]) for row in rows])
        else:
            yield Block(keys, [row[1] for row in rows])


def count_unembedded(db: sqlite3.Connection, namespace_key: int, table: Table) -> int:
    """How many rows of a table `unembedded` gives out."""
    sql = f"SELECT count(*) FROM {_waiting(table)} AND namespace_key = ?"
    return int(db.execute(sql, (namespace_key,)).fetchone()[0])


def _waiting(table: Table) -> str:
    """The rows of a table that wait for a vector, by the index of them: FROM … WHERE."""
    but = " AND state <> 'pending'" if table == "passages" else ""
    return f"{table} INDEXED BY {table}_unembedded WHERE vector IS NULL{but}"


def is_anything_left(db: sqlite3.Connection, namespace_key: int, *, entities: bool) -> bool:
    """Whether something that is extracted waits for its vector, or a name for its list, or a passage for both."""
    questions = [_waiting("passages"), _waiting("facts")]
    questions.append("passages INDEXED BY passages_unfinished WHERE state <> 'ready' AND state = 'extracted'")
    if entities:
        questions += [_waiting("entities"), "entities INDEXED BY entities_unlinked WHERE NOT linked"]
    return any(
        db.execute(f"SELECT 1 FROM {question} AND namespace_key = ? LIMIT 1", (namespace_key,)).fetchone()
        for question in questions
    )


def passage_text(title: str, text: str) -> str:
    """What is embedded for a passage: title, newline, text."""
    return f"{title}\n{text}" if title else text


def drop_all(db: sqlite3.Connection) -> None:
    """Forget every vector and every synonym edge, before another model makes new ones."""
    for table in _KEY:
        db.execute(f"UPDATE {table} SET vector = NULL")
    db.execute("UPDATE entities SET signs = NULL, signed = NULL")
    db.execute("UPDATE passages SET token_signs = NULL")
    db.execute("UPDATE entities SET linked = 0")
    db.execute("DELETE FROM synonyms")


def fact_text(kind: str, subject: str, predicate: str, obj: str) -> str:
    """What is embedded for a fact: "title: sentence", or a triple as the text of its tuple, as HippoRAG 2 does."""
    if kind == "triple":
        return str((subject, predicate, obj))
    return f"{subject}: {obj}" if subject else obj


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
