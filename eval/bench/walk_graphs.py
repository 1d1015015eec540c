"""Graphs to walk on, and seeds as the retriever makes them: a generated graph of any size, or that of a data set."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import block_array, coo_array, csr_array, diags_array

from eval.bench.scale.language import zipf
from eval.dataset import load_datasets
from hippomem.graph.pagerank import row_stochastic
from hippomem.memory import Memory
from hippomem.retrieve.weights import Weights

Vector = NDArray[np.float64]

#: Names of a generated sentence; with them a node has about ten neighbours.
NAMES = 3
#: Seeds of a question: so many entities at most, and so many passages.
ENTITIES, PASSAGES = 20, 300


@dataclass(frozen=True)
class WalkGraph:
    """A graph of entities, facts and passages, in this order.

    transition: (n, n) CSR, rows sum to 1.    frequency: (entities,) passages that name each.
    """

    name: str
    transition: csr_array
    frequency: Vector
    passages: int

    @property
    def nodes(self) -> int:
        """n."""
        return int(self.transition.shape[0])

    @property
    def degree(self) -> float:
        """Mean number of neighbours."""
        return float(self.transition.nnz / self.nodes)

    def seeds(self, rng: np.random.Generator) -> Vector:
        """(n,) weights of one question: the entities of a few facts over their frequency, and passages, few of which stand
        out (a power of ten, as in `hippomem.retrieve.weights`).
        """
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
    mentions = _pattern(fact, named, (facts, entities))
    contributions = _pattern(home, np.arange(facts), (passages, facts))
    held = _pattern(home[fact], named, (passages, entities))
    titles = _pattern(np.arange(passages), np.arange(passages) % entities, (passages, entities))
    titled = csr_array(titles * w.title_edge + held * w.entity_edge)
    weights = csr_array(
        block_array(
            [[None, mentions.T, titled.T], [mentions, None, contributions.T], [titled, contributions, None]],
            format="csr",
        )
    )
    frequency = np.bincount(held.indices, minlength=entities).astype(np.float64)
    hub = np.ones(weights.shape[0])
    hub[:entities] = 1.0 / np.sqrt(np.maximum(frequency, 1.0))
    transition = row_stochastic(csr_array(weights @ diags_array(hub)))
    return WalkGraph(f"generated, {weights.shape[0]:,} nodes", transition, frequency, passages)


def of_dataset(folder: Path) -> list[WalkGraph]:
    """The sentence graph of each corpus of a set, as the default retriever walks it, indexed with the default encoder."""
    from indexing.readers import read_beir

    (dataset,) = load_datasets([folder])
    graphs = []
    with tempfile.TemporaryDirectory(prefix="hippomem-bench-") as temporary:
        for number, corpus in enumerate(dataset.corpora):
            with Memory(Path(temporary) / f"{number}.hippo") as memory:
                memory.add_many(read_beir(corpus.folder))
                graphs.append(_of_memory(memory, corpus.name))
    return graphs


def _of_memory(memory: Memory, name: str) -> WalkGraph:
    """The graph of an indexed memory, from the parts that its default retriever makes it of."""
    from hippomem.retrieve.graphs import discount_hubs, sentence_graph
    from hippomem.retrieve.index import load_index

    index, w = load_index(memory.store, memory.namespace), Weights()
    weights = sentence_graph(
        index,
        title_weight=w.title_edge,
        entity_weight=w.entity_edge,
        synonym_weight=w.synonym_edge,
        neighbour_weight=w.neighbour_edge,
    )
    hub = np.ones(weights.shape[0])
    hub[: len(index.entities)] = 1.0 / np.sqrt(np.maximum(index.document_frequency, 1.0))
    transition = row_stochastic(discount_hubs(weights, hub))
    label = f"{name}, {transition.shape[0]:,} nodes"
    return WalkGraph(label, transition, index.document_frequency, len(index.passage_ids))


def _pattern(rows: NDArray[np.int64], columns: NDArray[np.int64], shape: tuple[int, int]) -> csr_array:
    """Ones where there is a pair, however often."""
    pattern = coo_array((np.ones(len(rows)), (rows, columns)), shape=shape).tocsr()
    pattern.sum_duplicates()
    pattern.data[:] = 1.0
    return csr_array(pattern)
