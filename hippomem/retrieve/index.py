"""What a search reads: one namespace of the store as arrays.

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
from hippomem.store.facts import OBJECT, SUBJECT
from hippomem.store.vectors import from_blobs
from hippomem.text.dates import date_words
from hippomem.text.fold import fold
from hippomem.text.mentions import title_key
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
    memory_keys: Ints  # (P,)
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
    contexts: Ints  # (P,) number of the session, or else the document, that a passage is part of
    episodic: NDArray[np.bool_]  # (P,) whether a passage tells what happened at some time: it has a date or a session
    date_terms: csr_array  # (P, T) counts: the words of a passage's date, as a question may name them
    speakers: list[str]  # their keys, sorted
    speaker_of: Ints  # (P,) position of a passage's speaker, -1 for none

    @property
    def size(self) -> tuple[int, int, int]:
        """(passages, facts, entities)."""
        return len(self.passage_ids), len(self.fact_keys), len(self.entities)

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
    def speaker_position(self) -> dict[str, int]:
        """Speaker's key → position."""
        return {key: i for i, key in enumerate(self.speakers)}

    @cached_property
    def title_keys(self) -> list[str]:
        """(P,) key of the entity that the passage's title names; "" for no title."""
        return [title_key(title) for title in self.titles]

    @cached_property
    def title_entities(self) -> Ints:
        """(P,) position of the title's entity, -1 for none."""
        return np.array([self.entity_position.get(key, -1) if key else -1 for key in self.title_keys], dtype=np.int64)

    @cached_property
    def passages_of_title(self) -> dict[str, list[int]]:
        """Title key, with and without a closing parenthesis → positions of its passages."""
        found: dict[str, list[int]] = {}
        for i, (title, key) in enumerate(zip(self.titles, self.title_keys, strict=True)):
            for name in {fold(title), key} - {""}:
                found.setdefault(name, []).append(i)
        return found

    @cached_property
    def entity_passages(self) -> csr_array:
        """(P, E) 1 where a passage makes a statement that mentions the entity."""
        return ones(self.contributions @ ones(self.mentions))

    @cached_property
    def document_frequency(self) -> NDArray[np.float64]:
        """(E,) passages that mention each entity; computed from the counts, never stored."""
        return np.bincount(self.entity_passages.indices, minlength=len(self.entities)).astype(np.float64)

    @cached_property
    def phrases(self) -> Ints:
        """Positions of HippoRAG's phrase nodes: the entities of triples; all entities when there is no triple."""
        return np.unique(self._phrase_mentions.indices).astype(np.int64)

    @cached_property
    def _phrase_mentions(self) -> csr_array:
        """(F, E) ones: subjects and objects of triples; without any triple, the entities of sentences."""
        return in_role(self.mentions, SUBJECT | OBJECT if len(self.triples) else ~0)

    @cached_property
    def phrase_facts(self) -> Ints:
        """Positions of the facts that HippoRAG links a query to: triples, or sentences where there is no triple."""
        return self.triples if len(self.triples) else self.sentences

    @cached_property
    def said_sentences(self) -> csr_array:
        """(P, F) the contributions that are sentences: what a query is compared with.

        Triples beside them join names in the graph; the encoder reads a sentence better than the text of a tuple.
        """
        kept = csr_array(self.contributions, copy=True)
        kept.data = kept.data * ~self.is_triple[kept.indices]
        kept.eliminate_zeros()
        return kept

    @cached_property
    def facts_of_entity(self) -> csr_array:
        """(E, F) the mentions, by entity."""
        return csr_array(self.mentions.T)

    @cached_property
    def passages_of_fact(self) -> csr_array:
        """(F, P) the contributions, by fact."""
        return csr_array(self.contributions.T)

    @cached_property
    def home_of_fact(self) -> Ints:
        """(F,) the first passage, by id, that makes each fact; all passages of a sentence have its title."""
        by_fact = self.passages_of_fact
        first: Ints = by_fact.indices[by_fact.indptr[:-1]].astype(np.int64)
        return first

    @cached_property
    def passage_phrases(self) -> csr_array:
        """(P, E) ones: the phrases of each passage's facts."""
        return ones(self.contributions @ self._phrase_mentions)

    @cached_property
    def phrase_frequency(self) -> NDArray[np.float64]:
        """(E,) passages whose facts hold each phrase."""
        return np.bincount(self.passage_phrases.indices, minlength=len(self.entities)).astype(np.float64)

    @cached_property
    def fact_phrases(self) -> csr_array:
        """(F, E) ones: the phrases of each fact."""
        return self._phrase_mentions


def load_index(store: Store, namespace: str) -> NamespaceIndex:
    """Read a namespace. A namespace that does not exist is empty."""
    with store.reading() as db:
        namespace_key = store.namespace_key(namespace)
        dimension = int((store.setting("embedder") or {"dimension": 0})["dimension"])
        return _load(db, -1 if namespace_key is None else namespace_key, dimension, store)


def _load(db: sqlite3.Connection, namespace_key: int, dimension: int, store: Store) -> NamespaceIndex:
    passages = db.execute(
        "SELECT passage_key, passage_id, memory_key, title, vector FROM passages JOIN memories USING (memory_key)"
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
    titles = [row[3] for row in passages]
    episodic, dates, speakers, speaker_of = _episodes(db, namespace_key, passages)
    vocabulary, fact_terms, (title_terms, date_terms) = _lexicon(db, namespace_key, fact_keys, titles, dates)
    # A fact whose passages are all unfinished is not part of the picture yet.
    used = np.diff(contributions.tocsc().indptr) > 0 if shape[1] else np.zeros(0, dtype=bool)
    return NamespaceIndex(
        generation=store.generation(namespace_key),
        passage_keys=passage_keys,
        passage_ids=[row[1] for row in passages],
        memory_keys=np.array([row[2] for row in passages], dtype=np.int64),
        titles=titles,
        passage_vectors=from_blobs([row[4] for row in passages], dimension),
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
        contexts=_contexts(db, namespace_key, passages),
        episodic=episodic,
        date_terms=date_terms,
        speakers=speakers,
        speaker_of=speaker_of,
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
    db: sqlite3.Connection, namespace_key: int, fact_keys: Ints, *of_passages: list[str]
) -> tuple[list[str], csr_array, tuple[csr_array, ...]]:
    """The vocabulary, (F, T) counts of the sentences, and (P, T) counts of each list of P texts."""
    words = db.execute(
        "SELECT word_key, term FROM words WHERE namespace_key = ? AND term IS NOT NULL", (namespace_key,)
    ).fetchall()
    texts = [[terms(text) for text in some] for some in of_passages]
    vocabulary = sorted({term for _, term in words} | {term for some in texts for text in some for term in text})
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
    return vocabulary, fact_terms, tuple(_counts(some, position) for some in texts)


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


def _contexts(db: sqlite3.Connection, namespace_key: int, passages: list[tuple[Any, ...]]) -> Ints:
    """What each passage is part of, numbered in order of the passages: its session, or else its memory."""
    rows = db.execute(
        "SELECT memory_key, min(session_id) FROM memories JOIN sources USING (memory_key)"
        " WHERE namespace_key = ? AND session_id IS NOT NULL GROUP BY memory_key",
        (namespace_key,),
    )
    sessions = dict(rows.fetchall())
    numbers: dict[object, int] = {}
    contexts = (sessions.get(memory_key, memory_key) for _, _, memory_key, *_ in passages)
    return np.array([numbers.setdefault(context, len(numbers)) for context in contexts], dtype=np.int64)


def _episodes(
    db: sqlite3.Connection, namespace_key: int, passages: list[tuple[Any, ...]]
) -> tuple[NDArray[np.bool_], list[str], list[str], Ints]:
    """Of each passage: whether it is episodic, and the words of its date; all speakers, and which one each passage has."""
    rows = db.execute(
        "SELECT memory_key, occurred_at, count(session_id), min(speaker) FROM memories JOIN sources USING (memory_key)"
        " WHERE namespace_key = ? GROUP BY memory_key",
        (namespace_key,),
    ).fetchall()
    of_memory = {key: (date, sessions > 0, fold(speaker or "")) for key, date, sessions, speaker in rows}
    found = [of_memory[memory_key] for _, _, memory_key, *_ in passages]
    speakers = sorted({speaker for *_, speaker in found if speaker})
    position = {speaker: i for i, speaker in enumerate(speakers)}
    return (
        np.array([date is not None or in_session for date, in_session, _ in found], dtype=bool),
        [date_words(date) if date else "" for date, *_ in found],
        speakers,
        np.array([position.get(speaker, -1) for *_, speaker in found], dtype=np.int64),
    )


def row(matrix: csr_array, i: int) -> Ints:
    """Columns of one row, as a view: scipy's own row indexing costs a hundred times more."""
    columns: Ints = matrix.indices[matrix.indptr[i] : matrix.indptr[i + 1]]
    return columns


def rows(matrix: csr_array, positions: Ints) -> tuple[Ints, Ints]:
    """Columns of several rows, one row after the other, and how many each row has."""
    starts = matrix.indptr[positions].astype(np.int64)
    sizes = matrix.indptr[positions + 1] - starts
    offsets = np.cumsum(sizes) - sizes
    at = np.repeat(starts - offsets, sizes) + np.arange(sizes.sum())
    columns: Ints = matrix.indices[at].astype(np.int64)
    return columns, sizes


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
