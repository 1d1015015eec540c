"""A walk over the graphs of the papers' algorithms, as `Explainer` reads it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from hippomem.retrieve.base import FactCosines, top
from hippomem.retrieve.explain import SEEDS
from hippomem.retrieve.index import NamespaceIndex, row
from hippomem.store.display import Visible
from hippomem.types import NodeKind

Ints = NDArray[np.int64]
Vector = NDArray[np.float64]


@dataclass(frozen=True)
class IndexWalk:
    """See `Walk`. Nodes are entities, then perhaps passages.

    pull: (n, n) transposed transition.    x, restart: (n,) activation and seeds, each summing to 1.
    """

    index: NamespaceIndex
    pull: csr_array
    x: Vector
    restart: Vector
    cosine: FactCosines

    @property
    def visible(self) -> Visible | None:
        """See `Walk`."""
        return None

    @property
    def seeds(self) -> list[tuple[int, float]]:
        """See `Walk`."""
        best = top(self.restart, SEEDS, np.flatnonzero(self.restart)).tolist()
        return [(node, float(self.restart[node])) for node in best]

    def reset(self, node: int) -> float:
        """See `Walk`."""
        return float(self.restart[node])

    def strongest(self, node: int, without: list[int]) -> tuple[int, float]:
        """See `Walk`; ties by position, which is order of content."""
        sources = row(self.pull, node)
        flow = self.x[sources] * self.pull.data[self.pull.indptr[node] : self.pull.indptr[node + 1]]
        flow = np.where(np.isin(sources, without), 0.0, flow)
        if not len(flow) or not flow.max() > 0:
            return -1, 0.0
        best = int(np.argmax(flow))
        return int(sources[best]), float(flow[best])

    def kind(self, node: int) -> tuple[NodeKind, int]:
        """See `Walk`."""
        entities = len(self.index.entities)
        return ("entity", node) if node < entities else ("passage", node - entities)

    def node_of(self, passage: int) -> int | None:
        """See `Walk`. HippoRAG 1 walks over phrases only: the phrase that gives the passage most."""
        node = len(self.index.entities) + passage
        if node < len(self.x):
            return node
        phrases = np.unique(row(self.index.passage_phrases, passage))
        return int(phrases[np.argmax(self.x[phrases])]) if len(phrases) else None

    def facts_of_passage(self, passage: int) -> Ints:
        """See `Walk`."""
        return np.sort(row(self.index.contributions, passage))

    def entities_of_fact(self, fact: int) -> Ints:
        """See `Walk`."""
        return row(self.index.mentions, fact)

    def facts_of_both(self, a: int, b: int) -> Ints:
        """See `Walk`."""
        return np.intersect1d(row(self.index.facts_of_entity, a), row(self.index.facts_of_entity, b))

    def home(self, fact: int) -> int | None:
        """See `Walk`."""
        passages = row(self.index.passages_of_fact, fact)
        return int(passages.min()) if len(passages) else None

    def cosines(self, facts: Ints) -> Vector:
        """See `Walk`."""
        return self.cosine[facts]

    def keys(self, kind: NodeKind, numbers: Ints) -> list[int]:
        """See `Walk`."""
        index = self.index
        keys = {"entity": index.entity_keys, "fact": index.fact_keys, "passage": index.passage_keys}[kind]
        found: list[int] = keys[numbers].tolist()
        return found
