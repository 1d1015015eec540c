"""A picture of some passages only: what a filter leaves to a search.

The passages, the facts that one of them states, and the entities that one of these facts mentions are there; nothing else is
found, walked over or shown. Edges, postings and vectors are those of the whole picture, and so is what is counted over the
namespace: document frequencies, idf, the mean length of a passage.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hippomem.arrays import picture as at
from hippomem.arrays.kinds import STATES
from hippomem.arrays.picture import Arrays, Picture
from hippomem.arrays.spread import Surroundings

Ints = NDArray[np.int64]


class Within(Picture):
    """Reads the same arrays as *of*, but for those that say what is there.

    A snapshot: *of* is edited in place when the store changes, and this is not. Throw it away when ``of.sequence`` moves,
    and read it under the lock under which *of* is read.
    """

    def __init__(self, of: Picture, passages: NDArray[np.bool_]) -> None:
        """passages: (P,) which places may be seen, room included.    Raises ValueError for another length."""
        alive = of.arrays.passage_alive.view(np.bool_)
        if len(passages) != len(alive):
            raise ValueError(
                f"a mask of {len(passages)} passages was given, and the picture has {len(alive)} places;"
                " make it as long as arrays.passage_alive."
            )
        self.lookups, self.base = of.lookups, of.base
        self.edges, self.postings, self.clusters = of.edges, of.postings, of.clusters
        self.facts_from, self.passages_from = of.facts_from, of.passages_from
        self._places = np.flatnonzero(alive & passages)
        self.arrays = self._seen(of)
        a, hub = self.arrays, np.zeros(len(of.network), dtype=np.float32)
        for first, last, there, factor in (
            (0, self.facts_from, a.entity_alive, a.hub[: self.facts_from]),
            (self.facts_from, self.passages_from, a.fact_alive, None),
            (self.passages_from, len(hub), a.passage_alive, None),
        ):
            hub[first:last] = there if factor is None else np.where(there, factor, 0)
        self.network = replace(of.network, hub=hub)

    def _seen(self, of: Picture) -> Arrays:
        """The arrays, with those made anew that say what is there."""
        a, places = of.arrays, self._places
        # In order of id: the first that states a fact is its home, also where the first of all is filtered out.
        ordered = places[np.argsort(a.passage_order[places])]
        facts, sizes = of.facts_of_passages(ordered)
        home = np.full(len(a.home), -1, dtype=a.home.dtype)
        home[facts[::-1]] = np.repeat(ordered, sizes)[::-1]
        stated = np.flatnonzero(home >= 0)
        entities, _ = of.entities_of_facts(stated)
        passage_alive = _ones(len(a.passage_alive), places)
        known = int(a.counts[at.BASE_TITLES])
        titled = passage_alive[a.title_passage[:known]] > 0
        counts = a.counts.copy()
        counts[at.BASE_TITLES] = np.count_nonzero(titled)
        return replace(
            a,
            counts=counts,
            passage_alive=passage_alive,
            fact_alive=_ones(len(a.fact_alive), stated),
            entity_alive=_ones(len(a.entity_alive), entities),
            home=home,
            spread_length=self._spread_lengths(a),
            # A title of many passages is read up to a limit: those that are filtered out do not count for it.
            title_hash=a.title_hash[:known][titled],
            title_passage=a.title_passage[:known][titled],
        )

    def _spread_lengths(self, a: Arrays) -> NDArray[np.int32]:
        """(P,) in `at.PARTS`: neighbours that are filtered out lend no words, so their lengths do not count either."""
        places = self._places
        spread = np.zeros_like(a.spread_length)
        spread[places] = a.spread_length[places]
        among = places[a.in_episode[places] > 0]
        if len(among):
            length, context, contexts = np.zeros_like(a.length), a.context[among], len(a.context_size)
            length[places] = a.length[places]
            size = np.bincount(context, minlength=contexts).astype(np.int32)
            total = np.bincount(context, weights=a.length[among], minlength=contexts).astype(np.int64)
            around = Surroundings(self.edges, self.passages_from, length, a.context, size, total)
            spread[among] = around.spread_lengths(among)
        return spread

    @property
    def live(self) -> int:
        """Passages that are there."""
        return len(self._places)

    @property
    def passages(self) -> Ints:
        """Places of all passages."""
        return self._places

    def gather(self, nodes: Ints, *kinds: int) -> tuple[Ints, Ints]:
        """Nodes at the other end of these kinds of edges that are there, node after node, and how many each has."""
        found, sizes = super().gather(nodes, *kinds)
        seen = self.network.hub[found] > 0
        if seen.all():
            return found, sizes
        of = np.repeat(np.arange(len(nodes)), sizes)[seen]
        return found[seen], np.bincount(of, minlength=len(nodes))

    # -- what may be shown: see `hippomem.store.display.Visible` ------------------------------------------------------

    @property
    def visible(self) -> Within:
        """Rows of the store whose words may be shown."""
        return self

    def facts_naming(self, entity_key: int) -> list[int]:
        """Rows of the facts that mention an entity, or have it as title."""
        places = np.array(list(self.entity_places([entity_key]).values()), dtype=np.int64)
        keys: list[int] = self.arrays.fact_key[self.facts_of_entities(places)[0]].tolist()
        return keys

    def passages_stating(self, fact_keys: Sequence[int]) -> list[int]:
        """Rows of the passages that state one of these facts."""
        places = np.array(list(self.fact_places(fact_keys).values()), dtype=np.int64)
        stating, _ = self.gather(places + self.facts_from, STATES)
        keys: list[int] = self.arrays.passage_key[np.unique(stating - self.passages_from)].tolist()
        return keys


def _ones(length: int, places: Ints) -> NDArray[np.uint8]:
    """(length,) 1 at these places, else 0."""
    made = np.zeros(length, dtype=np.uint8)
    made[places] = 1
    return made
