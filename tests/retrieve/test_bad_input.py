"""Odd questions and odd corpora, with the real encoder: answers or errors as people expect them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hippomem.memory import Memory
from hippomem.retrieve import RETRIEVERS
from hippomem.testing.toy import TOY_DOCUMENTS
from hippomem.types import Document

every = pytest.mark.parametrize("retriever", RETRIEVERS)


@pytest.fixture(scope="module")
def memory() -> Iterator[Memory]:
    """The toy passages under the embedded encoder."""
    with Memory() as of:
        of.add_many(TOY_DOCUMENTS)
        yield of


@pytest.mark.parametrize("retriever", ["bm25", "dense", "hipporag1", "hippomem"])
def test_a_question_without_names(memory: Memory, retriever: str) -> None:
    """It names nothing, and finds the passage that it paraphrases. (HippoRAG 2 seeds from facts alone, and may not.)"""
    found = [hit.source_ids[0] for hit in memory.search("who was keeping bees?", k=3, retriever=retriever)]
    assert "maker" in found


@every
def test_a_question_in_another_language(memory: Memory, retriever: str) -> None:
    """The name in it is enough."""
    found = [hit.source_ids[0] for hit in memory.search("¿Quién construyó el Ombra Clock?", k=3, retriever=retriever)]
    assert "clock" in found


@every
def test_a_question_of_one_word(memory: Memory, retriever: str) -> None:
    """A name alone finds the passage about it."""
    assert "tower" in [hit.source_ids[0] for hit in memory.search("Sorrel", k=2, retriever=retriever)]


@every
def test_a_question_of_two_thousand_words(memory: Memory, retriever: str) -> None:
    """Longer than the encoder reads; the first words count for it, all of them for the words."""
    question = "Who built the Ombra Clock? " + "It is a long story about nothing much at all. " * 200
    assert len(question.split()) > 2000
    assert "clock" in [hit.source_ids[0] for hit in memory.search(question, k=3, retriever=retriever)]


@every
def test_a_corpus_without_sentences(retriever: str) -> None:
    """Signs and numbers are passages too: they are ranked, and what shares nothing is no match for BM25."""
    with Memory() as of:
        of.add_many([Document(text, source_id=text) for text in ("!!!", "* * *", "3.14", "→", "🙂🙂")])
        result = of.search("3.14", k=10, retriever=retriever)
        assert result[0].source_ids == ("3.14",)
        assert len(of.search("What is love?", k=10, retriever=retriever)) == (0 if retriever == "bm25" else 5)


@every
def test_identical_passages_are_one_memory(retriever: str) -> None:
    """The same text five times is one hit with five sources."""
    with Memory() as of:
        of.add_many([Document("The ferry leaves at nine.", source_id=str(i)) for i in range(5)])
        (hit,) = of.search("When does the ferry leave?", retriever=retriever)
        assert hit.source_ids == ("0", "1", "2", "3", "4")
