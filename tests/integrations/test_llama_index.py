"""LlamaIndex's own query engine, with the retriever in it."""

from __future__ import annotations

import asyncio

import pytest

from hippomem import Memory
from hippomem.errors import EmptyQueryError

ASKED = "Where was the discoverer of Comet Sorrel born?"


def test_a_query_engine_answers_from_the_memory(comet: Memory) -> None:
    """The language model is shown both passages and their titles, and nothing else of the metadata."""
    from llama_index.core.llms import MockLLM
    from llama_index.core.query_engine import RetrieverQueryEngine

    from hippomem.integrations.llama_index import HippoRetriever

    engine = RetrieverQueryEngine.from_args(HippoRetriever(comet, k=2), llm=MockLLM())
    answer = engine.query(ASKED)  # the mock says back what it was asked
    shown = str(answer)
    assert "Comet Sorrel was discovered by Ada Brook." in shown
    assert "Ada Brook was born in Gull Rock." in shown
    assert "title: Ada Brook" in shown
    assert "memory_id" not in shown
    assert "why" not in shown
    assert [node.node.node_id for node in answer.source_nodes] == [hit.passage_id for hit in comet.search(ASKED, k=2)]
    assert str(asyncio.run(engine.aquery(ASKED))) == shown


def test_nodes_are_the_hits_of_a_search(comet: Memory) -> None:
    """Ids, scores, order, reasons, and the memory as the source; filtered as asked; the same when awaited."""
    from hippomem.integrations.llama_index import HippoRetriever

    retriever = HippoRetriever(comet, k=3)
    nodes = retriever.retrieve(ASKED)
    hits = comet.search(ASKED, k=3).hits
    assert [(n.node.node_id, n.text, n.score) for n in nodes] == [(h.passage_id, h.text, h.score) for h in hits]
    assert [n.node.source_node.node_id for n in nodes if n.node.source_node] == [h.memory_id for h in hits]
    assert all(n.metadata["why"]["retriever"] == "hippomem" for n in nodes)
    assert asyncio.run(retriever.aretrieve(ASKED)) == nodes
    only = HippoRetriever(comet, where={"metadata": {"shelf": "sea"}}, explain=False).retrieve(ASKED)
    assert [n.metadata["title"] for n in only] == ["Port Ellery"]
    assert only[0].metadata["why"] is None


def test_errors_pass_through(comet: Memory) -> None:
    """An empty query is an error, not an empty answer."""
    from hippomem.integrations.llama_index import HippoRetriever

    with pytest.raises(EmptyQueryError):
        HippoRetriever(comet).retrieve(" ")
