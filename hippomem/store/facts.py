"""Rows of facts, of the passages that contribute them, of the entities they mention and of the words they hold."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from hippomem.store.blocks import blocks
from hippomem.text import ids
from hippomem.types import FactKind

SPAN, GAZETTEER, TITLE, SUBJECT, OBJECT = 1, 2, 4, 8, 16
#: The values of roles that hold a bit, so that an index on roles can be searched for it.
_WITH = {bit: ",".join(str(roles) for roles in range(1, 32) if roles & bit) for bit in (SPAN, TITLE)}

Content = Literal["facts", "words", "entities"]
#: The row number and the content of each.
_COLUMNS: dict[Content, tuple[str, str]] = {
    "facts": ("fact_key", "fact_id"),
    "words": ("word_key", "word"),
    "entities": ("entity_key", "key"),
}


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


def look_up(
    db: sqlite3.Connection, table: Content, namespace_key: int, wanted: Iterable[str], *, where: str = ""
) -> dict[str, int]:
    """content → row, of those that have one. where: a further condition."""
    row, content = _COLUMNS[table]
    sql = f"SELECT {content}, {row} FROM {table} WHERE namespace_key = ? AND {content} IN"
    found: dict[str, int] = {}
    for marks, part in blocks(sorted(wanted)):
        found.update(db.execute(f"{sql} ({marks}){where}", (namespace_key, *part)))
    return found


def next_key(db: sqlite3.Connection, table: Content) -> int:
    """The number that SQLite would give to the next row; good until the transaction ends."""
    return int(db.execute(f"SELECT coalesce(max({_COLUMNS[table][0]}), 0) + 1 FROM {table}").fetchone()[0])


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


def is_known_now(db: sqlite3.Connection, entity_key: int) -> bool:
    """Whether an entity belongs in the gazetteer: it is a title, or a span seen in at least two passages."""
    sql = f"SELECT 1 FROM mentions WHERE entity_key = ? AND roles IN ({_WITH[TITLE]}) LIMIT 1"
    if db.execute(sql, (entity_key,)).fetchone():
        return True
    rows = db.execute(
        "SELECT DISTINCT passage_key FROM mentions JOIN contributions USING (fact_key)"
        f" WHERE entity_key = ? AND roles IN ({_WITH[SPAN]}) LIMIT 2",
        (entity_key,),
    ).fetchall()
    return len(rows) == 2


def known_keys(db: sqlite3.Connection, namespace_key: int, keys: Iterable[str]) -> set[str]:
    """Those of the keys that are in the gazetteer."""
    return set(look_up(db, "entities", namespace_key, keys, where=" AND known"))


def gazetteer(db: sqlite3.Connection, namespace_key: int) -> set[str]:
    """All keys that are in the gazetteer."""
    rows = db.execute("SELECT key FROM entities WHERE namespace_key = ? AND known", (namespace_key,))
    return {row[0] for row in rows}


def unknown_names(db: sqlite3.Connection, fact_keys: Iterable[int]) -> list[tuple[int, str]]:
    """(row, key) of entities outside the gazetteer that these facts show as a span or title."""
    found: dict[int, str] = {}
    sql = (
        "SELECT DISTINCT entity_key, key FROM mentions JOIN entities USING (entity_key)"
        " WHERE roles & 5 AND NOT known AND fact_key IN"
    )
    for marks, part in blocks(sorted(fact_keys)):
        found.update(db.execute(f"{sql} ({marks})", part))
    return sorted(found.items(), key=lambda item: item[1])


def known_among(db: sqlite3.Connection, entity_keys: Iterable[int]) -> list[int]:
    """Those of the entities that are in the gazetteer."""
    sql = "SELECT 1 FROM entities WHERE entity_key = ? AND known"
    return [key for key in sorted(entity_keys) if db.execute(sql, (key,)).fetchone()]


def sentence_rows(db: sqlite3.Connection, fact_keys: Sequence[int]) -> list[tuple[int, str]]:
    """(row, sentence) of those of the facts that are sentences."""
    sql = "SELECT fact_key, object FROM facts WHERE kind = 'sentence' AND fact_key IN"
    return [(row[0], row[1]) for marks, part in blocks(fact_keys) for row in db.execute(f"{sql} ({marks})", part)]


class Mention(NamedTuple):
    """One row of `mentions`."""

    entity_key: int
    roles: int
    surface: str


def mentions_of(db: sqlite3.Connection, fact_keys: Sequence[int]) -> dict[int, dict[str, Mention]]:
    """The mentions of facts: fact row → key → mention."""
    found: dict[int, dict[str, Mention]] = {key: {} for key in fact_keys}
    sql = "SELECT fact_key, key, entity_key, roles, surface FROM mentions JOIN entities USING (entity_key)"
    for marks, part in blocks(fact_keys):
        for fact_key, key, *mention in db.execute(f"{sql} WHERE fact_key IN ({marks})", part):
            found[fact_key][key] = Mention(*mention)
    return found


def set_mentions(db: sqlite3.Connection, rows: Iterable[tuple[int, int, int, str]]) -> None:
    """Store, change or (roles 0) delete mentions, given as (fact row, entity row, roles, surface)."""
    ordered = sorted(rows)
    db.executemany("DELETE FROM mentions WHERE fact_key = ? AND entity_key = ?", [r[:2] for r in ordered if not r[2]])
    db.executemany(
        "INSERT INTO mentions VALUES (?, ?, ?, ?) ON CONFLICT (fact_key, entity_key)"
        " DO UPDATE SET roles = excluded.roles, surface = excluded.surface",
        [row for row in ordered if row[2]],
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
