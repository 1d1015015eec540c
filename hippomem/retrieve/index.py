"""What the papers' algorithms, the baselines and the graph export read: one namespace of the store, read whole.

Everything here can be rebuilt from the store. Passages are in order of passage_id, facts of fact_id, entities of their
key: the arrays, and so every ranking, do not depend on the order in which memories came.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from hippomem.store import Store
from hippomem.store.vectors import from_blobs
from hippomem.text.words import terms

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class NamespaceIndex:
    """P passages, F facts, E entities, T terms of one namespace, as of one generation.

    A passage is here when it is ready, or when it failed but its sentences are embedded; a fact when one of those passages
    makes it. ``*_keys`` are rows of the store.
    """

    generation: int
    passage_keys: Ints  # (P,)
    passage_ids: list[str]
    titles: list[str]
    passage_vectors: Floats  # (P, d) unit rows
    fact_keys: Ints  # (F,)
    is_triple: NDArray[np.bool_]  # (F,)
    fact_vectors: Floats  # (F, d) unit rows
    entity_keys: Ints  # (E,)
    entities: list[str]  # keys, sorted
    contributions: csr_array  # (P, F) counts
    mentions: csr_array  # (F, E) roles, a bit sum
    synonyms: csr_array  # (E, E) cosine; row: an entity's list
    terms: list[str]  # sorted
    fact_terms: csr_array  # (F, T) counts, sentences only, without their title
    title_terms: csr_array  # (P, T) counts
    neighbours: Ints  # (m, 2) positions of passages that follow one another in a session

    @cached_property
    def sentences(self) -> Ints:
        """Positions of the sentence facts."""
        return np.flatnonzero(~self.is_triple)

    @cached_property
    def triples(self) -> Ints:
        """Positions of the triple facts."""
        return np.flatnonzero(self.is_triple)

    @cached_property
    def entity_position(self) -> dict[str, int]:
        """key → position."""
        return {key: i for i, key in enumerate(self.entities)}

    @cached_property
    def stand_ins(self) -> Ints:
        """Positions of the sentences of passages without any triple: HippoRAG's facts where an LLM has not read."""
        pattern = ones(self.contributions)
        without_triples = pattern @ self.is_triple.astype(np.float64) == 0
        return np.flatnonzero((without_triples.astype(np.float64) @ pattern > 0) & ~self.is_triple)

    @cached_property
    def phrases(self) -> Ints:
        """Positions of HippoRAG's phrase nodes: the entities of `phrase_facts`."""
        return np.unique(self.fact_phrases.indices).astype(np.int64)

    @cached_property
    def phrase_facts(self) -> Ints:
        """Positions of the facts that HippoRAG links a query to: triples, and sentences that stand in for them."""
        return np.sort(np.concatenate([self.triples, self.stand_ins]))

    @cached_property
    def facts_of_entity(self) -> csr_array:
        """(E, F) the mentions, by entity."""
        return csr_array(self.mentions.T)

    @cached_property
    def passages_of_fact(self) -> csr_array:
        """(F, P) the contributions, by fact."""
        return csr_array(self.contributions.T)

    @cached_property
    def passage_phrases(self) -> csr_array:
        """(P, E) ones: the phrases of each passage's facts."""
        return ones(self.contributions @ self.fact_phrases)

    @cached_property
    def phrase_frequency(self) -> NDArray[np.float64]:
        """(E,) passages whose facts hold each phrase."""
        return np.bincount(self.passage_phrases.indices, minlength=len(self.entities)).astype(np.float64)

    @cached_property
    def fact_phrases(self) -> csr_array:
        """(F, E) ones: subjects and objects of triples, all entities of sentences that stand in for triples."""
        used = np.zeros(len(self.fact_keys))
        used[self.phrase_facts] = 1.0
        return ones(csr_array(self.mentions * used[:, None]))


def load_index(store: Store, namespace: str) -> NamespaceIndex:
    """Read a namespace. A namespace that does not exist is empty."""
    with store.reading() as db:
        namespace_key = store.namespace_key(namespace)
        dimension = int((store.setting("embedder") or {"dimension": 0})["dimension"])
        return _load(db, -1 if namespace_key is None else namespace_key, dimension, store)


def _load(db: sqlite3.Connection, namespace_key: int, dimension: int, store: Store) -> NamespaceIndex:
    passages = db.execute(
        "SELECT passage_key, passage_id, title, vector FROM passages JOIN memories USING (memory_key)"
        " WHERE passages.namespace_key = ? AND state IN ('ready', 'failed') AND vector IS NOT NULL ORDER BY passage_id",
        (namespace_key,),
    ).fetchall()
    facts = db.execute(
        "SELECT fact_key, kind = 'triple', vector FROM facts WHERE namespace_key = ? AND vector IS NOT NULL"
        " ORDER BY fact_id",
        (namespace_key,),
    ).fetchall()
    entities = db.execute(
        "SELECT entity_key, key FROM entities WHERE namespace_key = ? ORDER BY key", (namespace_key,)
    ).fetchall()
    passage_keys, fact_keys, entity_keys = (_column(rows) for rows in (passages, facts, entities))
    shape = len(passages), len(facts), len(entities)
    contributions = _matrix(
        db.execute(
            "SELECT passage_key, fact_key, count FROM contributions JOIN facts USING (fact_key) WHERE namespace_key = ?",
            (namespace_key,),
        ),
        passage_keys,
        fact_keys,
        np.float64,
    )
    mentions = _matrix(
        db.execute(
            "SELECT fact_key, entity_key, roles FROM mentions JOIN facts USING (fact_key) WHERE namespace_key = ?",
            (namespace_key,),
        ),
        fact_keys,
        entity_keys,
        np.int64,
    )
    synonyms = _matrix(
        db.execute(
            "SELECT entity_key, other_key, similarity FROM synonyms JOIN entities USING (entity_key)"
            " WHERE namespace_key = ?",
            (namespace_key,),
        ),
        entity_keys,
        entity_keys,
        np.float64,
    )
    titles = [row[2] for row in passages]
    vocabulary, fact_terms, title_terms = _lexicon(db, namespace_key, fact_keys, titles)
    # A fact whose passages are all unfinished is not part of the picture yet.
    used = np.diff(contributions.tocsc().indptr) > 0 if shape[1] else np.zeros(0, dtype=bool)
    return NamespaceIndex(
        generation=store.generation(namespace_key),
        passage_keys=passage_keys,
        passage_ids=[row[1] for row in passages],
        titles=titles,
        passage_vectors=from_blobs([row[3] for row in passages], dimension),
        fact_keys=fact_keys[used],
        is_triple=np.array([bool(row[1]) for row in facts], dtype=bool)[used],
        fact_vectors=from_blobs([row[2] for row, u in zip(facts, used, strict=True) if u], dimension),
        entity_keys=entity_keys,
        entities=[row[1] for row in entities],
        contributions=csr_array(contributions[:, used]),
        mentions=csr_array(mentions[used]),
        synonyms=synonyms,
        terms=vocabulary,
        fact_terms=csr_array(fact_terms[used]),
        title_terms=title_terms,
        neighbours=_neighbours(db, namespace_key, passage_keys),
    )


def _column(rows: list[tuple[int, ...]]) -> Ints:
    return np.array([row[0] for row in rows], dtype=np.int64)


def _matrix(cursor: sqlite3.Cursor, row_keys: Ints, column_keys: Ints, dtype: Any) -> csr_array:
    """(row key, column key, value) triples as a CSR matrix over positions; pairs without a position are left out."""
    rows = cursor.fetchall()
    shape = len(row_keys), len(column_keys)
    if not rows or not all(shape):
        return csr_array(shape, dtype=dtype)
    i, j = _positions(row_keys, [row[0] for row in rows]), _positions(column_keys, [row[1] for row in rows])
    values: NDArray[Any] = np.array([row[2] for row in rows], dtype=dtype)
    keep = (i >= 0) & (j >= 0)
    matrix = csr_array((values[keep], (i[keep], j[keep])), shape=shape)
    matrix.sort_indices()
    return matrix


def _positions(keys: Ints, wanted: list[int]) -> Ints:
    table = np.full(int(max(keys.max(), max(wanted))) + 1, -1, dtype=np.int64)
    table[keys] = np.arange(len(keys))
    return table[np.array(wanted, dtype=np.int64)]


def _lexicon(
    db: sqlite3.Connection, namespace_key: int, fact_keys: Ints, titles: list[str]
) -> tuple[list[str], csr_array, csr_array]:
    """The vocabulary, (F, T) counts of the sentences, and (P, T) counts of the titles."""
    words = db.execute(
        "SELECT word_key, term FROM words WHERE namespace_key = ? AND term IS NOT NULL", (namespace_key,)
    ).fetchall()
    texts = [terms(title) for title in titles]
    vocabulary = sorted({term for _, term in words} | {term for text in texts for term in text})
    position = {term: i for i, term in enumerate(vocabulary)}
    postings = _matrix(
        db.execute(
            "SELECT fact_key, word_key, count FROM postings JOIN words USING (word_key)"
            " WHERE namespace_key = ? AND term IS NOT NULL",
            (namespace_key,),
        ),
        fact_keys,
        _column(words),
        np.float64,
    )
    word_terms = csr_array(
        (np.ones(len(words)), (np.arange(len(words)), [position[term] for _, term in words])),
        shape=(len(words), len(vocabulary)),
    )
    fact_terms = csr_array(postings @ word_terms)
    fact_terms.sum_duplicates()
    return vocabulary, fact_terms, _counts(texts, position)


def _counts(texts: list[list[str]], position: dict[str, int]) -> csr_array:
    """(n, T) how often each text holds each term."""
    i = [at for at, text in enumerate(texts) for _ in text]
    j = [position[term] for text in texts for term in text]
    counts = csr_array((np.ones(len(i)), (i, j)), shape=(len(texts), len(position)))
    counts.sum_duplicates()
    return counts


def _neighbours(db: sqlite3.Connection, namespace_key: int, passage_keys: Ints) -> Ints:
    """Pairs of passages that follow one another: chunks of one memory, turns of one session."""
    rows = db.execute(
        "SELECT session_id, position, passages.ordinal, passages.passage_key FROM passages"
        " JOIN sources USING (memory_key) WHERE namespace_key = ? AND session_id IS NOT NULL AND position IS NOT NULL",
        (namespace_key,),
    ).fetchall()
    rows += db.execute(
        "SELECT memory_key, 0, ordinal, passage_key FROM passages WHERE namespace_key = ?", (namespace_key,)
    ).fetchall()
    place = {key: i for i, key in enumerate(passage_keys.tolist())}
    # Ties (two turns that claim one position) are in order of passage_id, never of row number.
    ordered = sorted(
        (isinstance(group, int), str(group), position, ordinal, place[key])
        for group, position, ordinal, key in rows
        if key in place
    )
    pairs = {(a[-1], b[-1]) for a, b in pairwise(ordered) if a[:2] == b[:2] and a[-1] != b[-1]}
    return np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2)


def row(matrix: csr_array, i: int) -> Ints:
    """Columns of one row, as a view: scipy's own row indexing costs a hundred times more."""
    columns: Ints = matrix.indices[matrix.indptr[i] : matrix.indptr[i + 1]]
    return columns


def ones(matrix: csr_array) -> csr_array:
    """The pattern of a matrix, as float64 ones."""
    pattern = csr_array(matrix, dtype=np.float64, copy=True)
    pattern.eliminate_zeros()
    pattern.data[:] = 1.0
    return pattern


def in_role(mentions: csr_array, roles: int) -> csr_array:
    """Ones where a mention has one of the roles (a bit sum)."""
    chosen = csr_array(mentions, dtype=np.float64, copy=True)
    chosen.data = ((mentions.data & roles) > 0).astype(np.float64)
    chosen.eliminate_zeros()
    return chosen
