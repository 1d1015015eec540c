"""Graphs to walk on, and seeds as the retriever makes them: a generated graph of any size, or that of a data set."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from eval.bench.scale.language import zipf
from eval.dataset import load_datasets
from hippomem.arrays import kinds
from hippomem.graph.rows import fill_rows
from hippomem.graph.walk import Network
from hippomem.retrieve.weights import Weights

if TYPE_CHECKING:
    from hippomem.memory import Memory

Ints = NDArray[np.int64]
Vector = NDArray[np.float64]

#: Names of a generated sentence; with them a node has about ten neighbours.
NAMES = 3
#: Seeds of a question: so many entities at most, and so many passages.
ENTITIES, PASSAGES = 20, 300


@dataclass(frozen=True)
class WalkGraph:
    """A graph of entities, facts and passages, in this order.

    network, steps: as the retriever walks it, the weight of a step by kind of edge.    places: (n,) its nodes that are
    there, ascending; the others are room for more.    frequency: (entities,) passages that name each.
    asked: (n,) seeds of real questions; where there are none, they are generated.
    """

    name: str
    network: Network
    steps: Mapping[int, float]
    places: Ints
    frequency: Vector
    passages: int
    asked: Sequence[Vector] = ()

    @cached_property
    def transition(self) -> csr_array:
        """(n, n) CSR, rows sum to 1, of the same walk, for the other solvers: without the room."""
        return csr_array(self.network.transition(self.steps)[self.places][:, self.places])

    @property
    def nodes(self) -> int:
        """n."""
        return len(self.places)

    @property
    def degree(self) -> float:
        """Mean number of neighbours."""
        return float(self.transition.nnz / self.nodes)

    def seeds(self, rng: np.random.Generator) -> Vector:
        """(n,) weights of one question: the entities of a few facts over their frequency, and passages, few of which stand
        out (a power of ten, as in `hippomem.retrieve.weights`).
        """
        if self.asked:
            return self.asked[int(rng.integers(len(self.asked)))]
        w = Weights()
        reset = np.zeros(self.nodes)
        # Facts that match a question are about some names: the neighbours of a few passages, not names at random.
        near: list[NDArray[np.int64]] = []
        for passage in self.nodes - self.passages + rng.integers(self.passages, size=w.seed_facts):
            row = self.transition.indices[self.transition.indptr[passage] : self.transition.indptr[passage + 1]]
            near.append(row[row < len(self.frequency)].astype(np.int64))
        entities = np.unique(np.concatenate(near))[:ENTITIES]
        strength = np.exp(-rng.exponential(1.0, len(entities)))
        reset[entities] = strength / np.maximum(self.frequency[entities], 1.0)
        chosen = rng.choice(self.passages, min(PASSAGES, self.passages), replace=False)
        reset[self.nodes - self.passages + chosen] = w.passage_seed * rng.random(len(chosen)) ** w.passage_peak
        return reset


def generated(nodes: int, seed: int = 0) -> WalkGraph:
    """About *nodes* nodes: for each two passages six facts and one entity; entities named by Zipf's law, exponent 1.

    Weights and the discount of frequent names are those of the default retriever's graph.
    """
    w, rng = Weights(), np.random.default_rng([seed, nodes])
    passages = max(4, round(nodes / 4.5))
    facts, entities = 3 * passages, max(2, passages // 2)
    rank = np.searchsorted(zipf(1, entities), rng.random(facts * NAMES))
    named = rng.permutation(entities)[rank]
    fact, home = np.repeat(np.arange(facts), NAMES), np.repeat(np.arange(passages), 3)
    every, size = np.arange(passages), entities + facts + passages
    of_fact, of_passage = _once(fact, named), _once(home[fact], named)
    pairs = [
        (of_fact[0] + entities, of_fact[1], kinds.MENTION),
        (home + entities + facts, np.arange(facts) + entities, kinds.STATES),
        (of_passage[0] + entities + facts, of_passage[1], kinds.NAMES),
        (every + entities + facts, every % entities, kinds.TITLE),
    ]
    blocks: list[tuple[Ints, Ints, int | NDArray[np.uint8]]] = []
    for a, b, kind in pairs:
        blocks += [(a, b, kind), (b, a, kind)]
    edges = fill_rows(size, blocks, room_rows=0, room=0)
    frequency = np.bincount(of_passage[1], minlength=entities).astype(np.float64)
    hub = (1.0 / np.sqrt(np.maximum(frequency, 1.0))).astype(np.float32)
    network = Network(edges, np.full(len(edges.target), 255, dtype=np.uint8), hub)
    steps = {kinds.MENTION: 1.0, kinds.STATES: 1.0, kinds.NAMES: w.entity_edge, kinds.TITLE: w.title_edge}
    return WalkGraph(f"generated, {size:,} nodes", network, steps, np.arange(size), frequency, passages)


def of_dataset(folder: Path) -> list[WalkGraph]:
    """The sentence graph of each corpus of a set, as the default retriever walks it, indexed with the default encoder."""
    from hippomem.memory import Memory
    from indexing.readers import read_beir

    (dataset,) = load_datasets([folder])
    graphs = []
    with tempfile.TemporaryDirectory(prefix="hippomem-bench-") as temporary:
        for number, corpus in enumerate(dataset.corpora):
            with Memory(Path(temporary) / f"{number}.hippo") as memory:
                memory.add_many(read_beir(corpus.folder))
                graphs.append(_of_memory(memory, corpus.name, [q.text for q in corpus.questions]))
    return graphs


def _of_memory(memory: Memory, name: str, questions: Sequence[str] = ()) -> WalkGraph:
    """The graph of an indexed memory: the one that its default retriever walks, from the seeds of these questions."""
    from hippomem.retrieve.hippomem import HippoMem

    retriever = memory.retriever("hippomem")
    assert isinstance(retriever, HippoMem)
    picture = retriever._picture
    a = picture.arrays
    entities, facts, passages = (np.flatnonzero(alive) for alive in (a.entity_alive, a.fact_alive, a.passage_alive))
    places = np.concatenate([entities, facts + picture.facts_from, passages + picture.passages_from])
    label, frequency = f"{name}, {len(places):,} nodes", a.frequency[entities].astype(np.float64)
    asked = []
    for question in questions:
        seeds, reset = retriever.seeds(question), np.zeros(len(places))
        reset[np.searchsorted(places, seeds.places)] = seeds.values
        asked.append(reset)
    return WalkGraph(label, picture.network, retriever._steps, places, frequency, len(passages), asked)


def _once(rows: Ints, columns: Ints) -> tuple[Ints, Ints]:
    """Each pair once, in order."""
    pairs = np.unique(np.stack([rows, columns], axis=1), axis=0)
    return pairs[:, 0], pairs[:, 1]
