"""A picture brought up to date: the rows that the log of changes names are read again, and the arrays edited.

The edits cost what the change costs, not what the store holds: a passage with its facts, the entities that they name, the
session that it stands in.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hippomem.arrays import kinds, nearest
from hippomem.arrays import picture as at
from hippomem.arrays.episodes import Episodes
from hippomem.arrays.picture import Picture, hashed, id_order, name_hash
from hippomem.graph.rows import NoRoomError
from hippomem.graph.similarity import quantise
from hippomem.store.blocks import blocks
from hippomem.store.changes import Changes
from hippomem.store.facts import TITLE as TITLE_ROLE
from hippomem.store.vectors import from_blobs
from hippomem.text.dates import date_words
from hippomem.text.fold import fold
from hippomem.text.mentions import title_key
from hippomem.text.words import terms

Ints = NDArray[np.int64]


def update(picture: Picture, db: sqlite3.Connection, namespace_key: int, changes: Changes, sequence: int) -> None:
    """Edit the arrays within one transaction of *db*; afterwards the picture is that of *sequence*.

    Raises NoRoomError when an array is full: then the picture is of no use any more, and is to be made anew.
    """
    Updating(picture, db, namespace_key).apply(changes)
    picture.arrays.counts[at.SEQUENCE] = sequence


@dataclass(frozen=True, slots=True)
class StoredPassage:
    """A passage as the store has it now."""

    key: int
    passage_id: str
    memory_key: int
    title: str
    date: str | None
    session: str | None
    speaker: str | None
    vector: bytes


class Updating:
    """One update of one picture."""

    def __init__(self, picture: Picture, db: sqlite3.Connection, namespace_key: int) -> None:
        self.picture, self.db, self.namespace_key = picture, db, namespace_key
        self.a = picture.arrays
        self.dimension = int(self.a.counts[at.DIMENSION])

    def apply(self, changes: Changes) -> None:
        """What goes is taken out while its edges still say where it belongs; then what comes gets places, edges, words."""
        picture = self.picture
        stored = self._stored_passages(changes.passages)
        old = picture.passage_places(changes.passages)
        # A row that was deleted and used again for other content is another passage.
        same = {key for key in old.keys() & stored.keys() if self._is(old[key], stored[key])}
        gone = {place for key, place in old.items() if key not in same}
        come = {key: row for key, row in stored.items() if key not in same}
        facts_before, _ = picture.facts_of_passages(_array(old.values()))
        fact_keys = {*changes.facts, *self.a.fact_key[facts_before].tolist(), *self._facts_of(stored)}
        facts = picture.fact_places(fact_keys)
        affected = {*old.values(), *self._passages_of_facts(facts.values())}
        named_before = {place: self._entities_of(place) for place in affected}
        region = Episodes(self).around(old.values())
        for place in sorted(gone):
            self._take_out(place)

        forgotten = self._entities(changes.entities)
        for key, row in come.items():
            self._add_passage(key, row)
        self._facts(sorted(fact_keys), facts)
        now = picture.passage_places(stored)
        affected |= {*now.values(), *self._passages_of_facts(picture.fact_places(fact_keys).values())}
        self._names(affected, named_before)
        for key, row in come.items():
            self._put_in_words(now[key], row)
        for key, row in stored.items():  # a memory's sources may have changed, and with them what it tells of itself
            self.a.episodic[now[key]] = row.date is not None or row.session is not None
            self.a.speaker[now[key]] = name_hash(fold(row.speaker)) if row.speaker and fold(row.speaker) else 0
        for place in forgotten:
            self._set_edges(place, kinds.SYNONYM, set())
            self.a.entity_alive[place] = 0
        self._synonyms(changes.entities)
        Episodes(self).update(region, gone, {now[key]: row for key, row in stored.items()})

    def _is(self, place: int, row: StoredPassage) -> bool:
        return int(self.a.passage_order[place]) == id_order(row.passage_id)

    # -- reading ------------------------------------------------------------------------------------------------------

    def select(self, sql: str, keys: Iterable[Any]) -> list[tuple[Any, ...]]:
        """Rows of a query that has "IN ?" in it, for all keys."""
        found: list[tuple[Any, ...]] = []
        ordered = list(keys)
        for marks, block in blocks(ordered):
            found += self.db.execute(sql.replace("IN ?", f"IN ({marks})"), block)
        return found

    def _stored_passages(self, keys: Iterable[int]) -> dict[int, StoredPassage]:
        rows = self.select(
            "SELECT passage_key, passage_id, memory_key, title, occurred_at,"
            " (SELECT min(session_id) FROM sources s WHERE s.memory_key = p.memory_key),"
            " (SELECT min(speaker) FROM sources s WHERE s.memory_key = p.memory_key), p.vector"
            " FROM passages p JOIN memories USING (memory_key)"
            f" WHERE p.namespace_key = {self.namespace_key} AND state IN ('ready', 'failed') AND p.vector IS NOT NULL"
            " AND passage_key IN ?",
            keys,
        )
        return {row[0]: StoredPassage(*row) for row in rows}

    def _facts_of(self, passages: Iterable[int]) -> list[int]:
        return [row[0] for row in self.select("SELECT fact_key FROM contributions WHERE passage_key IN ?", passages)]

    def _passages_of_facts(self, facts: Iterable[int]) -> list[int]:
        nodes = _array(facts) + self.picture.facts_from
        passages: list[int] = (self.picture.gather(nodes, kinds.STATES)[0] - self.picture.passages_from).tolist()
        return passages

    def _entities_of(self, passage: int) -> set[int]:
        """Places of the entities that a passage's facts mention, as the picture has it."""
        facts, _ = self.picture.facts_of_passages(_array([passage]))
        return set(self.picture.entities_of_facts(facts)[0].tolist())

    # -- entities -----------------------------------------------------------------------------------------------------

    def _entities(self, keys: Sequence[int]) -> list[int]:
        """Make places for new entities; returns the places of those that are gone."""
        rows = self.select(
            f"SELECT entity_key, key FROM entities WHERE namespace_key = {self.namespace_key} AND entity_key IN ?", keys
        )
        known = self.picture.entity_places(keys)
        there = set()
        for key, name in rows:
            value = name_hash(name)
            if key in known and int(self.a.entity_hash[known[key]]) == value:
                there.add(key)
                continue
            place = self._place(at.ENTITIES, self.a.entity_key)
            self.a.entity_key[place], self.a.entity_hash[place], self.a.entity_alive[place] = key, value, 1
            self.a.frequency[place], self.a.hub[place] = 0, 1.0
            self.picture.lookups.entities[key] = place
            self.picture.lookups.entity_names[value] = place
        return [place for key, place in known.items() if key not in there]

    def _place(self, what: int, array: NDArray[Any]) -> int:
        place = int(self.a.counts[what])
        if place >= len(array):
            raise NoRoomError
        self.a.counts[what] = place + 1
        return place

    def _synonyms(self, keys: Sequence[int]) -> None:
        """Set the edges between these entities and those that are on their list and have them on theirs."""
        places = self.picture.entity_places(keys)
        wanted: dict[int, dict[int, int]] = {place: {} for place in places.values()}
        rows = self.select(
            "SELECT a.entity_key, a.other_key, CAST(round(a.similarity * 255) AS INTEGER) FROM synonyms a"
            " JOIN synonyms b ON b.entity_key = a.other_key AND b.other_key = a.entity_key WHERE a.entity_key IN ?",
            places,
        )
        others = self.picture.entity_places(row[1] for row in rows)
        for key, other, strength in rows:
            if other in others:
                wanted[places[key]][others[other]] = strength
        for place, near in wanted.items():
            present = set(self.picture.gather(_array([place]), kinds.SYNONYM)[0].tolist())
            for other in present - near.keys():
                self._unlink(place, other, kinds.SYNONYM)
            for other in near.keys() - present:
                for entry in self._link(place, other, kinds.SYNONYM):
                    self.a.edge_strength[entry] = near[other]

    # -- edges --------------------------------------------------------------------------------------------------------

    def _link(self, a: int, b: int, kind: int) -> tuple[int, int]:
        return self.picture.edges.add(a, b, kind), self.picture.edges.add(b, a, kind)

    def _unlink(self, a: int, b: int, kind: int) -> None:
        self.picture.edges.remove(a, b, kind)
        self.picture.edges.remove(b, a, kind)

    def _set_edges(self, node: int, kind: int, wanted: set[int]) -> None:
        """Give a node exactly these edges of a kind, each in both directions."""
        present = set(self.picture.gather(_array([node]), kind)[0].tolist())
        for other in present - wanted:
            self._unlink(node, other, kind)
        for other in sorted(wanted - present):
            self._link(node, other, kind)

    # -- facts --------------------------------------------------------------------------------------------------------

    def _facts(self, keys: Sequence[int], known: dict[int, int]) -> None:
        """Facts as the store has them now, with their edges to entities and passages."""
        rows = self.select(
            f"SELECT fact_key, fact_id, kind = 'triple', vector FROM facts WHERE namespace_key = {self.namespace_key}"
            " AND vector IS NOT NULL AND fact_key IN ?",
            keys,
        )
        stated: dict[int, list[int]] = {}
        for fact, passage in self.select("SELECT fact_key, passage_key FROM contributions WHERE fact_key IN ?", keys):
            stated.setdefault(fact, []).append(passage)
        mentions: dict[int, list[tuple[int, int]]] = {}
        for fact, entity, roles in self.select(
            "SELECT fact_key, entity_key, roles FROM mentions WHERE fact_key IN ?", keys
        ):
            mentions.setdefault(fact, []).append((entity, roles))
        passages = self.picture.passage_places({key for some in stated.values() for key in some})
        entities = self.picture.entity_places({key for some in mentions.values() for key, _ in some})
        there = {row[0]: row for row in rows if any(p in passages for p in stated.get(row[0], ()))}
        for key, place in known.items():
            row = there.get(key)
            if row is None or int(self.a.fact_order[place]) != id_order(row[1]):
                self._drop_fact(place)
        fresh = [
            key
            for key, row in there.items()
            if key not in known or int(self.a.fact_order[known[key]]) != id_order(row[1])
        ]
        self._add_facts([there[key] for key in fresh])
        places = self.picture.fact_places(there)
        for key in sorted(there):
            place, node = places[key], places[key] + self.picture.facts_from
            homes = {passages[p] for p in stated[key] if p in passages}
            self._set_edges(node, kinds.STATES, {p + self.picture.passages_from for p in homes})
            self.a.home[place] = min(homes, key=lambda p: int(self.a.passage_order[p]))
            named = {entities[e] for e, roles in mentions.get(key, ()) if roles & ~TITLE_ROLE}
            only_title = {entities[e] for e, roles in mentions.get(key, ()) if not roles & ~TITLE_ROLE}
            self._set_edges(node, kinds.MENTION, named)
            self._set_edges(node, kinds.TITLED, only_title)

    def _add_facts(self, rows: Sequence[tuple[Any, ...]]) -> None:
        keys = [row[0] for row in rows]
        held: dict[int, set[str]] = {}
        for fact, term in self.select(
            "SELECT fact_key, term FROM postings JOIN words USING (word_key) WHERE term IS NOT NULL AND fact_key IN ?",
            keys,
        ):
            held.setdefault(fact, set()).add(term)
        for key, fact_id, is_triple, vector in rows:
            place = self._place(at.FACTS, self.a.fact_key)
            self.a.fact_key[place], self.a.fact_order[place] = key, id_order(fact_id)
            self.a.fact_alive[place], self.a.is_triple[place] = 1, is_triple
            self.a.fact_vector[place : place + 1], self.a.fact_scale[place : place + 1] = self._quantised(vector)
            self.a.fact_terms[place] = self._pooled([self._term(term) for term in sorted(held.get(key, ()))])
            self.picture.lookups.facts[key] = place

    def _drop_fact(self, place: int) -> None:
        node = place + self.picture.facts_from
        for kind in (kinds.STATES, kinds.MENTION, kinds.TITLED):
            self._set_edges(node, kind, set())
        self.a.fact_alive[place] = 0

    def _quantised(self, vector: bytes) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
        return quantise(from_blobs([vector], self.dimension))

    # -- passages -----------------------------------------------------------------------------------------------------

    def _add_passage(self, key: int, row: StoredPassage) -> None:
        a, place = self.a, self._place(at.PASSAGES, self.a.passage_key)
        a.passage_key[place], a.passage_order[place], a.passage_alive[place] = key, id_order(row.passage_id), 1
        a.passage_vector[place : place + 1], a.passage_scale[place : place + 1] = self._quantised(row.vector)
        a.context[place] = a.next_member[place] = -1
        if len(a.centroid):
            a.cluster[place] = nearest.closest(a.centroid, a.passage_vector[place])
            self.picture.clusters.add(int(a.cluster[place]), place, 1)
        self.picture.lookups.passages[key] = place
        for name in {fold(row.title), title_key(row.title) if row.title else ""} - {""}:
            entry = self._place(at.TITLES, a.title_hash)
            a.title_hash[entry], a.title_passage[entry] = name_hash(name), place
            self.picture.lookups.titles.setdefault(name_hash(name), []).append(place)
        a.counts[at.LIVE] += 1

    def _take_out(self, place: int) -> None:
        """A passage that went: its words count no longer, and nothing leads to its title from it.

        Its postings stay behind; searches pass over those of passages that went.
        """
        a = self.a
        held = set(a.term_pool[int(a.title_terms[place, 0]) : int(a.title_terms[place, 2])].tolist())
        facts, _ = self.picture.facts_of_passages(_array([place]))
        for first, last in a.fact_terms[facts].tolist():
            held.update(a.term_pool[first:last].tolist())
        for term in held:
            a.term_frequency[term] -= 1
        self._set_edges(place + self.picture.passages_from, kinds.TITLE, set())
        a.title_entity[place] = -1
        if len(a.centroid):
            self.picture.clusters.remove(int(a.cluster[place]), place, 1)
        a.passage_alive[place] = 0
        a.counts[at.LIVE] -= 1

    def _names(self, passages: Iterable[int], before: dict[int, set[int]]) -> None:
        """Edges from passages to the entities of their facts, and how frequent entities are."""
        a, picture = self.a, self.picture
        for place in sorted(passages):
            facts, _ = picture.facts_of_passages(_array([place]))
            named = set(picture.gather(facts + picture.facts_from, kinds.MENTION)[0].tolist())
            self._set_edges(place + picture.passages_from, kinds.NAMES, named)
            after = self._entities_of(place)
            for entity in before.get(place, set()) ^ after:
                a.frequency[entity] += 1 if entity in after else -1
                a.hub[entity] = 1.0 / np.sqrt(np.float64(max(int(a.frequency[entity]), 1)))

    # -- words --------------------------------------------------------------------------------------------------------

    def _term(self, term: str) -> int:
        known = self.picture.terms_known([term])
        if term in known:
            return known[term]
        place = self._place(at.TERMS, self.a.term_hash)
        self.a.term_hash[place] = name_hash(term)
        self.a.term_frequency[place] = 0
        self.picture.lookups.terms[name_hash(term)] = place
        return place

    def _pooled(self, some_terms: Sequence[int]) -> tuple[int, int]:
        first = int(self.a.counts[at.POOL])
        if first + len(some_terms) > len(self.a.term_pool):
            raise NoRoomError
        self.a.term_pool[first : first + len(some_terms)] = some_terms
        self.a.counts[at.POOL] = first + len(some_terms)
        return first, first + len(some_terms)

    def _put_in_words(self, place: int, row: StoredPassage) -> None:
        """The postings of a passage: words of its sentences, its title and its date."""
        a = self.a
        title = terms(row.title)
        date = terms(date_words(row.date)) if row.date else []
        counts: Counter[str] = Counter(title + date)
        for term, count in self.db.execute(
            "SELECT term, sum(contributions.count * postings.count) FROM contributions JOIN postings USING (fact_key)"
            " JOIN words USING (word_key) WHERE passage_key = ? AND term IS NOT NULL GROUP BY term",
            (row.key,),
        ):
            counts[term] += count
        for term, count in sorted(counts.items()):
            entry = self._term(term)
            self.picture.postings.add(entry, place, min(count, 255))
            a.term_frequency[entry] += 1
        first, middle = self._pooled([self._term(term) for term in sorted(set(title))])
        _, last = self._pooled([self._term(term) for term in sorted(set(date))])
        a.title_terms[place] = first, middle, last
        a.length[place] = sum(counts.values())
        key = title_key(row.title) if row.title else ""
        a.title_entity[place] = self.picture.entities_named(hashed([key])).get(key, -1) if key else -1
        if a.title_entity[place] >= 0:
            self._set_edges(place + self.picture.passages_from, kinds.TITLE, {int(a.title_entity[place])})


def _array(places: Iterable[int]) -> Ints:
    return np.array(list(places), dtype=np.int64)
