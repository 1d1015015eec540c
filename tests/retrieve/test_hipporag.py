"""HippoRAG 1 and 2 by hand: three triples, chosen vectors, seeds worked out on paper; and when they step back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from hippomem.memory import Memory
from hippomem.models.embedder import EmbedderIdentity, Role
from hippomem.retrieve.hipporag1 import HippoRag1
from hippomem.retrieve.hipporag2 import HippoRag2
from hippomem.retrieve.index import load_index
from hippomem.types import Document, Extraction, Triple
from indexing.extract import PassageText

QUERY = "question"
#: What half precision leaves of the cosines below.
ROUNDED = 3e-4
#: Cosine of the query to each text; the rest of each vector is orthogonal to everything else.
COSINES = {
    "('alpha', 'likes', 'beta')": 0.9,
    "('beta', 'likes', 'gamma')": 0.6,
    "('gamma', 'likes', 'delta')": 0.1,
    "first": 0.5,
    "second": 0.3,
    "third": 0.1,
}
TRIPLES = {
    "first": Triple("Alpha", "likes", "Beta"),
    "second": Triple("Beta", "likes", "Gamma"),
    "third": Triple("Gamma", "likes", "Delta"),
}


class ChosenEmbedder:
    """The query is the first axis; every text has its cosine to it from the table, and an axis of its own."""

    _axes: ClassVar[dict[str, int]] = {}

    @property
    def identity(self) -> EmbedderIdentity:
        """A model of its own."""
        return EmbedderIdentity("chosen", 64, fingerprint="chosen")

    def embed(
        self, texts: Sequence[str], *, role: Role = "passage", progress: Callable[[int], None] | None = None
    ) -> NDArray[np.float32]:
        """(len(texts), 64) unit rows."""
        vectors = np.zeros((len(texts), 64), dtype=np.float32)
        for vector, text in zip(vectors, texts, strict=True):
            cosine = 1.0 if text == QUERY else COSINES.get(text, 0.0)
            axis = self._axes.setdefault(text, 1 + len(self._axes))
            vector[0], vector[axis] = cosine, np.sqrt(1.0 - cosine**2)
        return vectors


class TableExtractor:
    """One triple a passage."""

    name = "table"
    spent: ClassVar[Mapping[str, int]] = {}

    def extract(self, passages: Sequence[PassageText]) -> Iterator[tuple[int, Extraction]]:
        """See `TripleExtractor.extract`."""
        for position, passage in enumerate(passages):
            yield position, Extraction((), (TRIPLES[passage.text],))


class Keep:
    """A fact filter that keeps chosen positions and remembers what it was asked."""

    def __init__(self, *positions: int) -> None:
        self.positions = list(positions)
        self.asked: list[tuple[str, list[Triple]]] = []

    def keep(self, query: str, facts: Sequence[Triple]) -> list[int]:
        """See `FactFilter.keep`."""
        self.asked.append((query, list(facts)))
        return self.positions


@pytest.fixture
def memory() -> Iterator[Memory]:
    """Three passages with a triple each: alpha – beta – gamma – delta."""
    with Memory(embedder=ChosenEmbedder(), extractor=TableExtractor()) as of:
        of.add_many([Document(text, source_id=text) for text in TRIPLES])
        yield of


def hipporag2(memory: Memory, keep: Keep | None = None) -> HippoRag2:
    """HippoRAG 2 over the memory, with that filter."""
    return HippoRag2(memory.store, load_index(memory.store, "default"), ChosenEmbedder(), fact_filter=keep)


def stationary(weights: NDArray[np.float64], reset: NDArray[np.float64]) -> NDArray[np.float64]:
    """Personalized PageRank at damping 0.5, as a linear system."""
    p = weights / weights.sum(axis=1, keepdims=True)
    return np.linalg.solve(np.eye(len(p)) - 0.5 * p.T, 0.5 * reset / reset.sum())


def test_the_reset_of_hipporag2_by_hand(memory: Memory) -> None:
    """A phrase's seed is its facts' min-max score over the passages that hold it, averaged; a passage's is 0.05 × min-max.

    Fact scores 0.9, 0.6, 0.1 become 1, 0.625, 0. Alpha and delta are in one passage, beta and gamma in two.
    Passage scores 0.5, 0.3, 0.1 become 1, 0.5, 0.
    """
    alpha, beta, gamma = 1 / 1, (1 / 2 + 0.625 / 2) / 2, (0.625 / 2 + 0 / 2) / 2
    first, second = 0.05 * 1, 0.05 * 0.5
    total = alpha + beta + gamma + first + second
    result = memory.search(QUERY, retriever="hipporag2")
    assert result.note == ""
    assert result[0].why is not None
    seeds = {(seed.kind, seed.name): seed.weight for seed in result[0].why.seeds}
    assert seeds == {
        ("entity", "Alpha"): pytest.approx(alpha / total, abs=ROUNDED),
        ("entity", "Beta"): pytest.approx(beta / total, abs=ROUNDED),
        ("entity", "Gamma"): pytest.approx(gamma / total, abs=ROUNDED),
        ("passage", result[0].text): pytest.approx(first / total, abs=ROUNDED),
        ("passage", result[1].text): pytest.approx(second / total, abs=ROUNDED),
    }


def test_the_walk_of_hipporag2_by_hand(memory: Memory) -> None:
    """Phrases of a triple are joined at weight 2, a passage to its phrases at weight 1; passages rank by their own node."""
    a, b, g, d, p1, p2, p3 = range(7)
    weights = np.zeros((7, 7))
    for i, j, weight in [
        (a, b, 2),
        (b, g, 2),
        (g, d, 2),
        (p1, a, 1),
        (p1, b, 1),
        (p2, b, 1),
        (p2, g, 1),
        (p3, g, 1),
        (p3, d, 1),
    ]:
        weights[i, j] = weights[j, i] = weight
    reset = np.array([1.0, 0.40625, 0.15625, 0.0, 0.05, 0.025, 0.0])
    expected = stationary(weights, reset)[[p1, p2, p3]]
    result = memory.search(QUERY, retriever="hipporag2")
    assert [hit.source_ids[0] for hit in result] == ["first", "second", "third"]
    assert [hit.score for hit in result] == pytest.approx(expected.tolist(), abs=ROUNDED)


def test_the_walk_of_hipporag1_by_hand(memory: Memory) -> None:
    """A linked phrase's seed is one over its passages; the walk is over phrases; a passage sums its phrases, min-max."""
    weights = np.zeros((4, 4))
    for i, j in [(0, 1), (1, 2), (2, 3)]:
        weights[i, j] = weights[j, i] = 2
    x = stationary(weights, np.array([1 / 1, 0.0, 1 / 2, 0.0]))
    raw = np.array([x[0] + x[1], x[1] + x[2], x[2] + x[3]])
    expected = (raw - raw.min()) / (raw.max() - raw.min())
    index = load_index(memory.store, "default")
    retriever = HippoRag1(memory.store, index, ChosenEmbedder(), query_entities=lambda query: ["Alpha", "GAMMA", "***"])
    # Names are embedded as their keys, so each is nearest to its own phrase.
    result = retriever.search(QUERY)
    scores = {hit.source_ids[0]: hit.score for hit in result}
    assert scores == {name: pytest.approx(value, abs=ROUNDED) for name, value in zip(TRIPLES, expected, strict=True)}
    assert result[0].why is not None
    seeds = {seed.name: seed.weight for seed in result[0].why.seeds}
    assert seeds == {"Alpha": pytest.approx(2 / 3), "Gamma": pytest.approx(1 / 3)}


def test_hipporag1_without_a_name_falls_back_and_says_so(memory: Memory) -> None:
    """A query that names nothing is ranked by similarity alone, in so many words."""
    result = memory.search(QUERY, retriever="hipporag1")
    assert result.note == "the query names no entity: dense ranking"
    assert [hit.source_ids[0] for hit in result] == ["first", "second", "third"]
    assert [hit.score for hit in result] == pytest.approx([0.5, 0.3, 0.1], abs=ROUNDED)
    assert result[0].why is not None
    assert (result[0].why.note, result[0].why.seeds, result[0].why.path) == (result.note, (), ())


def test_a_filter_that_keeps_nothing_leads_to_dense_ranking(memory: Memory) -> None:
    """When the model drops every fact the ranking is dense, and the note says why."""
    keep = Keep()
    result = hipporag2(memory, keep).search(QUERY)
    assert result.note == "the LLM kept no fact: dense ranking"
    assert [hit.source_ids[0] for hit in result] == ["first", "second", "third"]
    assert keep.asked == [(QUERY, [TRIPLES["first"], TRIPLES["second"], TRIPLES["third"]])]
    assert result[0].why is not None
    assert result[0].why.note == result.note


def test_a_filter_seeds_from_what_it_keeps(memory: Memory) -> None:
    """Only the kept fact's phrases are seeds: fact 0.6 at strength 0.625, both of its phrases in two passages."""
    result = hipporag2(memory, Keep(1)).search(QUERY)
    total = 0.625 / 2 + 0.625 / 2 + 0.05 + 0.025
    assert result.note == ""
    assert result[0].why is not None
    seeds = {seed.name: seed.weight for seed in result[0].why.seeds if seed.kind == "entity"}
    assert seeds == {
        "Beta": pytest.approx(0.3125 / total, abs=ROUNDED),
        "Gamma": pytest.approx(0.3125 / total, abs=ROUNDED),
    }


def test_a_filter_is_not_asked_about_nothing() -> None:
    """Without facts there is nothing to filter, and the note does not blame the model."""
    keep = Keep()
    with Memory(embedder=ChosenEmbedder()) as empty:
        assert len(hipporag2(empty, keep).search(QUERY)) == 0
    assert keep.asked == []


def test_without_triples_sentences_are_taken_as_facts_and_the_note_says_so() -> None:
    """The papers' algorithms need triples; on sentences they work too, and do not pretend otherwise."""
    with Memory(embedder=ChosenEmbedder()) as sentences:
        sentences.add("Ada met Bob.")
        for retriever in ("hipporag1", "hipporag2"):
            note = sentences.search("Where is Ada?", retriever=retriever).note
            assert note == "no triples in this store: sentences are taken as facts"
