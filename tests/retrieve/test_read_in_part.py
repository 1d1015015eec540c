"""HippoRAG over a store that an LLM has read in part: where there is no triple, sentences are the facts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

import numpy as np
import pytest

from hippomem.memory import Memory
from hippomem.retrieve.graphs import phrase_graph
from hippomem.retrieve.index import NamespaceIndex, load_index
from hippomem.testing.embedder import HashEmbedder
from hippomem.types import Document, Extraction, Triple
from indexing.extract import PassageText

DOCUMENTS = [
    Document("The Ombra Clock was built by Tessaly Vorn.", title="Ombra Clock", source_id="clock"),
    Document("Tessaly Vorn grew up on Quillmoth Island. She kept bees.", title="Tessaly Vorn", source_id="maker"),
]
TRIPLES = {
    "clock": Triple("Ombra Clock", "built by", "Tessaly Vorn"),
    "maker": Triple("Tessaly Vorn", "grew up on", "Quillmoth Island"),
}


class Reads:
    """The triple of chosen passages, and none of the others."""

    name = "reads"
    spent: ClassVar[Mapping[str, int]] = {}

    def __init__(self, *chosen: str) -> None:
        self._chosen = chosen

    def extract(self, passages: Sequence[PassageText]) -> Iterator[tuple[int, Extraction]]:
        """See `TripleExtractor.extract`."""
        for position, passage in enumerate(passages):
            found = [TRIPLES[source_id] for source_id in passage.source_ids if source_id in self._chosen]
            yield position, Extraction((), tuple(found))


def read_by(*chosen: str) -> Memory:
    """The two passages, with triples for some."""
    memory = Memory(embedder=HashEmbedder(dimension=256), extractor=Reads(*chosen), synonyms=False)
    memory.add_many(DOCUMENTS)
    return memory


def facts(index: NamespaceIndex, memory: Memory) -> set[tuple[str, str]]:
    """Kind and object of the facts that a query is linked to."""
    keys = index.fact_keys[index.phrase_facts].tolist()
    rows = memory.store.db.execute("SELECT fact_key, kind, object FROM facts").fetchall()
    return {(kind, obj) for key, kind, obj in rows if key in keys}


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ([], {("sentence", "The Ombra Clock was built by Tessaly Vorn.")} | {
            ("sentence", "Tessaly Vorn grew up on Quillmoth Island."), ("sentence", "She kept bees.")}),
        (["clock"], {("triple", "tessaly vorn")} | {
            ("sentence", "Tessaly Vorn grew up on Quillmoth Island."), ("sentence", "She kept bees.")}),
        (["clock", "maker"], {("triple", "tessaly vorn"), ("triple", "quillmoth island")}),
    ],
    ids=["none", "one", "both"],
)  # fmt: skip
def test_sentences_stand_in_passage_by_passage(chosen: list[str], expected: set[tuple[str, str]]) -> None:
    """A passage has its triples as facts if it has any, and its sentences if not."""
    with read_by(*chosen) as memory:
        assert facts(load_index(memory.store, "default"), memory) == expected


def test_the_graph_has_both_kinds_of_edges() -> None:
    """The pair of a triple and the pair of a sentence weigh the same, twice their count of 1; nothing has a loop."""
    with read_by("clock") as memory:
        index = load_index(memory.store, "default")
        graph = phrase_graph(index).toarray()
    place = index.entity_position
    clock, maker, island = (place[name] for name in ("ombra clock", "tessaly vorn", "quillmoth island"))
    expected = np.zeros_like(graph)
    for a, b in ((clock, maker), (maker, island)):
        expected[a, b] = expected[b, a] = 2.0
    np.testing.assert_array_equal(graph, expected)


@pytest.mark.parametrize("retriever", ["hipporag1", "hipporag2"])
def test_the_walk_reaches_what_was_not_read(retriever: str) -> None:
    """From the clock's triple to its maker, whose passage has sentences only."""
    with read_by("clock") as memory:
        result = memory.search("Who built the Ombra Clock?", k=2, retriever=retriever)  # type: ignore[arg-type]
    assert [hit.source_ids for hit in result.hits] == [("clock",), ("maker",)]
    assert all(hit.score > 0 for hit in result.hits)
    assert "no triples" not in result.note
