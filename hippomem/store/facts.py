"""Rows of facts, of the passages that contribute them, of the entities they mention and of the words they hold."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from hippomem.text import ids
from hippomem.text.words import term_of
from hippomem.types import FactKind

SPAN, GAZETTEER, TITLE, SUBJECT, OBJECT = 1, 2, 4, 8, 16
#: How many values one SQL statement takes; below SQLite's oldest limit.
_MANY = 900
#: From this many keys on, reading the whole gazetteer is faster than asking for each (a batch, not a single memory).
_LOOK_UP_AT_MOST = 20_000


@dataclass(frozen=True, slots=True)
class Statement:
    """One fact as one passage makes it.

    kind 'sentence': subject is the title, object the sentence. kind 'triple': folded subject, predicate, object.
    mentions: key → (roles, surface).    words: word → count, of a sentence.    said: a triple's words as they were given.
    """

    kind: FactKind
    subject: str
    predicate: str
    object: str
    mentions: Mapping[str, tuple[int, str]]
    words: Mapping[str, int] = field(default_factory=dict)
    said: tuple[str, str, str] | None = None

    @property
    def fact_id(self) -> str:
        """Follows from the content."""
        return ids.fact_id(self.kind, self.subject, self.predicate, self.object)


class Writer:
    """Writes statements of one namespace within one transaction, and remembers the rows it has looked up meanwhile.

    facts: fact rows that gained a contribution so far.    new: those of them that did not exist before.
    """

    def __init__(self, db: sqlite3.Connection, namespace_key: int) -> None:
        self._db, self._namespace_key = db, namespace_key
        self._entity_keys: dict[str, int] = {}
        self._word_keys: dict[str, int] = {}
        self.facts: set[int] = set()
        self.new: set[int] = set()

    def contribute(self, passage_key: int, statements: Sequence[Statement], *, first: int = 0) -> None:
        """Store what a passage states; a statement that is known already only gains a contribution.

        first: the ordinal of the first of the statements, for those that come later than others of the same passage.
        """
        for ordinal, statement in enumerate(statements, start=first):
            fact_key = self._fact_key(statement)
            said = None if statement.said is None else json.dumps(statement.said, ensure_ascii=False)
            self._db.execute(
                "INSERT INTO contributions VALUES (?, ?, ?, 1, ?)"
                " ON CONFLICT (passage_key, fact_key) DO UPDATE SET count = count + 1",
                (passage_key, fact_key, ordinal, said),
            )
            self.facts.add(fact_key)

    def _fact_key(self, statement: Statement) -> int:
        """The row of a statement, made with its mentions and postings when there is none."""
        identity = self._namespace_key, statement.fact_id
        row = self._db.execute(
            "SELECT fact_key FROM facts WHERE namespace_key = ? AND fact_id = ?", identity
        ).fetchone()
        if row is not None:
            return int(row[0])
        cursor = self._db.execute(
            "INSERT INTO facts (namespace_key, fact_id, kind, subject, predicate, object) VALUES (?, ?, ?, ?, ?, ?)",
            (*identity, statement.kind, statement.subject, statement.predicate, statement.object),
        )
        fact_key = int(cursor.lastrowid or 0)
        self.new.add(fact_key)
        self._db.executemany(
            "INSERT INTO mentions VALUES (?, ?, ?, ?)",
            [(fact_key, self._entity_key(key), *mention) for key, mention in statement.mentions.items()],
        )
        self._db.executemany(
            "INSERT INTO postings VALUES (?, ?, ?)",
            [(self._word_key(word), fact_key, count) for word, count in statement.words.items()],
        )
        return fact_key

    def _entity_key(self, key: str) -> int:
        if key not in self._entity_keys:
            self._entity_keys[key] = entity_key(self._db, self._namespace_key, key)
        return self._entity_keys[key]

    def _word_key(self, word: str) -> int:
        if word not in self._word_keys:
            identity = self._namespace_key, word
            sql = "SELECT word_key FROM words WHERE namespace_key = ? AND word = ?"
            row = self._db.execute(sql, identity).fetchone()
            if row is None:
                sql = "INSERT INTO words (namespace_key, word, term) VALUES (?, ?, ?)"
                row = (self._db.execute(sql, (*identity, term_of(word))).lastrowid,)
            self._word_keys[word] = int(row[0])
        return self._word_keys[word]


def entity_key(db: sqlite3.Connection, namespace_key: int, key: str) -> int:
    """The row of an entity, made when there is none."""
    row = db.execute(
        "SELECT entity_key FROM entities WHERE namespace_key = ? AND key = ?", (namespace_key, key)
    ).fetchone()
    if row is not None:
        return int(row[0])
    cursor = db.execute("INSERT INTO entities (namespace_key, key) VALUES (?, ?)", (namespace_key, key))
    return int(cursor.lastrowid or 0)


@dataclass(frozen=True, slots=True)
class Removed:
    """What a removal touched: entities whose gazetteer membership may have changed, and how many facts went."""

    entity_keys: frozenset[int]
    facts: int


def withdraw(db: sqlite3.Connection, passage_keys: Iterable[int]) -> Removed:
    """Take back every statement of these passages; facts that no other passage makes go, with mentions and postings.

    Entities stay for now: the caller updates the gazetteer first, then calls `drop_orphans`.
    """
    fact_keys: set[int] = set()
    for key in passage_keys:
        fact_keys.update(
            row[0] for row in db.execute("SELECT fact_key FROM contributions WHERE passage_key = ?", (key,))
        )
        db.execute("DELETE FROM contributions WHERE passage_key = ?", (key,))
    entity_keys: set[int] = set()
    gone = []
    word_keys: set[int] = set()
    for fact_key in sorted(fact_keys):
        # Also of facts that stay: a span may now be seen in one passage only.
        entity_keys.update(
            row[0] for row in db.execute("SELECT entity_key FROM mentions WHERE fact_key = ?", (fact_key,))
        )
        if db.execute("SELECT 1 FROM contributions WHERE fact_key = ?", (fact_key,)).fetchone() is None:
            gone.append((fact_key,))
            word_keys.update(
                row[0] for row in db.execute("SELECT word_key FROM postings WHERE fact_key = ?", (fact_key,))
            )
    db.executemany("DELETE FROM facts WHERE fact_key = ?", gone)
    db.executemany(
        "DELETE FROM words WHERE word_key = ?"
        " AND NOT EXISTS (SELECT 1 FROM postings WHERE postings.word_key = words.word_key)",
        [(key,) for key in sorted(word_keys)],
    )
    return Removed(frozenset(entity_keys), len(gone))


def orphans(db: sqlite3.Connection, entity_keys: Iterable[int]) -> list[int]:
    """Those of the entities that no statement mentions."""
    sql = "SELECT 1 FROM mentions WHERE entity_key = ?"
    return [key for key in sorted(entity_keys) if db.execute(sql, (key,)).fetchone() is None]


def drop_entities(db: sqlite3.Connection, entity_keys: Iterable[int]) -> None:
    """Delete entities with their synonym edges."""
    db.executemany("DELETE FROM entities WHERE entity_key = ?", [(key,) for key in entity_keys])


def mentions_of(db: sqlite3.Connection, fact_key: int) -> dict[str, tuple[int, int, str]]:
    """The mentions of a fact: key → (entity row, roles, surface)."""
    rows = db.execute(
        "SELECT key, entity_key, roles, surface FROM mentions JOIN entities USING (entity_key) WHERE fact_key = ?",
        (fact_key,),
    )
    return {row[0]: (row[1], row[2], row[3]) for row in rows}


def is_known_now(db: sqlite3.Connection, entity_key: int) -> bool:
    """Whether an entity belongs in the gazetteer: it is a title, or a span seen in at least two passages."""
    if db.execute("SELECT 1 FROM mentions WHERE entity_key = ? AND roles & 4 LIMIT 1", (entity_key,)).fetchone():
        return True
    rows = db.execute(
        "SELECT DISTINCT passage_key FROM mentions JOIN contributions USING (fact_key)"
        " WHERE entity_key = ? AND roles & 1 LIMIT 2",
        (entity_key,),
    ).fetchall()
    return len(rows) == 2


def known_keys(db: sqlite3.Connection, namespace_key: int, keys: set[str]) -> set[str]:
    """Those of the keys that are in the gazetteer."""
    if len(keys) > _LOOK_UP_AT_MOST:
        rows = db.execute("SELECT key FROM entities WHERE namespace_key = ? AND known", (namespace_key,))
        return {row[0] for row in rows} & keys
    found: set[str] = set()
    ordered = sorted(keys)
    for i in range(0, len(ordered), _MANY):
        part = ordered[i : i + _MANY]
        marks = ",".join("?" * len(part))
        rows = db.execute(
            f"SELECT key FROM entities WHERE namespace_key = ? AND known AND key IN ({marks})", (namespace_key, *part)
        )
        found.update(row[0] for row in rows)
    return found


def unknown_names(db: sqlite3.Connection, fact_keys: Iterable[int]) -> list[tuple[int, str]]:
    """(row, key) of entities outside the gazetteer that these facts show as a span or title."""
    found: dict[int, str] = {}
    ordered = sorted(fact_keys)
    for i in range(0, len(ordered), _MANY):
        part = ordered[i : i + _MANY]
        marks = ",".join("?" * len(part))
        rows = db.execute(
            "SELECT DISTINCT entity_key, key FROM mentions JOIN entities USING (entity_key)"
            f" WHERE roles & 5 AND NOT known AND fact_key IN ({marks})",
            part,
        )
        found.update((row[0], row[1]) for row in rows)
    return sorted(found.items(), key=lambda item: item[1])


def known_among(db: sqlite3.Connection, entity_keys: Iterable[int]) -> list[int]:
    """Those of the entities that are in the gazetteer."""
    sql = "SELECT 1 FROM entities WHERE entity_key = ? AND known"
    return [key for key in sorted(entity_keys) if db.execute(sql, (key,)).fetchone()]


def sentence_rows(db: sqlite3.Connection, fact_keys: Iterable[int]) -> list[tuple[int, str]]:
    """(row, sentence) of those of the facts that are sentences."""
    sql = "SELECT fact_key, object FROM facts WHERE fact_key = ? AND kind = 'sentence'"
    rows = (db.execute(sql, (key,)).fetchone() for key in sorted(fact_keys))
    return [(row[0], row[1]) for row in rows if row is not None]


def set_mention(db: sqlite3.Connection, fact_key: int, entity: int, roles: int, surface: str) -> None:
    """Store, change or (roles 0) delete one mention."""
    if roles == 0:
        db.execute("DELETE FROM mentions WHERE fact_key = ? AND entity_key = ?", (fact_key, entity))
    else:
        db.execute(
            "INSERT INTO mentions VALUES (?, ?, ?, ?) ON CONFLICT (fact_key, entity_key)"
            " DO UPDATE SET roles = excluded.roles, surface = excluded.surface",
            (fact_key, entity, roles, surface),
        )


def set_known(db: sqlite3.Connection, entity_keys: Iterable[int], known: bool) -> None:
    """Put entities into the gazetteer or take them out."""
    db.executemany("UPDATE entities SET known = ? WHERE entity_key = ?", [(int(known), key) for key in entity_keys])


def sentences_with_words(db: sqlite3.Connection, namespace_key: int, words: Iterable[str]) -> list[int]:
    """Rows of the sentence facts that hold all of the words; none for no words."""
    word_keys = []
    for word in set(words):
        row = db.execute(
            "SELECT word_key FROM words WHERE namespace_key = ? AND word = ?", (namespace_key, word)
        ).fetchone()
        if row is None:
            return []
        # Start from a rare word; beyond this many it no longer matters which.
        count = db.execute(
            "SELECT count(*) FROM (SELECT 1 FROM postings WHERE word_key = ? LIMIT 5000)", row
        ).fetchone()[0]
        word_keys.append((count, int(row[0])))
    if not word_keys:
        return []
    ordered = [key for _, key in sorted(word_keys)]
    joins = "".join(
        f" JOIN postings AS p{i} ON p{i}.word_key = ? AND p{i}.fact_key = p0.fact_key" for i in range(1, len(ordered))
    )
    rows = db.execute(
        f"SELECT p0.fact_key FROM postings AS p0{joins} WHERE p0.word_key = ?", (*ordered[1:], ordered[0])
    )
    return [row[0] for row in rows]


def sentences_naming(db: sqlite3.Connection, entity_key: int) -> list[int]:
    """Rows of the sentence facts that mention an entity, other than as their title."""
    rows = db.execute("SELECT fact_key FROM mentions WHERE entity_key = ? AND roles & 3", (entity_key,))
    return [row[0] for row in rows]
