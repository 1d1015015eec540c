"""Rows of readings: which passages an LLM is to read, and what it answered.

An answer belongs to its passage and goes with it, so forgetting stays exact; it is kept under who was asked (model), in
which words (prompt) and about what (hash of title and text), so the same text is not paid for twice.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from hippomem.store import passages
from hippomem.store.blocks import blocks
from hippomem.store.passages import PassageRow, by_key

#: What lets SQLite use the index of open readings: it draws no conclusions from the state that is asked for.
_OPEN = "readings.namespace_key = ? AND readings.state <> 'used'"
#: A reading that is in no job at a vendor's Batch API.
FREE = "NOT EXISTS (SELECT 1 FROM batch_passages WHERE batch_passages.passage_key = readings.passage_key)"


class Asked(NamedTuple):
    """Who is asked, and in which words: a model and the version of a prompt."""

    model: str
    prompt: str


class Wanted(NamedTuple):
    """A passage that is to be read. text_hash: see `answer`.    attempts: how often it failed before."""

    row: PassageRow
    text_hash: bytes
    attempts: int


class Counts(NamedTuple):
    """How many passages are in each state of being read. open: those that are indexed and wait for what is read in them."""

    wanted: int = 0
    answered: int = 0
    used: int = 0
    failed: int = 0
    open: int = 0


def text_hash(title: str, text: str) -> bytes:
    """SHA-256 of what is asked about."""
    return hashlib.sha256(f"{title}\n{text}".encode("utf-8", "surrogatepass")).digest()


class Made(NamedTuple):
    """How many passages came to be wanted, and for how many the answer was there already, of a passage of the same text."""

    wanted: int
    reused: int


def want(db: sqlite3.Connection, namespace_key: int, passage_keys: Sequence[int], asked: Asked) -> Made:
    """Have passages read that are not yet.

    A passage that was read, by whomever, stays as it is; one that waits is asked of the newest that it was wanted from.
    """
    wanted = reused = 0
    for _, block in blocks(passage_keys):
        known = by_key(db, "SELECT passage_key, state FROM readings WHERE passage_key IN", block)
        waiting = [(*asked, key) for key in block if known.get(key, ("",))[0] == "wanted"]
        db.executemany("UPDATE readings SET model = ?, prompt = ? WHERE passage_key = ?", waiting)
        texts = passages.texts(db, [key for key in block if key not in known])
        hashes = {key: text_hash(row.title, row.text) for key, row in texts.items()}
        answers = paid(db, set(hashes.values()), asked)
        rows = [
            (key, namespace_key, *asked, text, "answered" if text in answers else "wanted", answers.get(text))
            for key, text in hashes.items()
        ]
        db.executemany(
            "INSERT INTO readings (passage_key, namespace_key, model, prompt, text_hash, state, answer)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
        there = sum(text in answers for text in hashes.values())
        wanted, reused = wanted + len(hashes) - there, reused + there
    return Made(wanted, reused)


def paid(db: sqlite3.Connection, hashes: set[bytes], asked: Asked) -> dict[bytes, str]:
    """Answers to the same words about the same texts, by the hash of the text; at most some hundreds at a time."""
    marks = ",".join("?" * len(hashes))
    sql = (
        f"SELECT text_hash, answer FROM readings WHERE text_hash IN ({marks}) AND answer IS NOT NULL AND model = ?"
        " AND prompt = ?"
    )
    return dict(db.execute(sql, (*hashes, *asked)).fetchall())


def want_failed(db: sqlite3.Connection, namespace_key: int, asked: Asked) -> int:
    """Have passages read again whose reading failed; returns how many."""
    sql = f"UPDATE readings SET state = 'wanted', model = ?, prompt = ? WHERE {_OPEN} AND state = 'failed'"
    return db.execute(sql, (*asked, namespace_key)).rowcount


def next_wanted(
    db: sqlite3.Connection, namespace_key: int, *, after: int = -1, only: int | None = None, limit: int
) -> list[Wanted]:
    """The next passages that are to be read and are in no batch job, by row, behind a row. only: just that one."""
    sql = (
        f"SELECT passage_key, text_hash, attempts FROM readings WHERE {_OPEN} AND state = 'wanted'"
        f" AND passage_key {'>' if only is None else '='} ? AND {FREE} ORDER BY passage_key LIMIT ?"
    )
    rows = db.execute(sql, (namespace_key, after if only is None else only, limit)).fetchall()
    texts = passages.texts(db, [row[0] for row in rows])
    return [Wanted(texts[key], text, attempts) for key, text, attempts in rows if key in texts]


def answer(db: sqlite3.Connection, answers: Iterable[tuple[int, bytes, str]], asked: Asked) -> int:
    """Store answers, given as (row of the passage, hash of the text that was asked about, answer); returns how many.

    One whose passage is gone is dropped: a row number may be another passage's by now, its text is not.
    """
    return db.executemany(
        "UPDATE readings SET state = 'answered', answer = ?, error = NULL, model = ?, prompt = ?"
        " WHERE passage_key = ? AND text_hash = ? AND state = 'wanted'",
        [(text, *asked, key, asked_text) for key, asked_text, text in answers],
    ).rowcount


def fail(db: sqlite3.Connection, failures: Iterable[tuple[int, bytes, str]], *, again: bool = False) -> None:
    """Store why passages could not be read, given as (row, hash of the text, reason). again: they stay wanted."""
    db.executemany(
        "UPDATE readings SET state = ?, error = ?, attempts = attempts + 1"
        " WHERE passage_key = ? AND text_hash = ? AND state = 'wanted'",
        [("wanted" if again else "failed", error, key, asked_text) for key, asked_text, error in failures],
    )


def next_answered(db: sqlite3.Connection, namespace_key: int, *, limit: int) -> dict[int, str]:
    """Rows of passages whose answers are not statements yet, with the answers, by row; their sentences are stored."""
    sql = (
        "SELECT passage_key, answer FROM readings JOIN passages USING (passage_key)"
        f" WHERE {_OPEN} AND readings.state = 'answered' AND passages.state <> 'pending'"
        " ORDER BY passage_key LIMIT ?"
    )
    return dict(db.execute(sql, (namespace_key, limit)).fetchall())


def states(db: sqlite3.Connection, passage_keys: Sequence[int]) -> Mapping[int, str]:
    """The states of those of the passages that are read or to be read."""
    found: dict[int, str] = {}
    for _, block in blocks(passage_keys):
        rows = by_key(db, "SELECT passage_key, state FROM readings WHERE passage_key IN", block)
        found.update((key, row[0]) for key, row in rows.items())
    return found


def set_used(db: sqlite3.Connection, passage_keys: Iterable[int]) -> None:
    """Say that the triples of these answers are statements now."""
    db.executemany("UPDATE readings SET state = 'used' WHERE passage_key = ?", [(key,) for key in passage_keys])


def count(db: sqlite3.Connection, namespace_key: int | None) -> Counts:
    """How many passages of a namespace, or of the whole store, are in each state."""
    where = "" if namespace_key is None else " WHERE r.namespace_key = :n"
    rows = db.execute(
        "SELECT r.state, count(*), sum(r.state IN ('wanted', 'answered') AND p.state IN ('ready', 'failed'))"
        f" FROM readings r JOIN passages p USING (passage_key){where} GROUP BY r.state",
        {"n": namespace_key},
    ).fetchall()
    return Counts(**{state: number for state, number, _ in rows}, open=sum(row[2] for row in rows))


def failures(db: sqlite3.Connection, namespace_key: int) -> list[tuple[str, str, int]]:
    """(passage_id, reason, attempts) of every passage whose reading failed, by passage_id."""
    sql = (
        "SELECT passage_id, readings.error, readings.attempts FROM readings JOIN passages USING (passage_key)"
        f" WHERE {_OPEN} AND readings.state = 'failed' ORDER BY 1"
    )
    return [tuple(row) for row in db.execute(sql, (namespace_key,))]


def kept(db: sqlite3.Connection, passage_keys: Sequence[int]) -> list[tuple[bytes, str, str, str]]:
    """(hash of the text, model, prompt, answer) of what was read in passages: what `give` takes."""
    select = "SELECT passage_key, text_hash, model, prompt, answer FROM readings WHERE passage_key IN"
    found = [row for marks, block in blocks(passage_keys) for row in by_key(db, select, block).values()]
    return [row for row in found if row[-1] is not None]


def give(
    db: sqlite3.Connection, namespace_key: int, passage_keys: Sequence[int], kept: Iterable[tuple[bytes, str, str, str]]
) -> None:
    """Give passages of the same texts what was read before in others, that are gone by now."""
    by_text = {row[0]: row for row in kept}
    for key, row in passages.texts(db, passage_keys if by_text else []).items():
        if (found := by_text.get(text_hash(row.title, row.text))) is not None:
            text, model, prompt, told = found
            db.execute(
                "INSERT INTO readings (passage_key, namespace_key, model, prompt, text_hash, state, answer)"
                " VALUES (?, ?, ?, ?, ?, 'answered', ?)",
                (key, namespace_key, model, prompt, text, told),
            )
