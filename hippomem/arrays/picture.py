"""One namespace as arrays: what a search reads.

Passages, facts and entities have a *place* each, in the order in which they were stored; a place is never used again before
the arrays are made anew, and every array has room for more places. Ties are broken by ``order``, which follows from content,
so that no ranking depends on places. Nodes of the graph are entities, then facts, then passages, each with its room.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hippomem.arrays.kinds import MENTION, STATES, TITLED, any_of
from hippomem.graph.rows import GrowingRows
from hippomem.graph.similarity import quantised_products
from hippomem.graph.walk import Network
from hippomem.store.display import Visible

Ints = NDArray[np.int64]

#: Places of `Arrays.counts`.
(
    PASSAGES,
    FACTS,
    ENTITIES,
    TERMS,
    CONTEXTS,
    POOL,
    TITLES,
    BASE_PASSAGES,
    BASE_FACTS,
    BASE_ENTITIES,
    BASE_TERMS,
    BASE_TITLES,
    LIVE,
    SPREAD,
    SEQUENCE,
    DIMENSION,
    PROBES,
) = range(17)
#: Lengths and counts that spread to neighbours are whole numbers of this part: 1, 1/2, 1/4, 1/8 and 1/10 are too.
PARTS = 40


def name_hash(text: str) -> int:
    """64 bits that stand for a name, term or title. Two of a million names are equal in one of thirty million stores."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def id_order(some_id: str) -> int:
    """The first 64 bits of an id ("p-3f…"): they order as the ids do."""
    return int(some_id[2:18], 16)


@dataclass
class Arrays:
    """All arrays of a namespace, each with room at its end. They may be mapped copy-on-write: changing one changes no file.

    P, F, E, T, C: passages, facts, entities, terms, contexts (sessions and documents), room included; d: dimension.
    """

    counts: Ints  # (17,) see the names above
    passage_key: Ints  # (P,) rows of the store
    passage_order: NDArray[np.uint64]  # (P,)
    passage_alive: NDArray[np.uint8]
    passage_vector: NDArray[np.int8]  # (P, d), times scale: unit rows
    passage_scale: NDArray[np.float32]
    episodic: NDArray[np.uint8]  # it has a date or a session
    speaker: NDArray[np.uint64]  # name_hash of the speaker's key, 0 for none
    title_entity: NDArray[np.int32]  # -1 for none
    context: NDArray[np.int32]  # the session, or else the document, that it is part of
    next_member: NDArray[np.int32]  # the next passage of the same context, -1 for the last
    in_episode: NDArray[np.uint8]  # it has neighbours, or its context has other members
    length: NDArray[np.int32]  # terms
    spread_length: NDArray[np.int32]  # in PARTS, with what the passages around it give
    title_terms: Ints  # (P, 3) places in term_pool: title from, title to = date from, date to
    context_first: NDArray[np.int32]  # (C,) a member, -1 for none
    context_size: NDArray[np.int32]
    context_length: Ints  # (C,) sum of the members' lengths
    fact_key: Ints  # (F,)
    fact_order: NDArray[np.uint64]
    fact_alive: NDArray[np.uint8]
    is_triple: NDArray[np.uint8]
    fact_vector: NDArray[np.int8]  # (F, d)
    fact_scale: NDArray[np.float32]
    home: NDArray[np.int32]  # (F,) the first passage, by order, that states it
    fact_terms: Ints  # (F, 2) places in term_pool: from, to
    entity_key: Ints  # (E,)
    entity_hash: NDArray[np.uint64]
    entity_alive: NDArray[np.uint8]
    sorted_hash: NDArray[np.uint64]  # (base entities,) hashes, sorted …
    by_hash: NDArray[np.int32]  # … and the places that they belong to
    frequency: NDArray[np.int32]  # (E,) passages that mention it
    hub: NDArray[np.float32]  # (E,) frequency ^ -1/2
    term_hash: NDArray[np.uint64]  # (T,) sorted, as far as the base goes
    term_frequency: NDArray[np.int32]  # (T,) passages that hold it
    term_pool: NDArray[np.int32]  # terms of sentences, titles and dates, each once a text
    title_hash: NDArray[np.uint64]  # sorted as far as the base goes: names of titles, with and without parenthesis
    title_passage: NDArray[np.int32]
    edge_start: Ints
    edge_target: NDArray[np.int32]
    edge_kind: NDArray[np.uint8]
    edge_strength: NDArray[np.uint8]  # in 255ths: the cosine of synonyms, 255 for others
    edge_head: NDArray[np.int32]
    edge_following: NDArray[np.int32]
    edge_used: Ints
    posting_start: Ints
    posting_target: NDArray[np.int32]  # passages that hold a term …
    posting_count: NDArray[np.uint8]  # … so many times, 255 at most
    posting_head: NDArray[np.int32]
    posting_following: NDArray[np.int32]
    posting_used: Ints
    centroid: NDArray[np.float32]  # (K, d) unit rows; K = 0 where a query is compared with every passage
    cluster: NDArray[np.int32]  # (P,) the nearest centroid
    cluster_start: Ints
    cluster_target: NDArray[np.int32]  # passages of a cluster
    cluster_label: NDArray[np.uint8]
    cluster_head: NDArray[np.int32]
    cluster_following: NDArray[np.int32]
    cluster_used: Ints

    def items(self) -> Iterable[tuple[str, NDArray[Any]]]:
        """Name and array."""
        return ((each.name, getattr(self, each.name)) for each in fields(self))


@dataclass
class Lookups:
    """Where to find what came after the base: row of the store or hash → place."""

    passages: dict[int, int] = field(default_factory=dict)
    facts: dict[int, int] = field(default_factory=dict)
    entities: dict[int, int] = field(default_factory=dict)
    entity_names: dict[int, int] = field(default_factory=dict)
    terms: dict[int, int] = field(default_factory=dict)
    titles: dict[int, list[int]] = field(default_factory=dict)

    @classmethod
    def of(cls, a: Arrays) -> Lookups:
        """What the arrays hold beyond their base; the last of two with one key is the one that is there."""
        made = cls()
        for kind, base, count in (
            ("passage", BASE_PASSAGES, PASSAGES),
            ("fact", BASE_FACTS, FACTS),
            ("entity", BASE_ENTITIES, ENTITIES),
        ):
            keys = getattr(a, f"{kind}_key")[int(a.counts[base]) : int(a.counts[count])].tolist()
            table = {"passage": made.passages, "fact": made.facts, "entity": made.entities}[kind]
            table.update({key: int(a.counts[base]) + i for i, key in enumerate(keys)})
        first, last = int(a.counts[BASE_ENTITIES]), int(a.counts[ENTITIES])
        made.entity_names.update({h: first + i for i, h in enumerate(a.entity_hash[first:last].tolist())})
        first, last = int(a.counts[BASE_TERMS]), int(a.counts[TERMS])
        made.terms.update({h: first + i for i, h in enumerate(a.term_hash[first:last].tolist())})
        for at in range(int(a.counts[BASE_TITLES]), int(a.counts[TITLES])):
            made.titles.setdefault(int(a.title_hash[at]), []).append(int(a.title_passage[at]))
        return made


class Picture:
    """Reads the arrays of one namespace, as of one place in the store's log of changes."""

    def __init__(self, arrays: Arrays) -> None:
        self.arrays = arrays
        self.lookups = Lookups.of(arrays)
        #: The change that the arrays were at when they were opened.
        self.base = int(arrays.counts[SEQUENCE])
        a = arrays
        self.edges = GrowingRows(a.edge_start, a.edge_target, a.edge_kind, a.edge_head, a.edge_following, a.edge_used)
        self.postings = GrowingRows(
            a.posting_start, a.posting_target, a.posting_count, a.posting_head, a.posting_following, a.posting_used
        )
        self.clusters = GrowingRows(
            a.cluster_start, a.cluster_target, a.cluster_label, a.cluster_head, a.cluster_following, a.cluster_used
        )
        self.network = Network(self.edges, a.edge_strength, a.hub[: len(a.entity_key)])
        #: The first node that is a fact, and the first that is a passage.
        self.facts_from = len(a.entity_key)
        self.passages_from = self.facts_from + len(a.fact_key)

    def _count(self, what: int) -> int:
        return int(self.arrays.counts[what])

    @property
    def sequence(self) -> int:
        """The newest change that is in the picture."""
        return self._count(SEQUENCE)

    @property
    def probes(self) -> int:
        """Clusters that a search for near passages looks into."""
        return self._count(PROBES)

    @property
    def size(self) -> tuple[int, int, int]:
        """(passages, facts, entities) that are there."""
        a = self.arrays
        return self.live, int(a.fact_alive.sum()), int(a.entity_alive.sum())

    @property
    def live(self) -> int:
        """Passages that are there."""
        return self._count(LIVE)

    @property
    def passages(self) -> Ints:
        """Places of all passages."""
        return np.flatnonzero(self.arrays.passage_alive[: self._count(PASSAGES)])

    def within(self, passages: NDArray[np.bool_]) -> Picture:
        """A picture that sees these passages only: a snapshot, to be thrown away when `sequence` moves.

        passages: (P,) which places may be seen, room included; those that are gone are not.
        """
        from hippomem.arrays.within import Within

        return Within(self, passages)

    @property
    def visible(self) -> Visible | None:
        """Rows of the store whose words may be shown; None for all."""
        return None

    # -- from rows of the store and from names to places --------------------------------------------------------------

    def passage_places(self, keys: Iterable[int]) -> dict[int, int]:
        """Row of the store → place, of those that are here."""
        a = self.arrays
        return _places(keys, self.lookups.passages, a.passage_key[: self._count(BASE_PASSAGES)], a.passage_alive)

    def mask_of(self, keys: Iterable[int]) -> NDArray[np.bool_]:
        """(P,) which passages have these rows of the store."""
        mask = np.zeros(len(self.arrays.passage_alive), dtype=np.bool_)
        mask[list(self.passage_places(keys).values())] = True
        return mask

    def fact_places(self, keys: Iterable[int]) -> dict[int, int]:
        """Row of the store → place, of those that are here."""
        a = self.arrays
        return _places(keys, self.lookups.facts, a.fact_key[: self._count(BASE_FACTS)], a.fact_alive)

    def entity_places(self, keys: Iterable[int]) -> dict[int, int]:
        """Row of the store → place, of those that are here."""
        a = self.arrays
        return _places(keys, self.lookups.entities, a.entity_key[: self._count(BASE_ENTITIES)], a.entity_alive)

    def entities_named(self, hashes: Mapping[str, int]) -> dict[str, int]:
        """Key of an entity → its place, of those that are here. hashes: key → `name_hash`."""
        a = self.arrays
        found = {name: int(a.by_hash[at]) for name, at in _in_sorted(a.sorted_hash, hashes)}
        later = self.lookups.entity_names
        if later:
            found.update((name, later[value]) for name, value in hashes.items() if value in later)
        return {name: place for name, place in found.items() if a.entity_alive[place]}

    def terms_known(self, terms: Iterable[str]) -> dict[str, int]:
        """Term → its place, of those that some text ever held."""
        hashes = {term: name_hash(term) for term in terms}
        found = dict(_in_sorted(self.arrays.term_hash[: self._count(BASE_TERMS)], hashes))
        later = self.lookups.terms
        if later:
            found.update((term, later[value]) for term, value in hashes.items() if value in later)
        return found

    def titled(self, hashes: Mapping[str, int], *, at_most: int | None = None) -> dict[str, list[int]]:
        """Folded title, with or without its closing parenthesis → places of the passages of that title, ascending.

        hashes: title → `name_hash`.    at_most: of a title of more passages, none.
        """
        a, known = self.arrays, self._count(BASE_TITLES)
        limit = len(a.title_hash) if at_most is None else at_most
        found: dict[str, list[int]] = {}
        for name, first in _in_sorted(a.title_hash[:known], hashes):
            last = int(np.searchsorted(a.title_hash[:known], a.title_hash[first], side="right"))
            found[name] = a.title_passage[first : min(last, first + limit + 1)].tolist()
        later = self.lookups.titles
        if later:
            for name, value in hashes.items():
                if value in later:
                    found[name] = found.get(name, []) + later[value]
        alive = {name: sorted({p for p in places if a.passage_alive[p]}) for name, places in found.items()}
        return {name: places for name, places in alive.items() if 0 < len(places) <= max(limit, 1)}

    # -- the graph ----------------------------------------------------------------------------------------------------

    def gather(self, nodes: Ints, *kinds: int) -> tuple[Ints, Ints]:
        """Nodes at the other end of these kinds of edges, node after node, and how many each has."""
        return self.edges.gather(nodes, any_of(*kinds))

    def facts_of_passages(self, passages: Ints, *, sentences: bool = False) -> tuple[Ints, Ints]:
        """Places of the facts that passages state, passage after passage, and how many each has."""
        facts, sizes = self.gather(passages + self.passages_from, STATES)
        facts = facts - self.facts_from
        if sentences and len(facts):
            keep = self.arrays.is_triple[facts] == 0
            of = np.repeat(np.arange(len(passages)), sizes)[keep]
            facts, sizes = facts[keep], np.bincount(of, minlength=len(passages))
        return facts, sizes

    def entities_of_facts(self, facts: Ints) -> tuple[Ints, Ints]:
        """Places of the entities that facts mention, their title's among them."""
        return self.gather(facts + self.facts_from, MENTION, TITLED)

    def facts_of_entities(self, entities: Ints) -> tuple[Ints, Ints]:
        """Places of the facts that mention entities, or have them as title."""
        facts, sizes = self.gather(entities, MENTION, TITLED)
        return facts - self.facts_from, sizes

    # -- vectors ------------------------------------------------------------------------------------------------------

    def passage_cosines(self, query: NDArray[np.float32], passages: Ints) -> NDArray[np.float64]:
        """(m,) cosines of passages with a unit query (d,)."""
        return quantised_products(self.arrays.passage_vector, self.arrays.passage_scale, query, passages)

    def fact_cosines(self, query: NDArray[np.float32], facts: Ints) -> NDArray[np.float64]:
        """(m,) cosines of facts with a unit query (d,)."""
        return quantised_products(self.arrays.fact_vector, self.arrays.fact_scale, query, facts)

    @property
    def is_empty(self) -> bool:
        """Whether nothing can be found."""
        return self.live == 0


def hashed(names: Iterable[str]) -> dict[str, int]:
    """Names with their hashes."""
    return {name: name_hash(name) for name in names}


def _in_sorted(hashes: NDArray[np.uint64], wanted: Mapping[str, int]) -> list[tuple[str, int]]:
    """(name, where its hash first stands), of those whose hash is there."""
    if not wanted or not len(hashes):
        return []
    values = np.array(list(wanted.values()), dtype=np.uint64)
    at = np.searchsorted(hashes, values)
    at[at == len(hashes)] = 0
    there = np.flatnonzero(hashes[at] == values)
    if not len(there):
        return []
    names = list(wanted)
    return [(names[i], int(at[i])) for i in there.tolist()]


def _places(keys: Iterable[int], later: Mapping[int, int], base: Ints, alive: NDArray[np.uint8]) -> dict[int, int]:
    wanted = list(dict.fromkeys(keys))
    if not wanted:
        return {}
    at = np.searchsorted(base, wanted)
    at[at == len(base)] = 0
    found = {}
    for key, place in zip(wanted, at.tolist(), strict=True):
        if key in later:
            place = later[key]
        elif not len(base) or base[place] != key:
            continue
        if alive[place]:
            found[key] = place
    return found
