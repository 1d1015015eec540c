"""Say why: the seeds, the facts, and the path along which most of the activation came.

A path is read backwards from the passage: from each node to the neighbour that sent it most, x_i · P_ij, until a node that
got more from the query itself than from any neighbour. It is the strongest chain of the walk that made the score, not a
story told afterwards.
"""

from __future__ import annotations

import sqlite3
import textwrap
from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hippomem.graph.pagerank import DAMPING
from hippomem.retrieve.base import top
from hippomem.store import Store, display, passages
from hippomem.types import FactEvidence, NodeKind, PathStep, Seed, Triple, Why

Ints = NDArray[np.int64]
Vector = NDArray[np.float64]

#: How much of the reasons is shown.
SEEDS, FACTS = 5, 3
#: A path longer than this says nothing to a reader; at damping 0.5 it would carry less than 1% of the activation.
_LONGEST = 9

#: Characters of a passage that stand for its title where it has none.
_OPENING = 60

MakeWhy = Callable[[int], Why]


class Walk(Protocol):
    """One query's walk over a graph, and what its nodes are. Nodes, facts, entities and passages are numbers."""

    @property
    def visible(self) -> display.Visible | None:
        """Rows of the store whose words may be shown; None for all."""
        ...

    @property
    def seeds(self) -> list[tuple[int, float]]:
        """(node, share) of the strongest seeds, `SEEDS` at most, best first."""
        ...

    def reset(self, node: int) -> float:
        """The share of the restarts that begin at a node."""
        ...

    def strongest(self, node: int, without: list[int]) -> tuple[int, float]:
        """The node that gave a node most, x_i · P_ij, and how much, some passed over; (-1, 0) for none."""
        ...

    def kind(self, node: int) -> tuple[NodeKind, int]:
        """What a node is, and which entity, fact or passage."""
        ...

    def node_of(self, passage: int) -> int | None:
        """The node whose activation is a passage's; None when there is none."""
        ...

    def facts_of_passage(self, passage: int) -> Ints:
        """Facts that a passage states, in an order that follows from content."""
        ...

    def entities_of_fact(self, fact: int) -> Ints:
        """Entities that a fact mentions."""
        ...

    def facts_of_both(self, a: int, b: int) -> Ints:
        """Facts that mention two entities, in an order that follows from content."""
        ...

    def home(self, fact: int) -> int | None:
        """The first passage, by id, that states a fact."""
        ...

    def cosines(self, facts: Ints) -> Vector:
        """Cosines of facts with the query."""
        ...

    def keys(self, kind: NodeKind, numbers: Ints) -> list[int]:
        """Rows of the store."""
        ...


class Explainer:
    """Makes `Why` for passages, in the words of the store."""

    def __init__(self, store: Store, retriever: str) -> None:
        self._db, self._retriever = store.db, retriever

    def triples(self, fact_keys: list[int], visible: display.Visible | None = None) -> list[Triple]:
        """Facts as an LLM sees them. visible: rows whose words it may see; None for all."""
        return [display.fact_triple(self._db, key, visible) for key in fact_keys]

    def dense(self, scores: Vector, note: str) -> MakeWhy:
        """Reasons for a passage found by similarity alone."""
        return lambda p: Why(self._retriever, scores={"dense": float(scores[p])}, note=note)

    def walked(
        self,
        walk: Walk,
        parts: Callable[[int], Mapping[str, float]],
        note: str,
        origin: Mapping[int, int] | None = None,
    ) -> MakeWhy:
        """Reasons for a passage found by a walk.

        parts: the parts of a passage's score.
        origin: entity → the fact because of which it is a seed; entities that the query itself names are not in it.
        """
        telling = _Telling(self._db, walk, origin or {})
        seeds: list[Seed] = []

        def why(passage: int) -> Why:
            if not seeds:
                seeds.extend(Seed(walk.kind(node)[0], telling.name(node), share) for node, share in walk.seeds)
            return Why(
                self._retriever,
                seeds=tuple(seeds),
                facts=telling.facts(passage),
                path=telling.path(passage),
                scores=dict(parts(passage)),
                note=note,
            )

        return why


class _Telling:
    """Tells one walk; a name or statement that several hits share is read once."""

    def __init__(self, db: sqlite3.Connection, walk: Walk, origin: Mapping[int, int]) -> None:
        self._db, self._walk, self._origin = db, walk, origin
        self._names: dict[tuple[NodeKind, int], str] = {}
        self._passages: dict[int, passages.PassageRow | None] = {}

    def facts(self, passage: int) -> tuple[FactEvidence, ...]:
        """A passage's own facts that are nearest to the query."""
        own = self._walk.facts_of_passage(passage)
        scores = self._walk.cosines(own)
        return tuple(
            FactEvidence(self._text("fact", int(own[at])), float(scores[at]), self._passage_id(passage) or "")
            for at in top(scores, FACTS).tolist()
        )

    def path(self, passage: int) -> tuple[PathStep, ...]:
        """The strongest chain of the walk to a passage; () where there is none."""
        walk, node = self._walk, self._walk.node_of(passage)
        if node is None:
            return ()
        steps = [node]
        while len(steps) < _LONGEST:
            source, flow = walk.strongest(node, steps)
            if source < 0 or DAMPING * flow <= (1.0 - DAMPING) * walk.reset(node):
                break
            node = source
            steps.append(node)
        steps.reverse()
        described = self._describe(steps)
        before = self._before(steps[0], passage)
        if not {step.text for step in before if step.kind == "fact"} & {step.text for step in described}:
            described = [*before, *described]
        if walk.kind(steps[-1])[0] != "passage" and described:
            described = [*described, self._passage_step(passage)]
        return tuple(described) if len(described) > 1 else ()

    def _before(self, seed: int, passage: int) -> list[PathStep]:
        """Why a seed is one: the fact that the query matched, and the name in that fact that the query gives."""
        fact = self._origin.get(seed)
        if fact is None or fact in self._walk.facts_of_passage(passage):
            return []
        step = self._fact_step(fact)
        given = [
            (int(entity), self._walk.reset(int(entity)))
            for entity in self._walk.entities_of_fact(fact)
            if entity != seed and int(entity) not in self._origin
        ]
        given = [(entity, share) for entity, share in given if share > 0]
        if not given:
            return [step]
        strongest = max(share for _, share in given)
        name = min(self._text("entity", entity) for entity, share in given if share == strongest)
        return [PathStep("entity", name), step]

    def _describe(self, steps: list[int]) -> list[PathStep]:
        described: list[PathStep] = []
        kinds = [self._walk.kind(node) for node in steps]
        for i, (kind, number) in enumerate(kinds):
            if i and kind == "entity" and kinds[i - 1][0] == "entity":
                described.extend(self._joining_fact(kinds[i - 1][1], number))
            if kind == "passage":
                described.append(self._passage_step(number))
            elif kind == "fact":
                described.append(self._fact_step(number))
            else:
                described.append(PathStep(kind, self._text(kind, number)))
        return described

    def _joining_fact(self, a: int, b: int) -> list[PathStep]:
        """The fact behind an edge between two entities; none when the edge is a synonym's."""
        shared = self._walk.facts_of_both(a, b)
        return [self._fact_step(int(shared[np.argmax(self._walk.cosines(shared))]))] if len(shared) else []

    def _fact_step(self, fact: int) -> PathStep:
        home = self._walk.home(fact)
        return PathStep("fact", self._text("fact", fact), None if home is None else self._passage_id(home))

    def _passage_step(self, passage: int) -> PathStep:
        passage_id, row = self._passage_id(passage), self._passage(passage)
        opening = "" if row is None else row.title or textwrap.shorten(row.text, _OPENING, placeholder=" …")
        return PathStep("passage", opening or passage_id or "", passage_id)

    def _passage(self, passage: int) -> passages.PassageRow | None:
        """A passage with its text; None when it was forgotten meanwhile."""
        if passage not in self._passages:
            (key,) = self._walk.keys("passage", np.array([passage]))
            self._passages[passage] = passages.texts(self._db, [key]).get(key)
        return self._passages[passage]

    def _passage_id(self, passage: int) -> str | None:
        row = self._passage(passage)
        return None if row is None else row.passage_id

    def name(self, node: int) -> str:
        """What a person reads for a node."""
        kind, number = self._walk.kind(node)
        return self._passage_step(number).text if kind == "passage" else self._text(kind, number)

    def _text(self, kind: NodeKind, number: int) -> str:
        if (kind, number) not in self._names:
            (key,) = self._walk.keys(kind, np.array([number]))
            tell = display.entity_name if kind == "entity" else display.fact_statement
            self._names[kind, number] = tell(self._db, key, self._walk.visible)
        return self._names[kind, number]
