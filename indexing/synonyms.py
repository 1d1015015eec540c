"""Step 5: synonym edges for new entities only.

Near names are looked for by the signs of their vectors, which are kept in memory; only the vectors of the few names that
may be near are read, and compared exactly. Adding a name to half a million takes some milliseconds.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import islice

import numpy as np

from hippomem.graph.signs import SignTable, project
from hippomem.graph.synonymy import THRESHOLD, TOP_K, exact_cosine, nearest
from hippomem.store import Store, synonyms, vectors

#: Names whose neighbours are searched at a time: bounds the pairs in memory.
_BLOCK = 1024
#: Names whose signs are read at a time.
_ROWS = 20_000


class Neighbourhood:
    """The names of one namespace and which are near to which. Holds 104 bytes a name, read at first use.

    It follows the store by the numbers that signs are stored under: what this process or another one has added since is
    read before each search, and a name that is gone is found to be gone when its vector is read.
    """

    def __init__(self, store: Store, dimension: int) -> None:
        self._store = store
        self._dimension = dimension
        self._table = SignTable()
        self._last = 0
        self._namespace_key = -1

    def reset(self) -> None:
        """Forget what was read. Needed after a transaction that was undone: its numbers are given out again."""
        self._table = SignTable()
        self._last = 0

    def link_new(self, namespace_key: int, *, limit: int) -> int:
        """Give at most *limit* entities that have none their lists, and enter them into the lists of names near them.

        Returns how many there were. The transaction is the caller's.
        """
        db = self._store.db
        new = synonyms.unlinked(db, namespace_key, limit)
        synonyms.set_linked(db, new)
        for start in range(0, len(new), _BLOCK):
            block = new[start : start + _BLOCK]
            gained: dict[int, dict[int, float]] = defaultdict(dict, {row: {} for row in block})
            for row, other, similarity in self._near(namespace_key, block):
                gained[row][other] = similarity
                gained[other][row] = similarity
            # The list of a name that is new is all that was found; another keeps what it had.
            for row in gained.keys() - set(block):
                gained[row] = {**dict(synonyms.of(db, row)), **gained[row]}
            self._save(gained)
        return len(new)

    def refill(self, namespace_key: int, entity_keys: Iterable[int]) -> None:
        """Search the lists of these entities again, after names that were in them are gone."""
        wanted = sorted(entity_keys)
        for start in range(0, len(wanted), _BLOCK):
            block = wanted[start : start + _BLOCK]
            found: dict[int, dict[int, float]] = {row: {} for row in block}
            for row, other, similarity in self._near(namespace_key, block):
                found[row][other] = similarity
            self._save(found)

    def _near(self, namespace_key: int, rows: Sequence[int]) -> Iterable[tuple[int, int, float]]:
        """(row, other row, similarity) of all pairs at or above the threshold."""
        db = self._store.db
        mine = vectors.names(db, rows, self._dimension)
        chosen = [i for i, key in enumerate(mine.keys) if _is_linkable(key) and mine.matrix[i].any()]
        if not chosen:
            return
        self._follow(namespace_key)
        matrix = mine.matrix[chosen]
        own = np.array([mine.rows[i] for i in chosen], dtype=np.int64)
        for query, other in self._table.near(project(matrix), threads=os.cpu_count() or 1):
            # A name that was embedded anew, or another under a row number given out again, stands here twice.
            pairs = np.unique(np.stack([query, other]), axis=1)
            query, other = pairs[:, own[pairs[0]] != pairs[1]]
            theirs = vectors.names(db, np.unique(other).tolist(), self._dimension)
            place = {
                row: i for i, (row, key) in enumerate(zip(theirs.rows, theirs.keys, strict=True)) if _is_linkable(key)
            }
            at = np.array([place.get(row, -1) for row in other.tolist()], dtype=np.int64)
            query, other, at = query[at >= 0], other[at >= 0], at[at >= 0]
            similarity = exact_cosine(matrix, query, theirs.matrix, at)
            near = similarity >= THRESHOLD
            yield from zip(own[query[near]].tolist(), other[near].tolist(), similarity[near].tolist(), strict=True)

    def _follow(self, namespace_key: int) -> None:
        """Read the signs stored since the last call."""
        if namespace_key != self._namespace_key:  # the namespace was forgotten as a whole, and came again
            self.reset()
            self._namespace_key = namespace_key
        new = vectors.signs_after(self._store.db, namespace_key, self._last)
        while rows := list(islice(new, _ROWS)):
            self._last = rows[-1][0]
            self._table.append(np.array([row[1] for row in rows], dtype=np.int64), b"".join(row[2] for row in rows))

    def _save(self, lists: dict[int, dict[int, float]]) -> None:
        """Store the nearest of each list; ties are decided by the names, as row numbers mean nothing."""
        db = self._store.db
        rows = {row for row, others in lists.items() for row in (row, *others)}
        key_of = vectors.keys_of(db, sorted(rows))
        synonyms.save(db, {row: nearest(others, key_of, top_k=TOP_K) for row, others in sorted(lists.items())})


def _is_linkable(name: str) -> bool:
    """HippoRAG links no phrase of two or fewer letters and digits: their vectors say too little."""
    return sum(character.isalnum() for character in name) > 2
