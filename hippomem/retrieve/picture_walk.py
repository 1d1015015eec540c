"""A walk over the sentence graph of a picture, as `Explainer` reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hippomem.arrays.picture import Picture
from hippomem.graph.sparse import Sparse
from hippomem.graph.walk import Senders, Walked
from hippomem.retrieve.base import distinct, top
from hippomem.retrieve.explain import SEEDS
from hippomem.retrieve.matching import Matched
from hippomem.store.display import Visible
from hippomem.types import NodeKind

Ints = NDArray[np.int64]
Vector = NDArray[np.float64]


@dataclass(frozen=True)
class PictureWalk:
    """See `Walk`. walked: what was reached.    restart: seeds by node, summing to 1.    weights: of the kinds of edges."""

    picture: Picture
    matched: Matched
    walked: Walked
    restart: Sparse
    weights: Mapping[int, float]

    @property
    def visible(self) -> Visible | None:
        """See `Walk`."""
        return self.picture.visible

    @property
    def seeds(self) -> list[tuple[int, float]]:
        """See `Walk`."""
        best = top(self.restart.values, SEEDS, order=self._order(self.restart.places))
        return [(int(self.restart.places[at]), float(self.restart.values[at])) for at in best]

    @cached_property
    def _restart(self) -> dict[int, float]:
        return dict(zip(self.restart.places.tolist(), self.restart.values.tolist(), strict=True))

    def reset(self, node: int) -> float:
        """See `Walk`."""
        return self._restart.get(node, 0.0)

    @cached_property
    def _senders(self) -> Senders:
        return self.walked.senders(self._order)

    def strongest(self, node: int, without: list[int]) -> tuple[int, float]:
        """See `Walk`."""
        passed_over = np.array(without, dtype=np.int64)
        return self.picture.network.strongest(node, self._senders, self.weights, passed_over)

    def _order(self, nodes: Ints) -> NDArray[np.uint64]:
        """(m,) numbers of nodes that follow from content."""
        a, picture = self.picture.arrays, self.picture
        order = np.empty(len(nodes), dtype=np.uint64)
        for first, last, values in (
            (0, picture.facts_from, a.entity_hash),
            (picture.facts_from, picture.passages_from, a.fact_order),
            (picture.passages_from, len(picture.network), a.passage_order),
        ):
            inside = (nodes >= first) & (nodes < last)
            order[inside] = values[nodes[inside] - first]
        return order

    def kind(self, node: int) -> tuple[NodeKind, int]:
        """See `Walk`."""
        if node < self.picture.facts_from:
            return "entity", node
        if node < self.picture.passages_from:
            return "fact", node - self.picture.facts_from
        return "passage", node - self.picture.passages_from

    def node_of(self, passage: int) -> int | None:
        """See `Walk`."""
        return passage + self.picture.passages_from

    def facts_of_passage(self, passage: int) -> Ints:
        """See `Walk`."""
        facts, _ = self.picture.facts_of_passages(np.array([passage]))
        return facts[np.argsort(self.picture.arrays.fact_order[facts])]

    def entities_of_fact(self, fact: int) -> Ints:
        """See `Walk`."""
        return self.picture.entities_of_facts(np.array([fact]))[0]

    def facts_of_both(self, a: int, b: int) -> Ints:
        """See `Walk`; read from the rarer of the two."""
        frequency = self.picture.arrays.frequency
        rare, common = (a, b) if frequency[a] <= frequency[b] else (b, a)
        facts, _ = self.picture.facts_of_entities(np.array([rare]))
        named, sizes = self.picture.entities_of_facts(facts)
        both = distinct(np.repeat(facts, sizes)[named == common])
        return both[np.argsort(self.picture.arrays.fact_order[both])]

    def home(self, fact: int) -> int | None:
        """See `Walk`."""
        return int(self.picture.arrays.home[fact])

    def cosines(self, facts: Ints) -> Vector:
        """See `Walk`."""
        return self.matched.cosine(facts)

    def keys(self, kind: NodeKind, numbers: Ints) -> list[int]:
        """See `Walk`."""
        a = self.picture.arrays
        keys: list[int] = {"entity": a.entity_key, "fact": a.fact_key, "passage": a.passage_key}[kind][numbers].tolist()
        return keys
