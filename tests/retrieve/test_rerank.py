"""Re-ranking: which hits are read, in what order they come, and that scores and prefixes stay sound."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hippomem.errors import ConfigError, EmptyQueryError, ModelOutputError, RetrievalError
from hippomem.memory import Memory
from hippomem.retrieve import RETRIEVERS
from hippomem.retrieve.options import RetrieverOptions
from hippomem.retrieve.rerank import DEPTH, Reranked
from hippomem.testing import HashEmbedder
from hippomem.testing.toy import TOY_DOCUMENTS, TOY_QUESTION, toy_memory
from hippomem.types import Document, SearchResult


class Scorer:
    """A reranker that scores a text by a function, and remembers what it read."""

    def __init__(self, judge: Callable[[str], float]) -> None:
        self.judge = judge
        self.read: list[list[str]] = []

    def score(self, query: str, texts: Sequence[str]) -> NDArray[np.float64]:
        """See `Reranker.score`."""
        self.read.append(list(texts))
        return np.array([self.judge(text) for text in texts])


@pytest.fixture(scope="module")
def memory() -> Iterator[Memory]:
    """The toy memory, read only."""
    with toy_memory() as toy:
        yield toy


def ids(result: SearchResult) -> list[str]:
    """Passage ids in rank order."""
    return [hit.passage_id for hit in result]


def sound(result: SearchResult) -> None:
    """Best first, ties by passage_id, ranks from 1, no passage twice."""
    assert [(-hit.score, hit.passage_id) for hit in result] == sorted((-hit.score, hit.passage_id) for hit in result)
    assert [hit.rank for hit in result] == list(range(1, len(result) + 1))
    assert len(set(ids(result))) == len(result)


def test_the_best_come_in_the_reranker_s_order_and_the_rest_follow(memory: Memory) -> None:
    """Three of ten are read and turned round; the seven others stand as they stood, below them, at their old distances."""
    base = memory.retriever("hippomem")
    before = base.search(TOY_QUESTION)
    place = {hit.text: hit.rank for hit in before}
    scorer = Scorer(lambda text: float(place[text.partition("\n")[2]]))
    after = Reranked(base, scorer, depth=3).search(TOY_QUESTION)
    assert ids(after) == [*reversed(ids(before)[:3]), *ids(before)[3:]]
    assert [hit.score for hit in after[:3]] == [3.0, 2.0, 1.0]
    moved = 1.0 - before[2].score
    assert [hit.score for hit in after[3:]] == pytest.approx([hit.score + moved for hit in before[3:]])
    sound(after)
    assert after.retriever == "rerank+hippomem"
    assert after.note == before.note
    assert set(after.seconds) == {*before.seconds, "rerank"}


def test_reasons_stay_and_say_what_the_reranker_thought(memory: Memory) -> None:
    """Seeds, facts and path are the retriever's; the judgement is one more score, of the hits that were read only."""
    base = memory.retriever("hippomem")
    before = {hit.passage_id: hit.why for hit in base.search(TOY_QUESTION)}
    for hit in Reranked(base, Scorer(len), depth=4).search(TOY_QUESTION):
        old, why = before[hit.passage_id], hit.why
        assert old is not None
        assert why is not None
        assert (why.seeds, why.facts, why.path, why.retriever) == (old.seeds, old.facts, old.path, "rerank+hippomem")
        judged = {"rerank": float(len(f"{hit.title}\n{hit.text}"))} if hit.rank <= 4 else {}
        assert why.scores == {**old.scores, **judged}
    assert all(hit.why is None for hit in Reranked(base, Scorer(len)).search(TOY_QUESTION, explain=False))


@pytest.mark.parametrize("retriever", RETRIEVERS)
@pytest.mark.parametrize("depth", [1, 3, DEPTH])
def test_a_smaller_k_gives_a_prefix(memory: Memory, retriever: str, depth: int) -> None:
    """Whatever k is, the same hits are read: fewer hits are the first of more, with the same scores."""
    reranked = Reranked(memory.retriever(retriever), Scorer(lambda text: hash_of(text)), depth=depth)
    everything = reranked.search(TOY_QUESTION, k=100)
    sound(everything)
    for k in range(1, len(TOY_DOCUMENTS) + 1):
        fewer = reranked.search(TOY_QUESTION, k=k)
        assert [(h.passage_id, h.score) for h in fewer] == [(h.passage_id, h.score) for h in everything[:k]]


def hash_of(text: str) -> float:
    """An order that has nothing to do with the retriever's, the same in every process."""
    return float(sum(text.encode()) % 7)


@settings(max_examples=60, deadline=None)
@given(
    scores=st.lists(
        st.sampled_from([-1.0, 0.0, 1.0, 1e-300, 5e-324, 1e300, -1e300]) | st.floats(-10, 10), min_size=10, max_size=10
    ),
    depth=st.integers(1, 12),
)
def test_any_finite_scores_give_a_sound_ranking(memory: Memory, scores: list[float], depth: int) -> None:
    """With ties, in any unit, scores never rise down the list, and equal ones stand in order of passage_id."""
    by_text = dict(zip((f"{d.title}\n{d.text}" for d in TOY_DOCUMENTS), scores, strict=True))
    result = Reranked(memory.retriever("hippomem"), Scorer(by_text.__getitem__), depth=depth).search(TOY_QUESTION)
    sound(result)
    read = [by_text[f"{hit.title}\n{hit.text}"] for hit in result[:depth]]
    assert read == sorted(read, reverse=True)


def test_a_reranker_without_an_opinion_changes_nothing(memory: Memory) -> None:
    """Equal scores leave the retriever's own order."""
    base = memory.retriever("hippomem")
    assert ids(Reranked(base, Scorer(lambda text: 0.5)).search(TOY_QUESTION)) == ids(base.search(TOY_QUESTION))


def test_texts_are_title_and_text_and_equal_ones_are_read_once() -> None:
    """Title, newline, text; the text alone without a title. Equal passages keep one score and their order of id."""
    scorer = Scorer(lambda text: float("Ada" in text))
    options = RetrieverOptions(reranker=scorer)
    same = [Document("Ada made it.", title="Clock", occurred_at=f"2026-01-0{day}") for day in range(1, 5)]
    with Memory(embedder=HashEmbedder(), options=options) as of:
        of.add_many([*same, "Bob likes tea."])
        result = of.search("Who likes tea?", k=5)
    assert sorted(scorer.read[0]) == ["Bob likes tea.", "Clock\nAda made it."]
    assert len({hit.score for hit in result[:4]}) == 1
    assert ids(result)[:4] == sorted(ids(result)[:4])
    assert result[4].text == "Bob likes tea."
    sound(result)


def test_no_hit_is_no_work(memory: Memory) -> None:
    """Where nothing matched there is nothing to read."""
    scorer = Scorer(len)
    result = Reranked(memory.retriever("bm25"), scorer).search("Zyzzyva")
    assert (len(result), scorer.read, result.retriever) == (0, [], "rerank+bm25")


@pytest.mark.parametrize("scores", [[], [1.0], [1.0, float("nan")], [1.0, float("inf")], [[1.0, 2.0]]])
def test_scores_that_are_none_are_an_error(scores: list[float]) -> None:
    """A reranker that gives too few scores, or some that are no numbers, must not quietly order anything."""

    class Broken:
        def score(self, query: str, texts: Sequence[str]) -> NDArray[np.float64]:
            return np.array(scores)

    with Memory(embedder=HashEmbedder(), options=RetrieverOptions(reranker=Broken())) as of:
        of.add_many(["Ada made it.", "Bob likes tea."])
        with pytest.raises(ModelOutputError, match=r"given 2 texts .* one finite score a text"):
            of.search("tea")


def test_a_query_s_own_errors_come_first(memory: Memory) -> None:
    """k < 1 is not hidden by the depth that is asked for, nor an empty query by anything."""
    scorer = Scorer(len)
    reranked = Reranked(memory.retriever("dense"), scorer)
    with pytest.raises(RetrievalError, match="k=0 was asked for"):
        reranked.search("tea", k=0)
    with pytest.raises(EmptyQueryError):
        reranked.search(" ")
    assert scorer.read == []
    with pytest.raises(ConfigError, match="depth=0"):
        Reranked(memory.retriever("dense"), scorer, depth=0)
