"""Writing what passages state: facts with their mentions and postings, in batches."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, count
from typing import Any, NamedTuple

import numpy as np

from hippomem.store.facts import Content, Statement, look_up, next_key
from hippomem.text.words import term_of

#: Words, and names, whose rows are remembered at a time: about 100 bytes each.
_REMEMBERED = 2_000_000
#: Rows handed to SQLite at a time.
_BLOCK = 20_000


class Contribution(NamedTuple):
    """What a passage states. first: the ordinal of the first statement, for those that come later than others of it."""

    passage_key: int
    statements: Sequence[Statement]
    first: int = 0


class Writer:
    """Writes statements of one namespace within one transaction, a batch of passages at a time.

    Rows are looked up in blocks, and written in the order of their tables and indexes: at a million passages a batch costs
    what the pages cost that it touches.

    fact_keys: the row of each statement, by fact_id.    facts: rows that gained a contribution.    new: those that did not
    exist before.
    """

    def __init__(self, db: sqlite3.Connection, namespace_key: int, remembered: Remembered | None = None) -> None:
        self._db, self._namespace_key = db, namespace_key
        self._remembered = Remembered() if remembered is None else remembered
        self.fact_keys: dict[str, int] = {}
        self.facts: set[int] = set()
        self.new: set[int] = set()

    def contribute(self, contributions: Sequence[Contribution]) -> None:
        """Store what passages state; a statement that is known already only gains a contribution."""
        named = [
            (passage_key, ordinal, statement.fact_id, statement)
            for passage_key, statements, first in contributions
            for ordinal, statement in enumerate(statements, start=first)
        ]
        statements: dict[str, Statement] = {}
        for _, _, fact_id, statement in named:
            statements.setdefault(fact_id, statement)
        self._make_facts(statements)
        rows: dict[tuple[int, int], list[Any]] = {}
        for passage_key, ordinal, fact_id, statement in named:
            row = rows.get((passage_key, fact_key := self.fact_keys[fact_id]))
            if row is None:
                said = None if statement.said is None else json.dumps(statement.said, ensure_ascii=False)
                rows[passage_key, fact_key] = [passage_key, fact_key, ordinal, 1, said]
            else:
                row[3] += 1
        self._db.executemany(
            "INSERT INTO contributions VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (passage_key, fact_key) DO UPDATE SET count = count + excluded.count",
            [rows[pair] for pair in sorted(rows)],
        )
        self.facts.update(fact_key for _, fact_key in rows)

    def _make_facts(self, statements: Mapping[str, Statement]) -> None:
        """The rows of statements by fact_id, made with their mentions and postings where there is none."""
        db, namespace_key = self._db, self._namespace_key
        self.fact_keys.update(look_up(db, "facts", namespace_key, statements))
        fact_key = next_key(db, "facts")
        new: list[tuple[int, Statement]] = []
        facts = []
        for fact_id, s in statements.items():
            if fact_id not in self.fact_keys:
                self.fact_keys[fact_id] = fact_key
                new.append((fact_key, s))
                facts.append((fact_key, namespace_key, fact_id, s.kind, s.subject, s.predicate, s.object))
                fact_key += 1
        self.new.update(key for key, _ in new)
        db.executemany(
            "INSERT INTO facts (fact_key, namespace_key, fact_id, kind, subject, predicate, object)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            facts,
        )
        names = self._remembered.names(db, namespace_key, {key for _, s in new for key in s.mentions})
        mentions = [(number, names[key], *mention) for number, s in new for key, mention in s.mentions.items()]
        db.executemany("INSERT INTO mentions VALUES (?, ?, ?, ?)", sorted(mentions))
        words = self._remembered.words(db, namespace_key, {word for _, s in new for word in s.words})
        postings = ((words[word], number, count) for number, s in new for word, count in s.words.items())
        for block in _sorted(postings):
            db.executemany("INSERT INTO postings VALUES (?, ?, ?)", block)


def _sorted(triples: Iterable[tuple[int, int, int]]) -> Iterator[Iterator[tuple[int, int, int]]]:
    """Triples in order of their first and second numbers, block by block: 24 bytes each meanwhile, where a list of tuples
    takes 130, of the million that a large batch has.
    """
    rows = np.fromiter(chain.from_iterable(triples), dtype=np.int64).reshape(-1, 3)
    order = np.lexsort((rows[:, 1], rows[:, 0]))
    for start in range(0, len(rows), _BLOCK):
        block: list[list[int]] = rows[order[start : start + _BLOCK]].T.tolist()
        yield zip(*block, strict=True)


class Remembered:
    """Rows of words and names that were looked up, kept from batch to batch while nobody else writes. Bounded."""

    def __init__(self) -> None:
        self._words: dict[str, int] = {}
        self._names: dict[str, int] = {}

    def words(self, db: sqlite3.Connection, namespace_key: int, wanted: set[str]) -> Mapping[str, int]:
        """The rows of at least these words, made where there is none."""
        new = _find_rows(db, "words", namespace_key, wanted, self._words)
        db.executemany(
            "INSERT INTO words (word_key, namespace_key, word, term) VALUES (?, ?, ?, ?)",
            [(key, namespace_key, word, term_of(word)) for word, key in new.items()],
        )
        return self._words

    def names(self, db: sqlite3.Connection, namespace_key: int, wanted: set[str]) -> Mapping[str, int]:
        """The rows of at least the entities with these keys, made where there is none."""
        new = _find_rows(db, "entities", namespace_key, wanted, self._names)
        db.executemany(
            "INSERT INTO entities (entity_key, namespace_key, key) VALUES (?, ?, ?)",
            [(key, namespace_key, name) for name, key in new.items()],
        )
        return self._names


def _find_rows(
    db: sqlite3.Connection, table: Content, namespace_key: int, wanted: set[str], known: dict[str, int]
) -> dict[str, int]:
    """Bring *known* to hold the rows of all that is wanted; returns those of them that have to be made."""
    if len(known) + len(wanted) > _REMEMBERED:
        known.clear()
    known.update(look_up(db, table, namespace_key, [content for content in wanted if content not in known]))
    missing = sorted(content for content in wanted if content not in known)
    new = dict(zip(missing, count(next_key(db, table)), strict=False))
    known.update(new)
    return new
