"""Where the walk starts: entities of the facts that match best, names in the query, passages that look right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hippomem.retrieve.base import min_max, top
from hippomem.retrieve.index import NamespaceIndex, row
from hippomem.retrieve.linking import query_mentions
from hippomem.retrieve.matching import Matched
from hippomem.retrieve.options import RetrieverOptions
from hippomem.retrieve.weights import Weights
from hippomem.types import Triple

Ints = NDArray[np.int64]
Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Seeds:
    """Where the walk starts. reset: (E + F + P,) weights.

    origin: entity → the fact that made it a seed, for those that the query does not name itself.    note: for the result.
    """

    reset: Vector
    origin: dict[int, int]
    note: str


@dataclass(frozen=True)
class Seeder:
    """Makes seeds over one index. triples: facts by position, as an LLM sees them."""

    index: NamespaceIndex
    weights: Weights
    options: RetrieverOptions
    triples: Callable[[Ints], list[Triple]]

    def seed(self, query: str, matched: Matched) -> Seeds:
        """Entities of the best facts and of the query's names, over their frequency, and passages. Raises ModelError."""
        index, w = self.index, self.weights
        best = top(matched.match, w.seed_facts)
        note = ""
        if self.options.fact_filter is not None and len(best):
            chosen = self.options.fact_filter.keep(query, self.triples(matched.facts[best]))
            note = "" if chosen else "the LLM kept no fact: seeds are names and passages"
            best = best[chosen]
        entities, origin = self._of_facts(matched.facts[best], matched.match[best])
        for position in self._named(query):
            entities[position] += w.mention_seed / max(index.document_frequency[position], 1.0)
            origin.pop(position, None)
        passages = self._of_passages(matched)
        if not entities.any() and not passages.any():  # an ablation took the only seeds there were
            passages[matched.passages] = 1.0
        return Seeds(np.concatenate([entities, np.zeros(len(index.fact_keys)), passages]), origin, note)

    def _of_facts(self, facts: Ints, match: Vector) -> tuple[Vector, dict[int, int]]:
        """(E,) weights of the entities of these facts, and the best fact of each: a mean over the facts that name it."""
        index, w = self.index, self.weights
        entities = np.zeros(len(index.entities))
        origin: dict[int, int] = {}
        if not len(facts):
            return entities, origin
        frequency = np.maximum(index.document_frequency, 1.0)
        total, times = np.zeros_like(entities), np.zeros_like(entities)
        for fact, value in zip(facts.tolist(), np.exp((match - match.max()) / w.seed_sharpness).tolist(), strict=True):
            named = row(index.mentions, fact)
            total[named] += value / frequency[named]
            times[named] += 1.0
            for entity in named.tolist():
                origin.setdefault(entity, fact)
        mean = np.divide(total, times, out=np.zeros_like(total), where=times > 0)
        strongest = top(mean, w.seed_entities, np.flatnonzero(mean))
        entities[strongest] = mean[strongest]
        return entities, origin

    def _of_passages(self, matched: Matched) -> Vector:
        """(P,) weights of the candidates, peaked. Where all look alike (there is one, or they are equal), each has all."""
        w = self.weights
        look = matched.dense + w.passage_lexical * matched.lexical + w.title_match * matched.titled
        passages = np.zeros(len(look))
        passages[matched.passages] = w.passage_seed * min_max(look[matched.passages], equal=1.0) ** w.passage_peak
        return passages

    def _named(self, query: str) -> list[int]:
        """Positions of the entities that the query names."""
        position = self.index.entity_position
        keys = [mention.key for mention in query_mentions(query, position.__contains__)]
        if self.options.query_entities is not None:
            keys += self.options.query_entities(query)
        return [position[key] for key in dict.fromkeys(keys) if key in position]
