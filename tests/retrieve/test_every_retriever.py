"""What every retriever keeps to, whatever it ranks by."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hippomem.errors import ConfigError, EmptyQueryError, RetrievalError
from hippomem.memory import Memory
from hippomem.retrieve import RETRIEVERS
from hippomem.testing import HashEmbedder
from hippomem.testing.toy import TOY_DOCUMENTS, TOY_QUESTION, toy_memory
from hippomem.types import Document

every = pytest.mark.parametrize("retriever", RETRIEVERS)
QUERIES = [
    TOY_QUESTION,
    "ombra clock",
    "Какой остров?",
    "谁制造了时钟？",
    "من صنع الساعة؟",
    "🙂🙂",
    "...",
    "the of and",
    "x" * 5000,
    "a\x00b",
    "Zyzzyva",
]


@pytest.fixture(scope="module")
def memory() -> Iterator[Memory]:
    """The toy memory, read only."""
    with toy_memory() as toy:
        yield toy


def small(*texts: str | Document) -> Memory:
    """A memory of a few texts."""
    of = Memory(embedder=HashEmbedder())
    of.add_many(texts)
    return of


@every
@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query[:12])
def test_any_query_gets_sound_hits(memory: Memory, retriever: str, query: str) -> None:
    """In any script: hits best first, ties by passage_id, ranks from 1, reasons within their ranges; never an error."""
    result = memory.search(query, k=100, retriever=retriever)
    assert (result.query, result.retriever) == (query, retriever)
    assert len(result) <= len(TOY_DOCUMENTS)
    assert [hit.rank for hit in result] == list(range(1, len(result) + 1))
    assert [(-hit.score, hit.passage_id) for hit in result] == sorted((-hit.score, hit.passage_id) for hit in result)
    assert len({hit.passage_id for hit in result}) == len(result)
    for hit in result:
        assert hit.why is not None
        assert hit.why.retriever == retriever
        assert hit.why.scores
        assert all(0 < seed.weight <= 1 + 1e-9 and seed.name for seed in hit.why.seeds)
        assert sum(seed.weight for seed in hit.why.seeds) <= 1 + 1e-9
        assert all(-1 - 1e-6 <= fact.score <= 1 + 1e-6 for fact in hit.why.facts)
        assert not hit.why.path or hit.why.path[-1].passage_id == hit.passage_id
        assert hit.why.note == result.note
    json.dumps(result.to_dict(), allow_nan=False)


@every
def test_more_than_there_is(memory: Memory, retriever: str) -> None:
    """k beyond the store gives all it can rank; a smaller k gives the first of these."""
    everything = memory.search(TOY_QUESTION, k=1000, retriever=retriever)
    assert len(everything) == (10 if retriever != "bm25" else 6)
    for k in (1, 3, 10):
        first = memory.search(TOY_QUESTION, k=k, retriever=retriever)
        assert [(hit.passage_id, hit.score) for hit in first] == [(h.passage_id, h.score) for h in everything[:k]]


@every
@pytest.mark.parametrize("k", [0, -1])
def test_k_below_one_is_an_error(memory: Memory, retriever: str, k: int) -> None:
    """Nothing is asked for: the message says for what to ask."""
    with pytest.raises(RetrievalError, match=f"k={k} was asked for; ask for k >= 1"):
        memory.search("clock", k=k, retriever=retriever)


@every
@pytest.mark.parametrize("query", ["", " \n\t", "\u3000"])
def test_an_empty_query_is_an_error(memory: Memory, retriever: str, query: str) -> None:
    """White space asks nothing."""
    with pytest.raises(EmptyQueryError, match="at least one word"):
        memory.search(query, retriever=retriever)


def test_a_retriever_of_another_name_is_an_error(memory: Memory) -> None:
    """The message lists the names there are."""
    with pytest.raises(ConfigError, match="bm25, dense, hipporag1, hipporag2, hippomem"):
        memory.search("clock", retriever="graphrag")


@every
def test_an_empty_store_gives_an_empty_result(retriever: str) -> None:
    """Nothing remembered, nothing found: no error, also after everything was forgotten."""
    with small() as of:
        assert len(of.search("Who made the clock?", retriever=retriever)) == 0
        of.forget(of.add("The clock strikes."))
        assert len(of.search("Who made the clock?", retriever=retriever)) == 0
        with pytest.raises(EmptyQueryError):
            of.search(" ", retriever=retriever)


@every
@pytest.mark.parametrize("text", ["Ada made the Ombra Clock.", "nothing named here", "!!!", "北京", "7"])
def test_a_store_of_one_passage(retriever: str, text: str) -> None:
    """One passage is the answer, or for BM25 no match when no word is shared; even if it names nothing."""
    with small(text) as of:
        for query in (text, "Who made the Ombra Clock?"):
            result = of.search(query, retriever=retriever)
            assert [hit.text for hit in result] in ([[text]] if retriever != "bm25" else [[text], []])


@every
def test_equal_passages_tie_and_stand_in_order_of_id(retriever: str) -> None:
    """Passages that differ in their time only have the same score to the last bit; the lower passage_id comes first."""
    turns = [Document("Ada made the Ombra Clock.", occurred_at=f"2026-01-0{day}") for day in range(1, 10)]
    with small(*turns, "Bob likes tea.") as of:
        result = of.search("Who made the Ombra Clock?", k=20, retriever=retriever)
        same = [hit for hit in result if "Ada" in hit.text]
        assert len(same) == 9
        assert len({hit.score for hit in same}) == 1
        assert [hit.passage_id for hit in same] == sorted(hit.passage_id for hit in same)
        for k in (1, 4, 9):
            first = of.search("Who made the Ombra Clock?", k=k, retriever=retriever)
            assert [hit.passage_id for hit in first] == [hit.passage_id for hit in result][:k]


@every
def test_explaining_changes_no_ranking(memory: Memory, retriever: str) -> None:
    """Without reasons the hits are the same, and ``why`` is absent."""
    with_why = memory.search(TOY_QUESTION, retriever=retriever)
    without = memory.search(TOY_QUESTION, retriever=retriever, explain=False)
    assert [(hit.passage_id, hit.score) for hit in without] == [(hit.passage_id, hit.score) for hit in with_why]
    assert all(hit.why is None for hit in without)


@every
@settings(max_examples=25, deadline=None)
@given(query=st.text().filter(lambda text: bool(text.strip())))
def test_any_text_may_be_asked(retriever: str, query: str) -> None:
    """Over all of Unicode a query has an answer or an empty result."""
    with small("Ada made the Ombra Clock.", "北京是首都。") as of:
        result = of.search(query, retriever=retriever)
        assert len(result) <= 2


@every
def test_a_result_is_a_sequence(memory: Memory, retriever: str) -> None:
    """Hits can be counted, indexed, sliced and walked through."""
    result = memory.search(TOY_QUESTION, retriever=retriever)
    assert result[0] is result.hits[0]
    assert result[:2] == result.hits[:2]
    assert list(result) == list(result.hits)
    assert result.to_dict()["hits"][0]["passage_id"] == result[0].passage_id
