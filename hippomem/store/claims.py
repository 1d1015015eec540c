"""Single-valued statements of the passages, and which of them are no longer so: freshness without a model.

A claim is derived from what a passage states (`hippomem.text.claims`), and from nothing else, so a store has the same claims
however it came to be. What retires what is read off the claims and the times when it is asked for: forgetting the newer
statement brings the older one back.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import NamedTuple

from hippomem.store.blocks import blocks
from hippomem.store.filters import OPEN, TIME, Filter
from hippomem.text.claims import READER, Claim, claims_of_sentence, claims_of_triple

__all__ = ["READER", "SETTING", "Newer", "are_read", "read", "retires", "superseded"]

#: The setting that says by which reader the claims of a store were read.
SETTING = "claims"


class Newer(NamedTuple):
    """What retires a passage. fact_key: the fact of it that is no longer so; None where it was said to be replaced."""

    memory_key: int
    passage_key: int
    fact_key: int | None


def read(db: sqlite3.Connection, namespace_key: int, memory_keys: Iterable[int]) -> None:
    """Read the claims of these memories anew."""
    keys = list(dict.fromkeys(memory_keys))
    for marks, block in blocks(keys):
        speakers: dict[int, set[str]] = defaultdict(set)
        said_by = (
            f"SELECT DISTINCT memory_key, coalesce(speaker, user_id, '') FROM sources WHERE memory_key IN ({marks})"
        )
        for key, name in db.execute(said_by, block):
            speakers[key].add(name)
        rows = []
        for memory_key, passage_key, fact_key, kind, subject, predicate, obj, statement in db.execute(
            "SELECT memory_key, passage_key, fact_key, kind, subject, predicate, object, statement"
            " FROM passages JOIN contributions USING (passage_key) JOIN facts USING (fact_key)"
            f" WHERE memory_key IN ({marks})",
            block,
        ):
            if kind == "triple":
                said = json.loads(statement) if statement else (subject, predicate, obj)
                claims = claims_of_triple(*said)
            else:
                claims = [
                    claim
                    for speaker in speakers[memory_key] or {""}
                    for claim in claims_of_sentence(obj, speaker=speaker, title=subject)
                ]
            rows += [(passage_key, *_hashes(claim), fact_key, namespace_key) for claim in claims]
        db.execute(
            f"DELETE FROM claims WHERE passage_key IN (SELECT passage_key FROM passages WHERE memory_key IN ({marks}))",
            block,
        )
        db.executemany("INSERT OR IGNORE INTO claims VALUES (?, ?, ?, ?, ?)", sorted(set(rows)))


def are_read(stored: object) -> bool:
    """Whether a store with that setting has the claims that this reader would read."""
    return stored == READER


def _hashes(claim: Claim) -> tuple[int, int]:
    return _hash(claim.slot), _hash(claim.value)


def _hash(text: str) -> int:
    """64 bits, as SQLite's signed integers have them."""
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)


class _Filled(NamedTuple):
    """How one memory fills a slot, and since when."""

    time: tuple[float, float]
    memory_key: int
    passage_key: int
    values: set[int]


def superseded(
    db: sqlite3.Connection,
    namespace_key: int,
    passage_keys: Sequence[int],
    *,
    allowed: Filter = OPEN,
    now: float,
) -> dict[int, list[Newer]]:
    """Row of a passage → what says otherwise since or was said to take its place, the newest first; who stands is left out.

    A statement is retired by the newest one that fills its slot, when that is newer and has another value. What is not
    *allowed* retires nothing, nor does what is to happen after *now* (seconds since 1970).
    """
    found: dict[int, list[tuple[tuple[float, float], Newer]]] = defaultdict(list)
    for _, block in blocks(list(dict.fromkeys(passage_keys))):
        for passage_key, time, newer in (
            *_by_claims(db, namespace_key, block, allowed, now),
            *_as_stated(db, block, allowed, now),
        ):
            found[passage_key].append((time, newer))
    return {
        passage_key: [newer for _, newer in sorted(each, key=lambda one: one[0], reverse=True)]
        for passage_key, each in found.items()
    }


def _by_claims(
    db: sqlite3.Connection, namespace_key: int, passage_keys: Sequence[int], allowed: Filter, now: float
) -> Iterator[tuple[int, tuple[float, float], Newer]]:
    marks = ",".join("?" * len(passage_keys))
    mine = db.execute(
        f"SELECT passage_key, memory_key, slot, value, fact_key FROM claims JOIN passages USING (passage_key)"
        f" WHERE passage_key IN ({marks})",
        passage_keys,
    ).fetchall()
    if not mine:
        return
    slots = sorted({row[2] for row in mine})
    filled: dict[int, dict[int, _Filled]] = defaultdict(dict)
    condition, values = allowed.conditions(now)
    for marks, some in blocks(slots):
        rows = db.execute(
            f"SELECT c.slot, c.value, c.passage_key, p.memory_key, {TIME} AS at, s.recorded"
            " FROM claims c JOIN passages p USING (passage_key) JOIN memories m USING (memory_key)"
            f" JOIN sources s USING (memory_key) WHERE c.namespace_key = ? AND c.slot IN ({marks})"
            f" AND {condition} AND {TIME} <= ? ORDER BY p.passage_id",
            (namespace_key, *some, *values, max(now, allowed.as_of or now)),
        )
        for slot, value, passage_key, memory_key, at, recorded in rows:
            known = filled[slot].get(memory_key)
            if known is None:
                filled[slot][memory_key] = _Filled((at, recorded), memory_key, passage_key, {value})
            else:
                known.values.add(value)
                filled[slot][memory_key] = known._replace(time=max(known.time, (at, recorded)))
    for passage_key, memory_key, slot, _, fact_key in mine:
        here = filled[slot].get(memory_key)
        newest = max(filled[slot].values(), key=lambda each: each.time, default=None)
        if here is not None and newest is not None and newest.time > here.time and not newest.values & here.values:
            yield passage_key, newest.time, Newer(newest.memory_key, newest.passage_key, fact_key)


def _as_stated(
    db: sqlite3.Connection, passage_keys: Sequence[int], allowed: Filter, now: float
) -> Iterator[tuple[int, tuple[float, float], Newer]]:
    condition, values = allowed.conditions(now)
    rows = db.execute(
        f"SELECT old.passage_key, max({TIME}), max(s.recorded), m.memory_key, min(p.passage_key)"
        " FROM passages old JOIN supersedes x ON x.older_key = old.memory_key JOIN memories m ON m.memory_key = x.memory_key"
        " JOIN sources s ON s.memory_key = m.memory_key JOIN passages p ON p.memory_key = m.memory_key AND p.ordinal = 0"
        f" WHERE old.passage_key IN ({','.join('?' * len(passage_keys))}) AND {condition}"
        " GROUP BY old.passage_key, m.memory_key",
        (*passage_keys, *values),
    )
    for passage_key, at, recorded, memory_key, first in rows:
        yield passage_key, (at, recorded), Newer(memory_key, first, None)


def retires(db: sqlite3.Connection, namespace_key: int, memory_key: int, *, now: float) -> int | None:
    """The row of the memory that retires this one: it was said to, or none of this one's claims still stands."""
    passages = [row[0] for row in db.execute("SELECT passage_key FROM passages WHERE memory_key = ?", (memory_key,))]
    found = [newer for each in superseded(db, namespace_key, passages, now=now).values() for newer in each]
    stated = [newer.memory_key for newer in found if newer.fact_key is None]
    if stated or not found:
        return stated[0] if stated else None
    marks = ",".join("?" * len(passages))
    claimed = {row[0] for row in db.execute(f"SELECT fact_key FROM claims WHERE passage_key IN ({marks})", passages)}
    return None if claimed - {newer.fact_key for newer in found} else found[0].memory_key
