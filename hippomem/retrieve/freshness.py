"""Freshness: what says otherwise since goes before what it retires, and the retired passage says so.

Only what the query is about counts: a passage is retired by the statement of it that matches the query best, not by another
that stands beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hippomem.arrays.picture import Picture
from hippomem.retrieve.base import top
from hippomem.retrieve.matching import Matched
from hippomem.store import Store, claims, memories
from hippomem.store.filters import Filter

#: So far behind a retired passage the one that retires it is looked for; if it stands further behind, it is brought here.
MARGIN = 20


@dataclass(frozen=True)
class Freshness:
    """Asks one namespace of a store what is no longer so. allowed: what may retire.    now: seconds since 1970."""

    store: Store
    namespace_key: int
    allowed: Filter
    now: float

    def arrange(
        self, best: Sequence[tuple[int, float]], picture: Picture, matched: Matched
    ) -> tuple[list[tuple[int, float]], Mapping[int, str]]:
        """Hits as (place, score) in an order in which what retires another goes before it; and place → the id of the memory
        that retires it.
        """
        a = picture.arrays
        keys = a.passage_key[[place for place, _ in best]].tolist() if best else []
        found = claims.superseded(self.store.db, self.namespace_key, keys, allowed=self.allowed, now=self.now)
        order = list(best)
        retired: dict[int, str] = {}
        for place, score in best:
            newer = next(
                (
                    each
                    for each in found.get(int(a.passage_key[place]), ())
                    if each.fact_key is None or self._is_asked_for(each.fact_key, place, picture, matched)
                ),
                None,
            )
            if newer is None:
                continue
            (other,) = picture.passage_places([newer.passage_key]).values() or (-1,)
            if other < 0:  # not searchable yet
                continue
            retired[place] = memories.memory_id_of(self.store.db, newer.memory_key)
            at = next(i for i, (each, _) in enumerate(order) if each == place)
            behind = next((i for i, (each, _) in enumerate(order) if each == other), None)
            if behind is None or behind > at:
                moved = (other, score) if behind is None else order.pop(behind)
                order.insert(at, (other, max(score, moved[1])))
        return order, retired

    @staticmethod
    def _is_asked_for(fact_key: int, place: int, picture: Picture, matched: Matched) -> bool:
        """Whether a fact of a passage is the one of it that matches the query best.

        A triple is, when that sentence names all that it names: a query is compared with sentences.
        """
        facts, _ = picture.facts_of_passages(np.array([place]), sentences=True)
        claimed = picture.fact_places([fact_key]).get(fact_key)
        if claimed is None or not len(facts):
            return False
        best = int(facts[top(matched.cosine(facts), 1, order=picture.arrays.fact_order[facts])[0]])
        if claimed == best or not picture.arrays.is_triple[claimed]:
            return claimed == best
        named, _ = picture.entities_of_facts(np.array([claimed]))
        told, _ = picture.entities_of_facts(np.array([best]))
        return set(named.tolist()) <= set(told.tolist())
