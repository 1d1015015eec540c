"""Say why: the seeds, the facts, and the path along which most of the activation came.

A path is read backwards from the passage: from each node to the neighbour that sent it most, x_i · P_ij, until a node that
got more from the query itself than from any neighbour. It is the strongest chain of the walk that made the score, not a
story told afterwards.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from hippomem.graph.pagerank import DAMPING
from hippomem.retrieve.base import FactCosines, top
from hippomem.retrieve.index import NamespaceIndex, row
from hippomem.store import Store, display, memories
from hippomem.types import FactEvidence, NodeKind, PathStep, Seed, Triple, Why

#: How much of the reasons is shown.
SEEDS, FACTS = 5, 3
#: A path longer than this says nothing to a reader; at damping 0.5 it would carry less than 1% of the activation.
_LONGEST = 9

#: Characters of a passage that stand for its title where it has none.
_OPENING = 60

MakeWhy = Callable[[int], Why]


class Explainer:
    """Makes `Why` for passages of an index.

    has_facts: whether facts are nodes of the walk (entities, facts, passages) or not (entities, then perhaps passages).
    """

    def __init__(self, store: Store, index: NamespaceIndex, retriever: str, *, has_facts: bool) -> None:
        self._db, self._index, self._retriever, self._has_facts = store.db, index, retriever, has_facts

    def triples(self, facts: NDArray[np.int64]) -> list[Triple]:
        """Facts as an LLM sees them."""
        return [display.fact_triple(self._db, key) for key in self._index.fact_keys[facts].tolist()]

    def dense(self, scores: NDArray[np.float64], note: str) -> MakeWhy:
        """Reasons for a passage found by similarity alone."""
        return lambda p: Why(self._retriever, scores={"dense": float(scores[p])}, note=note)

    def walked(
        self,
        pull: csr_array,
        x: NDArray[np.float64],
        reset: NDArray[np.float64],
        cosine: FactCosines,
        parts: Mapping[str, NDArray[np.float64]],
        note: str,
        origin: Mapping[int, int] | None = None,
    ) -> MakeWhy:
        """Reasons for a passage found by a walk.

        pull: (n, n) transposed transition.    x, reset: (n,) activation and seeds.    cosine: query to fact.
        parts: name → (P,) part of the score.
        origin: entity → the fact because of which it is a seed; entities that the query itself names are not in it.
        """
        reset = reset / reset.sum()
        origin = origin or {}
        seeds: list[Seed] = []

        def why(passage: int) -> Why:
            if not seeds:
                seeds.extend(
                    Seed(self._kind(node), self._name(node), float(reset[node]))
                    for node in top(reset, SEEDS, np.flatnonzero(reset)).tolist()
                )
            return Why(
                self._retriever,
                seeds=tuple(seeds),
                facts=self._facts(passage, cosine),
                path=self._path(pull, x, reset, cosine, passage, origin),
                scores={name: float(values[passage]) for name, values in parts.items()},
                note=note,
            )

        return why

    def _facts(self, passage: int, cosine: FactCosines) -> tuple[FactEvidence, ...]:
        own = np.sort(row(self._index.contributions, passage))
        scores = cosine[own]
        return tuple(
            FactEvidence(
                display.fact_statement(self._db, int(self._index.fact_keys[own[at]])),
                float(scores[at]),
                self._index.passage_ids[passage],
            )
            for at in top(scores, FACTS).tolist()
        )

    def _path(
        self,
        pull: csr_array,
        x: NDArray[np.float64],
        reset: NDArray[np.float64],
        cosine: FactCosines,
        passage: int,
        origin: Mapping[int, int],
    ) -> tuple[PathStep, ...]:
        entities = len(self._index.entities)
        node = entities + (len(self._index.fact_keys) if self._has_facts else 0) + passage
        steps: list[int] = []
        if node < len(x):
            steps.append(node)
        else:  # HippoRAG 1 walks over phrases only: begin with the phrase that gave the passage most
            phrases = np.unique(row(self._index.passage_phrases, passage))
            if not len(phrases):
                return ()
            node = int(phrases[np.argmax(x[phrases])])
            steps.append(node)
        while len(steps) < _LONGEST:
            sources = row(pull, node)
            flow = x[sources] * pull.data[pull.indptr[node] : pull.indptr[node + 1]]
            for step in steps:
                flow[sources == step] = 0.0
            if not len(flow) or DAMPING * flow.max() <= (1.0 - DAMPING) * reset[node]:
                break
            node = int(sources[np.argmax(flow)])
            steps.append(node)
        steps.reverse()
        described = self._describe(steps, cosine)
        before = self._before(steps[0], passage, reset, origin)
        if not {step.text for step in before if step.kind == "fact"} & {step.text for step in described}:
            described = [*before, *described]
        if len(x) == entities and described:
            described = [*described, self._passage_step(passage)]
        return tuple(described) if len(described) > 1 else ()

    def _before(self, seed: int, passage: int, reset: NDArray[np.float64], origin: Mapping[int, int]) -> list[PathStep]:
        """Why a seed is one: the fact that the query matched, and the name in that fact that the query gives."""
        fact = origin.get(seed)
        if fact is None or fact in row(self._index.contributions, passage):
            return []
        step = PathStep("fact", display.fact_statement(self._db, int(self._index.fact_keys[fact])), self._home(fact))
        mentioned = row(self._index.mentions, fact)
        given = [int(e) for e in mentioned if e != seed and e not in origin and reset[e] > 0]
        if not given:
            return [step]
        name = min(given, key=lambda e: (-reset[e], e))
        return [PathStep("entity", self._name(name)), step]

    def _describe(self, steps: list[int], cosine: FactCosines) -> list[PathStep]:
        described: list[PathStep] = []
        for i, node in enumerate(steps):
            kind = self._kind(node)
            if i and kind == "entity" and self._kind(steps[i - 1]) == "entity":
                described.extend(self._joining_fact(steps[i - 1], node, cosine))
            if kind == "passage":
                described.append(self._passage_step(self._passage_of(node)))
            else:
                passage_id = self._home(node - len(self._index.entities)) if kind == "fact" else None
                described.append(PathStep(kind, self._name(node), passage_id))
        return described

    def _joining_fact(self, a: int, b: int, cosine: FactCosines) -> list[PathStep]:
        """The fact behind an edge between two entities; none when the edge is a synonym's."""
        shared = np.intersect1d(self._facts_of(a), self._facts_of(b))
        if not len(shared):
            return []
        fact = int(shared[np.argmax(cosine[shared])])
        text = display.fact_statement(self._db, int(self._index.fact_keys[fact]))
        return [PathStep("fact", text, self._home(fact))]

    def _facts_of(self, entity: int) -> NDArray[np.int64]:
        return row(self._index.facts_of_entity, entity)

    def _home(self, fact: int) -> str | None:
        """The first passage, by id, that makes a fact."""
        passages = row(self._index.passages_of_fact, fact)
        return self._index.passage_ids[int(passages.min())] if len(passages) else None

    def _passage_step(self, passage: int) -> PathStep:
        passage_id = self._index.passage_ids[passage]
        return PathStep("passage", self._index.titles[passage] or self._opening(passage) or passage_id, passage_id)

    def _opening(self, passage: int) -> str:
        """The first words of a passage, to know one without a title by; "" when it was forgotten meanwhile."""
        key = int(self._index.passage_keys[passage])
        found = memories.texts(self._db, [key]).get(key)
        return "" if found is None else textwrap.shorten(found.text, _OPENING, placeholder=" …")

    def _passage_of(self, node: int) -> int:
        return node - len(self._index.entities) - (len(self._index.fact_keys) if self._has_facts else 0)

    def _kind(self, node: int) -> NodeKind:
        entities, facts = len(self._index.entities), len(self._index.fact_keys)
        if node < entities:
            return "entity"
        return "fact" if self._has_facts and node < entities + facts else "passage"

    def _name(self, node: int) -> str:
        kind = self._kind(node)
        if kind == "entity":
            return display.entity_name(self._db, int(self._index.entity_keys[node]))
        if kind == "fact":
            return display.fact_statement(self._db, int(self._index.fact_keys[node - len(self._index.entities)]))
        return self._passage_step(self._passage_of(node)).text
