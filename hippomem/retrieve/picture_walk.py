"""A walk over the sentence graph of a picture, as `Explainer` reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hippomem.arrays.picture import Picture
from hippomem.retrieve.base import top
from hippomem.retrieve.explain import SEEDS
from hippomem.retrieve.matching import Matched
from hippomem.retrieve.sparse import Sparse
from hippomem.types import NodeKind

Ints = NDArray[np.int64]
Vector = NDArray[np.float64]


@dataclass(frozen=True)
class PictureWalk:
    """See `Walk`. x, restart: activation and seeds by node, each summing to 1.    weights: of the kinds of edges."""

    picture: Picture
    matched: Matched
    x: Sparse
    restart: Sparse
    weights: Mapping[int, float]

    @property
    def seeds(self) -> list[tuple[int, float]]:
        """See `Walk`."""
        ties = np.array([self._order(node) for node in self.restart.places.tolist()], dtype=np.uint64)
        best = top(self.restart.values, SEEDS, order=ties)
        return [(int(self.restart.places[at]), float(self.restart.values[at])) for at in best]

    def reset(self, node: int) -> float:
        """See `Walk`."""
        return float(self.restart.at(np.array([node]))[0])

    def sources(self, node: int) -> tuple[Ints, Vector]:
        """See `Walk`; in an order that follows from content, each source once."""
        sources, flow = self.picture.network.inflow(node, self.x.places, self.x.values, self.weights)
        total: dict[int, float] = {}
        for source, value in zip(sources.tolist(), flow.tolist(), strict=True):
            total[source] = total.get(source, 0.0) + value
        ordered = sorted(total, key=self._order)
        return np.array(ordered, dtype=np.int64), np.array([total[source] for source in ordered])

    def _order(self, node: int) -> int:
        a = self.picture.arrays
        kind, number = self.kind(node)
        return int({"entity": a.entity_hash, "fact": a.fact_order, "passage": a.passage_order}[kind][number])

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

    def facts_of_entity(self, entity: int) -> Ints:
        """See `Walk`."""
        return self.picture.facts_of_entities(np.array([entity]))[0]

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
