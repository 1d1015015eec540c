"""Selective extraction: which passages an LLM should read when it may read only some.

After the built-in pass every passage is searchable by its sentences. What the store knows then, and no query is needed for,
are three signs that a reading may add more here than elsewhere:

- *bridge*: the passage joins names that little else joins. Over all pairs of its names, the sum of 1 / (df₁ · df₂), df the
  number of passages that name one: the share of steps from a name, through a random passage of it, to this one, for both.
- *hub*: other memories lead here: how many of their passages name its title.
- *thin*: the sentences give little hold: characters for each name found. Long sentences, pronouns in place of names, and
  words without capitals all make it large.

Each orders the passages; a passage's value is the sum of its three ranks. No weight is tuned: ranks know no unit.
KET-RAG (Huang et al. 2025) takes the chunks of the highest PageRank; on the graph of passages and names that is nearly
the order of bridges.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hippomem.store import named
from hippomem.store.facts import GAZETTEER, SPAN, TITLE, next_key

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

#: A name in more passages than this joins nothing in particular, and a title that more of them name is not more of a hub:
#: how often a name occurs need not be counted beyond it.
_MANY = 1000
#: 1 / df as a whole number: sums do not depend on their order, which depends on the order in which passages came.
_UNIT = 1 << 16
#: When fewer than one in so many passages are chosen among, only what these name is counted.
_FEW = 16


@dataclass(frozen=True)
class Signals:
    """What speaks for reading n passages, the more the better. passage_keys: (n,) their rows, in order of passage_id.

    bridge: (n,) in units of ½ · 65536⁻².    hub: (n,) passages.    thin: (n,) characters a name.
    """

    passage_keys: Ints
    bridge: Ints
    hub: Ints
    thin: Floats

    @property
    def value(self) -> Floats:
        """(n,) the sum of the ranks in the three, from 1 for the least; equals share the mean of their ranks."""
        total: Floats = ranks(self.bridge) + ranks(self.hub) + ranks(self.thin)
        return total


def how_many(share: float, passages: int) -> int:
    """The share, in (0, 1], of so many passages: rounded up, so that some are read of any.

    >>> how_many(0.2, 1890), how_many(0.2, 1), how_many(0.1, 30)
    (378, 1, 3)
    """
    return min(passages, math.ceil(round(share * passages, 6)))


def choose(db: sqlite3.Connection, namespace_key: int, passage_keys: Iterable[int], count: int) -> list[int]:
    """The *count* of these passages whose reading promises most, best first; ties in order of passage_id.

    db: within one `Store.reading` or transaction, so that all is of one moment.
    passage_keys: rows of passages whose built-in facts are stored; a row that is none of the namespace's is left out.
    Of all passages of a namespace: two scans of its mentions, and memory for a few numbers a passage and a name. Of few:
    what these name.
    """
    signals = read_signals(db, namespace_key, list(passage_keys))
    best = np.argsort(-signals.value, kind="stable")[: max(count, 0)]
    chosen: list[int] = signals.passage_keys[best].tolist()
    return chosen


def read_signals(db: sqlite3.Connection, namespace_key: int, passage_keys: Sequence[int]) -> Signals:
    """The signals of some passages, in the midst of all of their namespace."""
    is_few = len(passage_keys) * _FEW < named.count_passages(db, namespace_key)
    # Memories whole: their own passages do not make them hubs.
    around = named.lengths_around(db, namespace_key, passage_keys) if is_few else named.lengths(db, namespace_key)
    sums = _Sums(around)
    if is_few:
        block = named.names_of(db, namespace_key, around[:, 0].tolist())
        names = np.unique(block[:, 1])
        sums.add(block, names, *_count(db, names))
    else:
        counts = _count_all(db, namespace_key, around[:, 0])
        for block in named.names_of_all(db, namespace_key, around[:, 0]):
            sums.add(block, *counts)
    return sums.signals(np.isin(around[:, 0], np.array(passage_keys, dtype=np.int64)))


def _count_all(db: sqlite3.Connection, namespace_key: int, passage_keys: Ints) -> tuple[Ints, Ints, Ints]:
    """Rows of all names, passages that have them in any way, and passages that name them in their own words."""
    size = next_key(db, "entities")
    frequency, naming = np.zeros(size, dtype=np.int32), np.zeros(size, dtype=np.int32)
    for block in named.names_of_all(db, namespace_key, passage_keys):
        np.add.at(frequency, block[:, 1], 1)
        np.add.at(naming, block[:, 1], block[:, 2] > 0)
    names = np.flatnonzero(frequency)
    return names, np.minimum(frequency[names], _MANY + 1), np.minimum(naming[names], _MANY + 1)


def _count(db: sqlite3.Connection, names: Ints) -> tuple[Ints, Ints]:
    """The same of some names, one by one."""
    counts = [
        [named.passages_naming(db, name, roles=roles, at_most=_MANY + 1) for name in names.tolist()]
        for roles in (SPAN | GAZETTEER | TITLE, SPAN | GAZETTEER)
    ]
    return np.array(counts[0], dtype=np.int64), np.array(counts[1], dtype=np.int64)


class _Sums:
    """What blocks of names add up to, passage by passage."""

    def __init__(self, passages: Ints) -> None:
        """passages: (n, 3) as `named.lengths` gives them."""
        self._keys, self._characters = passages[:, 0], passages[:, 2]
        self._order = np.argsort(self._keys)
        _, self._memory = np.unique(passages[:, 1], return_inverse=True)
        self._sum, self._squares, self._found, self._named, self._own = np.zeros((5, len(passages)), dtype=np.int64)

    def add(self, block: Ints, names: Ints, frequency: Ints, naming: Ints) -> None:
        """block: as of `named.names_of_all`.    names: ascending rows, with counts as of `_count_all`."""
        place = self._order[np.searchsorted(self._keys, block[:, 0], sorter=self._order)]
        _, entity, sentences, is_title = block.T
        at = np.searchsorted(names, entity)
        df = frequency[at].astype(np.int64)
        weight = np.where((df > 1) & (df <= _MANY), _UNIT // df, 0)
        for total, values in ((self._sum, weight), (self._squares, weight * weight), (self._found, sentences)):
            np.add.at(total, place, values)
        titled = is_title > 0
        np.maximum.at(self._named, place[titled], naming[at[titled]])
        np.add.at(self._own, self._memory[place[titled]], sentences[titled] > 0)

    def signals(self, wanted: NDArray[np.bool_]) -> Signals:
        """What they say of some of the passages. wanted: (n,)."""
        # (Σ w)² − Σ w² is the sum of w₁ · w₂ over pairs of different names, each pair twice.
        bridge = self._sum * self._sum - self._squares
        hub = np.maximum(self._named - self._own[self._memory], 0)
        thin = self._characters / (1.0 + self._found)
        return Signals(self._keys[wanted], bridge[wanted], hub[wanted], thin[wanted])


def ranks(values: Ints | Floats) -> Floats:
    """(n,) ranks from 1 for the least; equals share the mean of theirs.

    >>> ranks(np.array([30, 10, 30])).tolist()
    [2.5, 1.0, 2.5]
    """
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    mean: Floats = (last - (counts - 1) / 2.0)[place]
    return mean
