"""Where the walk starts: entities of the facts that match best, names in the query, passages that look right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hippomem.arrays.picture import Picture, hashed
from hippomem.graph.sparse import Sparse
from hippomem.retrieve.base import min_max, top
from hippomem.retrieve.linking import QueryNames, query_mentions
from hippomem.retrieve.matching import Matched
from hippomem.retrieve.options import RetrieverOptions
from hippomem.retrieve.weights import Weights
from hippomem.types import Triple

Ints = NDArray[np.int64]
Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Seeds:
    """Where the walk starts. nodes: weights by node, > 0.

    origin: entity → the fact that made it a seed, for those that the query does not name itself.    note: for the result.
    """

    nodes: Sparse
    origin: dict[int, int]
    note: str


@dataclass(frozen=True)
class Seeder:
    """Makes seeds over one picture. triples: facts by place, as an LLM sees them."""

    picture: Picture
    weights: Weights
    options: RetrieverOptions
    triples: Callable[[Ints], list[Triple]]

    def seed(self, query: str, names: QueryNames, matched: Matched) -> Seeds:
        """Entities of the best facts and of the query's names, over their frequency, and passages. Raises ModelError."""
        a, w = self.picture.arrays, self.weights
        best = top(matched.match, w.seed_facts, order=a.fact_order[matched.facts])
        note = ""
        if self.options.fact_filter is not None and len(best):
            chosen = self.options.fact_filter.keep(query, self.triples(matched.facts[best]))
            note = "" if chosen else "the LLM kept no fact: seeds are names and passages"
            best = best[chosen]
        entities, origin = self._of_facts(matched.facts[best], matched.match[best])
        for place in self._named(query, names):
            named = w.mention_seed / max(int(a.frequency[place]), 1)
            entities[place] = entities.get(place, 0.0) + named
            origin.pop(place, None)
        passages = self._of_passages(matched)
        if not any(entities.values()) and not passages.any():  # an ablation took the only seeds there were
            passages[:] = 1.0
        of_entities = Sparse.of(entities)
        nodes = np.concatenate([of_entities.places, matched.passages + self.picture.passages_from])
        values = np.concatenate([of_entities.values, passages])
        return Seeds(Sparse(nodes[values > 0], values[values > 0]), origin, note)

    def _of_facts(self, facts: Ints, match: Vector) -> tuple[dict[int, float], dict[int, int]]:
        """Weights of the entities of these facts, and the best fact of each: a mean over the facts that name it."""
        a, w = self.picture.arrays, self.weights
        origin: dict[int, int] = {}
        if not len(facts):
            return {}, origin
        total: dict[int, float] = {}
        times: dict[int, int] = {}
        named, sizes = self.picture.entities_of_facts(facts)
        strength = np.exp((match - match.max()) / w.seed_sharpness)
        each = np.repeat(strength, sizes) / np.maximum(a.frequency[named], 1)
        for entity, fact, value in zip(named.tolist(), np.repeat(facts, sizes).tolist(), each.tolist(), strict=True):
            total[entity] = total.get(entity, 0.0) + value
            times[entity] = times.get(entity, 0) + 1
            origin.setdefault(entity, fact)
        places = np.array(list(total), dtype=np.int64)
        mean = np.array([total[entity] / times[entity] for entity in total])
        strongest = top(mean, w.seed_entities, order=a.entity_hash[places])
        return dict(zip(places[strongest].tolist(), mean[strongest].tolist(), strict=True)), origin

    def _of_passages(self, matched: Matched) -> Vector:
        """(c,) weights of the candidates, peaked. Where all look alike (there is one, or they are equal), each has all."""
        w, passages = self.weights, matched.passages
        look = matched.dense(passages) + w.passage_lexical * matched.lexical(passages)
        look += w.title_match * matched.titled(passages)
        weights: Vector = w.passage_seed * min_max(look, equal=1.0) ** w.passage_peak
        return weights

    def _named(self, query: str, names: QueryNames) -> list[int]:
        """Places of the entities that the query names."""
        known = self.picture.entities_named(names.names)
        opens = {key.partition(" ")[0] for key in known}
        keys = [mention.key for mention in query_mentions(query, known.__contains__, opens.__contains__)]
        if self.options.query_entities is not None:
            keys += self.options.query_entities(query)
        keys = list(dict.fromkeys(keys))
        # Of what may be a name by its tokens it is known by now whether it is one.
        others = [key for key in keys if key not in names.names]
        known |= self.picture.entities_named(hashed(others))
        return [known[key] for key in keys if key in known]
