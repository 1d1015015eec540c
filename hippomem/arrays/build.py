"""The arrays of a namespace, made anew from the store."""

from __future__ import annotations

import mmap
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csc_array, csr_array

from hippomem.arrays import kinds, nearest, spread
from hippomem.arrays.picture import Arrays, id_order, name_hash
from hippomem.graph.rows import GrowingRows, fill_rows
from hippomem.graph.similarity import quantise
from hippomem.store.facts import TITLE as TITLE_ROLE
from hippomem.store.vectors import from_blobs
from hippomem.text.dates import date_words
from hippomem.text.fold import fold
from hippomem.text.mentions import title_key
from hippomem.text.words import terms

Ints = NDArray[np.int64]
#: Places of rows, places of columns, values.
Triples = tuple[NDArray[Any], NDArray[Any], NDArray[Any]]
#: Makes an array of zeros of a name, a shape and a type: in memory, or in a file.
Make = Callable[[str, tuple[int, ...], Any], NDArray[Any]]

#: Rows of the store read at a time: of numbers, and of vectors, each of which takes about 10 KB until it is in its array.
_BLOCK, _VECTORS = 1 << 18, 1 << 12
#: Room of each kind of array: a sixteenth of what is there, and at least so many.
_ROOM = {
    "passages": 1024,
    "facts": 8192,
    "entities": 4096,
    "terms": 8192,
    "pool": 1 << 17,
    "edges": 1 << 17,
    "postings": 1 << 17,
    "titles": 2048,
}


def in_memory(name: str, shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
    """An array of zeros."""
    return np.zeros(shape, dtype=dtype)


def room(what: str, used: int) -> int:
    """Places beyond those in use."""
    return used // 16 + _ROOM[what]


def build(db: sqlite3.Connection, namespace_key: int, dimension: int, sequence: int, make: Make = in_memory) -> Arrays:
    """Read a namespace within one transaction of *db*. sequence: of the newest change that it sees."""
    return _Build(db, namespace_key, max(dimension, 1), sequence, make).arrays()


@dataclass
class _Build:
    db: sqlite3.Connection
    namespace_key: int
    dimension: int
    sequence: int
    make: Make
    made: dict[str, NDArray[Any]] = field(default_factory=dict)

    def arrays(self) -> Arrays:
        """All of them."""
        passages = self._passages()
        self._let_go()
        entities = self._entities()
        contributions = self._contributions(passages)
        self._facts(contributions)
        self._let_go()
        self._edges(contributions, self._mentions())
        self._let_go()
        self._terms(contributions)
        del contributions
        self._contexts()
        del self.rows
        self._let_go()
        self._clusters(len(passages))
        self._keep("counts", self._counts(len(passages), len(entities)), 0)
        return Arrays(**self.made)

    # -- helpers ------------------------------------------------------------------------------------------------------

    def _keep(self, name: str, values: NDArray[Any], room_for: int, *, empty: int = 0) -> NDArray[Any]:
        """Store an array with room; *empty*: what stands in the room."""
        array = self.make(name, (len(values) + room_for, *values.shape[1:]), values.dtype)
        array[: len(values)] = values
        if empty:
            array[len(values) :] = empty
        self.made[name] = array
        return array

    def _keep_rows(self, prefix: str, label: str, rows: GrowingRows) -> None:
        """Store growing rows under the names of `Arrays`."""
        for name, values in (
            ("start", rows.start),
            ("target", rows.target),
            (label, rows.label),
            ("head", rows.head),
            ("following", rows.following),
            ("used", rows.used),
        ):
            self._keep(f"{prefix}_{name}", values, 0)

    def _let_go(self) -> None:
        """Take what was written to files out of this process's memory: the system has it, and maps it again when asked."""
        for array in self.made.values():
            if isinstance(array.base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
                array.base.madvise(mmap.MADV_DONTNEED)

    def _integers(self, sql: str, columns: int, parameters: Sequence[Any] = ()) -> Iterator[NDArray[np.int64]]:
        """Blocks of (n, columns) integers."""
        cursor = self.db.execute(sql, parameters or (self.namespace_key,))
        while True:
            flat = np.fromiter(chain.from_iterable(islice(cursor, _BLOCK)), dtype=np.int64)
            if not len(flat):
                return
            yield flat.reshape(-1, columns)

    def _triples(self, sql: str, rows: Ints, columns: Ints) -> Triples:
        """(row, column, value) triples as places; pairs without a place are left out."""
        of_row, of_column = _table(rows), _table(columns)
        found = []
        for block in self._integers(sql, 3):
            i, j = of_row(block[:, 0]), of_column(block[:, 1])
            keep = (i >= 0) & (j >= 0)
            found.append((i[keep], j[keep], block[keep, 2].astype(np.int32)))
        if not found:
            none = np.zeros(0, dtype=np.int32)
            return none, none, none
        i, j, value = (np.concatenate(part) for part in zip(*found, strict=True))
        return i, j, value

    # -- nodes --------------------------------------------------------------------------------------------------------

    def _passages(self) -> Ints:
        where = "p.namespace_key = ? AND p.state IN ('ready', 'failed') AND p.vector IS NOT NULL ORDER BY p.passage_key"
        sql = f"SELECT p.passage_key, p.memory_key, p.ordinal FROM passages p WHERE {where}"
        rows = _stacked(self._integers(sql, 3), 3)
        keys, self.memory, self.ordinal = rows[:, 0].copy(), rows[:, 1].copy(), rows[:, 2].copy()
        free = room("passages", len(keys))
        self._keep("passage_key", keys, free)
        self._keep("passage_alive", np.ones(len(keys), dtype=np.uint8), free)
        order = self._keep("passage_order", np.zeros(len(keys), dtype=np.uint64), free)
        vectors, scales = self._vectors("passage", len(keys), free)
        self.titles: list[str] = []
        self.dates: list[str | None] = []
        sql = (
            "SELECT passage_id, title, occurred_at, p.vector FROM passages p JOIN memories USING (memory_key)"
            f" WHERE {where}"
        )
        for at, block in _blocks(self.db.execute(sql, (self.namespace_key,))):
            part = slice(at, at + len(block))
            order[part] = [id_order(row[0]) for row in block]
            vectors[part], scales[part] = quantise(from_blobs([row[3] for row in block], self.dimension))
            self.titles += [row[1] for row in block]
            self.dates += [row[2] for row in block]
        self._episodes(free)
        return keys

    def _vectors(self, kind: str, used: int, free: int) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
        vectors = self.make(f"{kind}_vector", (used + free, self.dimension), np.int8)
        scales = self.make(f"{kind}_scale", (used + free,), np.float32)
        self.made[f"{kind}_vector"], self.made[f"{kind}_scale"] = vectors, scales
        return vectors, scales

    def _episodes(self, free: int) -> None:
        """What is told about passages by where they come from: session, speaker, date."""
        rows = self.db.execute(
            "SELECT memory_key, min(session_id), min(speaker) FROM memories JOIN sources USING (memory_key)"
            " WHERE namespace_key = ? AND (session_id IS NOT NULL OR speaker IS NOT NULL) GROUP BY memory_key",
            (self.namespace_key,),
        ).fetchall()
        self.session_of = {key: session for key, session, _ in rows if session is not None}
        speakers = {key: name_hash(fold(speaker)) for key, _, speaker in rows if speaker and fold(speaker)}
        memories = self.memory.tolist()
        dated = np.array([date is not None for date in self.dates], dtype=bool)
        sessions = np.array([key in self.session_of for key in memories], dtype=bool)
        self._keep("episodic", (dated | sessions).astype(np.uint8), free)
        self._keep("speaker", np.array([speakers.get(key, 0) for key in memories], dtype=np.uint64), free)

    def _entities(self) -> Ints:
        sql = "SELECT entity_key, key FROM entities WHERE namespace_key = ? ORDER BY entity_key"
        keys, hashes = [], []
        for _, block in _blocks(self.db.execute(sql, (self.namespace_key,))):
            keys += [row[0] for row in block]
            hashes += [name_hash(row[1]) for row in block]
        entity_keys, entity_hash = np.array(keys, dtype=np.int64), np.array(hashes, dtype=np.uint64)
        free = room("entities", len(keys))
        self._keep("entity_key", entity_keys, free)
        self._keep("entity_hash", entity_hash, free)
        self._keep("entity_alive", np.ones(len(keys), dtype=np.uint8), free)
        by_hash = np.argsort(entity_hash, kind="stable")
        self._keep("sorted_hash", entity_hash[by_hash], 0)
        self._keep("by_hash", by_hash.astype(np.int32), 0)
        named = dict(zip(hashes, range(len(hashes)), strict=True))
        keys_of_titles = [title_key(title) if title else "" for title in self.titles]
        of_title = [named.get(name_hash(key), -1) if key else -1 for key in keys_of_titles]
        free = len(self.made["passage_key"]) - len(self.titles)
        self.title_entity = np.array(of_title, dtype=np.int32)
        self._keep("title_entity", self.title_entity, free, empty=-1)
        pairs = [
            (name_hash(name), place)
            for place, (title, key) in enumerate(zip(self.titles, keys_of_titles, strict=True))
            for name in {fold(title), key} - {""}
        ]
        pairs.sort()
        free = room("titles", len(pairs))
        self._keep("title_hash", np.array([value for value, _ in pairs], dtype=np.uint64), free)
        self._keep("title_passage", np.array([place for _, place in pairs], dtype=np.int32), free)
        self.title_names = len(pairs)
        return entity_keys

    def _contributions(self, passages: Ints) -> csr_array:
        """(P, F) counts, of the facts that are embedded and stated by a passage that is here."""
        sql = "SELECT fact_key FROM facts WHERE namespace_key = ? AND vector IS NOT NULL ORDER BY fact_key"
        facts = _stacked(self._integers(sql, 1), 1)[:, 0].copy()
        sql = (
            "SELECT passage_key, fact_key, count FROM contributions JOIN passages USING (passage_key)"
            " WHERE namespace_key = ?"
        )
        p, f, count = self._triples(sql, passages, facts)
        stated = np.zeros(len(facts), dtype=bool)
        stated[f] = True
        place = np.cumsum(stated) - 1
        self.fact_keys = facts[stated]
        return csr_array((count, (p, place[f])), shape=(len(passages), len(self.fact_keys)), dtype=np.int32)

    def _facts(self, contributions: csr_array) -> None:
        keys = self.fact_keys
        free = room("facts", len(keys))
        self._keep("fact_key", keys, free)
        self._keep("fact_alive", np.ones(len(keys), dtype=np.uint8), free)
        order = self._keep("fact_order", np.zeros(len(keys), dtype=np.uint64), free)
        triple = self._keep("is_triple", np.zeros(len(keys), dtype=np.uint8), free)
        vectors, scales = self._vectors("fact", len(keys), free)
        place = _table(keys)
        sql = (
            "SELECT fact_key, fact_id, kind = 'triple', vector FROM facts WHERE namespace_key = ? AND vector IS NOT NULL"
            " ORDER BY fact_key"
        )
        for _, block in _blocks(self.db.execute(sql, (self.namespace_key,))):
            at = place(np.array([row[0] for row in block], dtype=np.int64))
            kept = [row for row, here in zip(block, (at >= 0).tolist(), strict=True) if here]
            at = at[at >= 0]
            order[at] = np.array([id_order(row[1]) for row in kept], dtype=np.uint64)
            triple[at] = [row[2] for row in kept]
            vectors[at], scales[at] = quantise(from_blobs([row[3] for row in kept], self.dimension))
        # Its home: of the passages that state it, the first by order.
        by_fact = coo_array(contributions)
        first = np.lexsort((self.made["passage_order"][by_fact.row], by_fact.col))
        stated, chosen = np.unique(by_fact.col[first], return_index=True)
        home = np.full(len(keys), -1, dtype=np.int32)
        home[stated] = by_fact.row[first][chosen]
        self._keep("home", home, free, empty=-1)

    # -- edges --------------------------------------------------------------------------------------------------------

    def _mentions(self) -> Triples:
        sql = "SELECT fact_key, entity_key, roles FROM mentions JOIN facts USING (fact_key) WHERE namespace_key = ?"
        return self._triples(sql, self.fact_keys, self.made["entity_key"][: len(self.made["sorted_hash"])])

    def _edges(self, contributions: csr_array, mentions: Triples) -> None:
        entities, facts = len(self.made["sorted_hash"]), len(self.fact_keys)
        facts_from = len(self.made["entity_key"])
        passages_from = facts_from + len(self.made["fact_key"])
        nodes = passages_from + len(self.made["passage_key"])
        fact, entity, roles = mentions
        named = (roles & ~TITLE_ROLE) > 0
        mentioned = csr_array((np.ones(len(fact), dtype=np.int32), (fact, entity)), shape=(facts, entities))
        any_role = coo_array(contributions @ mentioned)
        frequency = np.bincount(any_role.col, minlength=entities).astype(np.int32)
        free = facts_from - entities
        self._keep("frequency", frequency, free)
        hub = (1.0 / np.sqrt(np.maximum(frequency, 1))).astype(np.float32)
        self._keep("hub", hub, free, empty=1)
        in_text = csr_array(
            (np.ones(int(named.sum()), dtype=np.int32), (fact[named], entity[named])), shape=(facts, entities)
        )
        names = coo_array(contributions @ in_text)
        states = coo_array(contributions)
        near = self._synonyms()
        titled = np.flatnonzero(self.title_entity >= 0)
        before, after = self._neighbours()
        pairs = [
            (fact[named] + facts_from, entity[named], kinds.MENTION),
            (fact[~named] + facts_from, entity[~named], kinds.TITLED),
            (states.row + passages_from, states.col + facts_from, kinds.STATES),
            (names.row + passages_from, names.col, kinds.NAMES),
            (titled + passages_from, self.title_entity[titled], kinds.TITLE),
        ]
        blocks: list[tuple[Ints, Ints, int | NDArray[np.uint8]]] = []
        for a, b, kind in pairs:
            blocks += [(a, b, kind), (b, a, kind)]
        blocks.append((before + passages_from, after + passages_from, kinds.NEXT))
        blocks.append((after + passages_from, before + passages_from, kinds.PREVIOUS))
        blocks.append((near[0], near[1], kinds.SYNONYM))
        edges = sum(len(a) for a, _, _ in blocks)
        rows = fill_rows(nodes, blocks, room_rows=0, room=room("edges", edges))
        strength = self.make("edge_strength", (len(rows.target),), np.uint8)
        strength[:] = 255
        # Synonyms are the last of their row, in the order in which they are here.
        if len(near[0]):
            where = np.flatnonzero(rows.label == kinds.SYNONYM)
            strength[where] = near[2][np.argsort(near[0], kind="stable")]
        self.made["edge_strength"] = strength
        self._keep_rows("edge", "kind", rows)
        self.rows = rows
        self.passages_from = passages_from

    def _synonyms(self) -> tuple[Ints, Ints, NDArray[np.uint8]]:
        """(entity, entity, strength) where each is on the other's list; both directions."""
        keys = self.made["entity_key"][: len(self.made["sorted_hash"])]
        sql = (
            "SELECT entity_key, other_key, CAST(round(similarity * 255) AS INTEGER) FROM synonyms"
            " JOIN entities USING (entity_key) WHERE namespace_key = ?"
        )
        a, b, strength = self._triples(sql, keys, keys)
        listed = csr_array((strength, (a, b)), shape=(len(keys), len(keys)))
        mutual = coo_array(listed.minimum(csr_array(listed.T)))
        return mutual.row.astype(np.int64), mutual.col.astype(np.int64), mutual.data.astype(np.uint8)

    def _neighbours(self) -> tuple[Ints, Ints]:
        """Pairs of passages that follow one another: pieces of one memory, turns of one session; each pair once."""
        pairs: set[tuple[int, int]] = set()
        order = np.lexsort((self.ordinal, self.memory))
        joined = np.flatnonzero(self.memory[order[:-1]] == self.memory[order[1:]]) if len(order) else order
        pairs.update(zip(order[joined].tolist(), order[joined + 1].tolist(), strict=True))
        place = _table(self.made["passage_key"][: len(self.titles)])
        turns = self.db.execute(
            "SELECT session_id, position, passages.ordinal, passages.passage_key FROM passages"
            " JOIN sources USING (memory_key) WHERE namespace_key = ? AND session_id IS NOT NULL AND position IS NOT NULL",
            (self.namespace_key,),
        ).fetchall()
        at = place(np.array([row[3] for row in turns], dtype=np.int64)).tolist()
        pairs.update(
            spread.session_pairs(
                (row[0], row[1], row[2], int(self.made["passage_order"][p]), p)
                for row, p in zip(turns, at, strict=True)
                if p >= 0
            )
        )
        ordered = np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2)
        return ordered[:, 0], ordered[:, 1]

    # -- words --------------------------------------------------------------------------------------------------------

    def _terms(self, contributions: csr_array) -> None:
        words = self.db.execute(
            "SELECT word_key, term FROM words WHERE namespace_key = ? AND term IS NOT NULL", (self.namespace_key,)
        ).fetchall()
        of_titles = [terms(title) for title in self.titles]
        of_dates = [terms(date_words(date)) if date else [] for date in self.dates]
        hashes = {term: name_hash(term) for term in {term for _, term in words}.union(*of_titles, *of_dates)}
        vocabulary = np.unique(np.array(list(hashes.values()), dtype=np.uint64))
        place = {
            term: int(at)
            for term, at in zip(
                hashes, np.searchsorted(vocabulary, np.array(list(hashes.values()), dtype=np.uint64)), strict=True
            )
        }
        word_keys = np.array([key for key, _ in words], dtype=np.int64)
        term_of_word = np.array([place[term] for _, term in words], dtype=np.int32)
        sql = (
            "SELECT fact_key, word_key, count FROM postings JOIN words USING (word_key)"
            " WHERE namespace_key = ? AND term IS NOT NULL"
        )
        fact, word, count = self._triples(sql, self.fact_keys, word_keys)
        shape = len(self.fact_keys), len(vocabulary)
        fact_terms = csr_array((count, (fact, term_of_word[word])), shape=shape, dtype=np.int32)
        fact_terms.sum_duplicates()
        del fact, word, count
        pool_ranges, pool = self._pool(
            fact_terms,
            [[place[t] for t in some] for some in of_titles],
            [[place[t] for t in some] for some in of_dates],
        )
        of_facts = np.stack([fact_terms.indptr[:-1], fact_terms.indptr[1:]], axis=1).astype(np.int64)
        counts = csr_array(contributions @ fact_terms)
        del fact_terms
        for some in (of_titles, of_dates):
            counts = csr_array(counts + _counts([[place[t] for t in text] for text in some], len(vocabulary)))
        self.length = np.asarray(counts.sum(axis=1)).ravel().astype(np.int32)
        frequency = np.bincount(counts.indices, minlength=len(vocabulary)).astype(np.int32)
        by_term = csc_array(counts)
        del counts
        by_term.sort_indices()
        terms_free = room("terms", len(vocabulary))
        self._keep("term_hash", vocabulary, terms_free)
        self._keep("term_frequency", frequency, terms_free)
        self._keep("term_pool", pool, room("pool", len(pool)))
        free = room("postings", by_term.nnz)
        start = np.full(len(vocabulary) + terms_free + 1, by_term.nnz, dtype=np.int64)
        start[: len(vocabulary) + 1] = by_term.indptr
        self._keep("posting_start", start, 0)
        self._keep("posting_target", by_term.indices.astype(np.int32), free)
        self._keep("posting_count", np.minimum(by_term.data, 255).astype(np.uint8), free)
        self._keep("posting_head", np.full(len(vocabulary) + terms_free, -1, dtype=np.int32), 0)
        self._keep("posting_following", np.full(free, -1, dtype=np.int32), 0)
        self._keep("posting_used", np.array([by_term.nnz], dtype=np.int64), 0)
        self.pool_used = len(pool)
        facts_free = len(self.made["fact_key"]) - len(self.fact_keys)
        self._keep("fact_terms", of_facts, facts_free)
        self._keep("title_terms", pool_ranges, len(self.made["passage_key"]) - len(self.titles))
        self._keep("length", self.length, len(self.made["passage_key"]) - len(self.titles))
        self.vocabulary_size = len(vocabulary)

    def _pool(
        self, fact_terms: csr_array, titles: list[list[int]], dates: list[list[int]]
    ) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Ranges of the passages' title and date terms, and the pool: terms of facts, then of titles and dates."""
        ranges = np.zeros((len(titles), 3), dtype=np.int64)
        at, tail = fact_terms.nnz, []
        for i, (title, date) in enumerate(zip(titles, dates, strict=True)):
            of_title, of_date = sorted(set(title)), sorted(set(date))
            ranges[i] = at, at + len(of_title), at + len(of_title) + len(of_date)
            at = int(ranges[i, 2])
            tail += of_title + of_date
        return ranges, np.concatenate([fact_terms.indices.astype(np.int32), np.array(tail, dtype=np.int32)])

    def _contexts(self) -> None:
        """Which passages are part of one session or document, and the lengths that spread among them."""
        passages = len(self.titles)
        sessions = {session: i for i, session in enumerate(sorted(set(self.session_of.values())))}
        of_memory = {key: sessions[session] for key, session in self.session_of.items()}
        group = np.array([of_memory.get(key, -1) for key in self.memory.tolist()], dtype=np.int64)
        single = group < 0
        group[single] = len(sessions) + np.unique(self.memory[single], return_inverse=True)[1]
        _, context = np.unique(group, return_inverse=True)
        contexts = int(context.max()) + 1 if passages else 0
        order = np.argsort(context, kind="stable")
        following = np.full(passages, -1, dtype=np.int32)
        same = np.flatnonzero(context[order[:-1]] == context[order[1:]]) if passages else order
        following[order[same]] = order[same + 1]
        first = np.full(contexts, -1, dtype=np.int32)
        first[context[order[::-1]]] = order[::-1]
        size = np.bincount(context, minlength=contexts).astype(np.int32)
        free = len(self.made["passage_key"]) - passages
        context_free = free
        self._keep("context", context.astype(np.int32), free, empty=-1)
        self._keep("next_member", following, free, empty=-1)
        self._keep("context_first", first, context_free, empty=-1)
        self._keep("context_size", size, context_free)
        total = np.bincount(context, weights=self.length, minlength=contexts).astype(np.int64)
        self._keep("context_length", total, context_free)
        rows = self.rows
        kept = spread.Surroundings(rows, self.passages_from, self.length, context.astype(np.int32), size, total)
        every = np.arange(passages, dtype=np.int64)
        self._keep("in_episode", kept.in_episode(every).astype(np.uint8), free)
        lengths = kept.spread_lengths(every)
        self.spread_total = int(lengths.sum())
        self._keep("spread_length", lengths.astype(np.int32), free)
        self.contexts = contexts

    def _clusters(self, passages: int) -> None:
        """Passages grouped by likeness, where there are too many to compare each with a query."""
        vectors, scales = self.made["passage_vector"][:passages], self.made["passage_scale"][:passages]
        centroids, cluster, self.probes = nearest.cluster(vectors, scales)
        self._keep("centroid", centroids, 0)
        self._keep("cluster", cluster, len(self.made["passage_key"]) - passages, empty=-1)
        blocks: list[tuple[Ints, Ints, int | NDArray[np.uint8]]] = []
        if len(centroids):
            blocks.append((cluster.astype(np.int64), np.arange(passages), 1))
        rows = fill_rows(len(centroids), blocks, room_rows=0, room=room("passages", passages))
        self._keep_rows("cluster", "label", rows)

    def _counts(self, passages: int, entities: int) -> Ints:
        facts = len(self.fact_keys)
        return np.array(
            [
                passages,
                facts,
                entities,
                self.vocabulary_size,
                self.contexts,
                self.pool_used,
                self.title_names,
                passages,
                facts,
                entities,
                self.vocabulary_size,
                self.title_names,
                passages,
                self.spread_total,
                self.sequence,
                self.dimension,
                self.probes,
            ],
            dtype=np.int64,
        )


def _stacked(blocks: Iterable[NDArray[np.int64]], columns: int) -> NDArray[np.int64]:
    found = list(blocks)
    return np.concatenate(found) if found else np.zeros((0, columns), dtype=np.int64)


def _blocks(cursor: sqlite3.Cursor, size: int = _VECTORS) -> Iterator[tuple[int, list[Any]]]:
    """(rows before, rows) of a query, block by block."""
    at = 0
    while block := cursor.fetchmany(size):
        yield at, block
        at += len(block)


def _table(keys: Ints) -> Callable[[Ints], NDArray[np.int32]]:
    """A function from rows of the store to their place among *keys*, -1 for none."""
    table = np.full(int(keys.max()) + 2 if len(keys) else 1, -1, dtype=np.int32)
    table[keys] = np.arange(len(keys), dtype=np.int32)

    def places(wanted: Ints) -> NDArray[np.int32]:
        return table[np.where(wanted < len(table), wanted, -1)]

    return places


def _counts(texts: list[list[int]], vocabulary: int) -> csr_array:
    """(n, T) how often each text holds each term."""
    i = np.repeat(np.arange(len(texts)), [len(text) for text in texts])
    j = np.fromiter(chain.from_iterable(texts), dtype=np.int64, count=len(i))
    counts = csr_array((np.ones(len(i), dtype=np.int32), (i, j)), shape=(len(texts), vocabulary))
    counts.sum_duplicates()
    return counts
