"""The golden toy memory: ten passages, one question that two of them answer together."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hippomem.memory import Memory
from hippomem.testing.toy import TOY_DOCUMENTS, TOY_FIRST_HOP, TOY_QUESTION, TOY_SECOND_HOP, toy_memory
from hippomem.text.fold import fold
from hippomem.types import Hit


@pytest.fixture(scope="module")
def memory() -> Iterator[Memory]:
    """The toy memory, read only."""
    with toy_memory() as toy:
        yield toy


def order(memory: Memory, retriever: str) -> list[str]:
    """Source ids in rank order."""
    return [hit.source_ids[0] for hit in memory.search(TOY_QUESTION, k=10, retriever=retriever)]


def answer(memory: Memory, retriever: str = "hippomem") -> Hit:
    """The hit that holds the answer."""
    return next(h for h in memory.search(TOY_QUESTION, retriever=retriever) if h.source_ids == (TOY_SECOND_HOP,))


def test_the_answer_shares_no_word_with_the_question() -> None:
    """The toy is what it says: only the graph leads from the question to the answer."""
    document = next(d for d in TOY_DOCUMENTS if d.source_id == TOY_SECOND_HOP)
    assert not set(fold(TOY_QUESTION).split()) & set(fold(f"{document.title} {document.text}").split())
    assert len({d.source_id for d in TOY_DOCUMENTS}) == len(TOY_DOCUMENTS) == 10


def test_both_hops_come_first() -> None:
    """The passage that the question names, then the passage that it leads to."""
    with toy_memory() as toy:
        assert order(toy, "hippomem")[:2] == [TOY_FIRST_HOP, TOY_SECOND_HOP]


def test_similarity_alone_does_not_find_the_answer(memory: Memory) -> None:
    """BM25 does not list it at all, dense retrieval puts it last: nine passages look more like the question."""
    assert TOY_SECOND_HOP not in order(memory, "bm25")
    assert order(memory, "dense")[-1] == TOY_SECOND_HOP


def test_hipporag_follows_the_edge_too(memory: Memory) -> None:
    """HippoRAG 1, which links the question's names only, ranks the two first; HippoRAG 2 lifts the answer off the end."""
    assert order(memory, "hipporag1")[:2] == [TOY_FIRST_HOP, TOY_SECOND_HOP]
    assert order(memory, "hipporag2")[-1] != TOY_SECOND_HOP


@pytest.mark.parametrize("retriever", ["hippomem", "hipporag1"])
def test_the_path_leads_from_the_question_to_the_answer(memory: Memory, retriever: str) -> None:
    """Why: from the clock, which the question names, over the sentence that names its maker, to the maker's passage."""
    hit = answer(memory, retriever)
    assert hit.why is not None
    assert [(step.kind, step.text) for step in hit.why.path] == [
        ("entity", "Ombra Clock"),
        ("fact", "The Ombra Clock in Harrowmere was built by Tessaly Vorn."),
        ("entity", "Tessaly Vorn"),
        ("passage", "Tessaly Vorn"),
    ]
    assert fold(hit.why.path[0].text) in fold(TOY_QUESTION)
    assert hit.why.path[-1].passage_id == hit.passage_id
    assert hit.why.seeds[0].name == "Ombra Clock"


def test_the_facts_shown_are_the_passage_s_own(memory: Memory) -> None:
    """Each hit quotes its own sentences, nearest to the question first."""
    for hit in memory.search(TOY_QUESTION, k=10):
        assert hit.why is not None
        assert hit.why.facts
        assert all(fact.text in hit.text and fact.passage_id == hit.passage_id for fact in hit.why.facts)
        assert [fact.score for fact in hit.why.facts] == sorted((fact.score for fact in hit.why.facts), reverse=True)


def test_without_the_first_hop_the_answer_is_lost_and_with_it_again_found(memory: Memory) -> None:
    """The edge is made by one passage: forgetting it cuts the path, remembering it again mends it."""
    with toy_memory() as toy:
        toy.forget(TOY_FIRST_HOP)
        assert TOY_SECOND_HOP not in order(toy, "hippomem")[:2]
        toy.add_many([d for d in TOY_DOCUMENTS if d.source_id == TOY_FIRST_HOP])
        assert toy.export() == memory.export()
        assert order(toy, "hippomem") == order(memory, "hippomem")


def test_retrieval_is_as_fast_as_its_graph_is_small(memory: Memory) -> None:
    """The time is told by stage."""
    result = memory.search(TOY_QUESTION)
    assert {"encode", "walk", "present"} <= result.seconds.keys()
    assert all(seconds >= 0 for seconds in result.seconds.values())
