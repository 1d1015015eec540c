"""Step 5: synonym edges for new entities only."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable

import numpy as np

from hippomem.graph.synonymy import TOP_K, near_pairs, nearest
from hippomem.store import synonyms, vectors


def link_new(db: sqlite3.Connection, namespace_key: int, dimension: int) -> None:
    """Give entities that are new since the last call their lists, and enter them into the lists of names near them."""
    new = synonyms.unlinked(db, namespace_key)
    if not new:
        return
    synonyms.set_linked(db, new)
    keys, names, matrix = vectors.entity_matrix(db, namespace_key, dimension)
    position = {key: i for i, key in enumerate(keys)}
    rows = np.array(sorted(position[key] for key in new if _is_linkable(names[position[key]])), dtype=np.int64)
    if not len(rows):
        return
    linkable = np.array([_is_linkable(name) for name in names])
    pairs = near_pairs(matrix, rows)
    gained: dict[int, dict[int, float]] = defaultdict(dict)
    for row, column, similarity in zip(pairs.row, pairs.column, pairs.similarity, strict=True):
        if linkable[column]:
            gained[int(row)][int(column)] = float(similarity)
            gained[int(column)][int(row)] = float(similarity)
    fresh = set(rows.tolist())
    for row, candidates in sorted(gained.items()):
        if row not in fresh:
            candidates.update((position[other], s) for other, s in synonyms.of(db, keys[row]))
        best = nearest(list(candidates), list(candidates.values()), top_k=TOP_K)
        synonyms.save(db, keys[row], [(keys[column], similarity) for column, similarity in best])


def refill(db: sqlite3.Connection, namespace_key: int, dimension: int, entity_keys: Iterable[int]) -> None:
    """Search the lists of these entities again, after names that were in them are gone."""
    wanted = set(entity_keys)
    if not wanted:
        return
    keys, names, matrix = vectors.entity_matrix(db, namespace_key, dimension)
    rows = np.array([i for i, key in enumerate(keys) if key in wanted], dtype=np.int64)
    linkable = np.array([_is_linkable(name) for name in names])
    pairs = near_pairs(matrix, rows)
    for row in rows:
        mine = (pairs.row == row) & linkable[pairs.column]
        best = nearest(pairs.column[mine].tolist(), pairs.similarity[mine].tolist(), top_k=TOP_K)
        synonyms.save(db, keys[row], [(keys[column], similarity) for column, similarity in best])


def _is_linkable(name: str) -> bool:
    """HippoRAG links no phrase of two or fewer letters and digits: their vectors say too little."""
    return sum(character.isalnum() for character in name) > 2
