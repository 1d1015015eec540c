"""Conversations: a turn is found by what was said around it, by who said it and by when, and no other text is touched."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from hippomem.memory import Memory
from hippomem.retrieve.hippomem import HippoMem
from hippomem.retrieve.lexical import Lexicon
from hippomem.retrieve.weights import Weights
from hippomem.testing import HashEmbedder
from hippomem.types import Document

#: Two sessions. The reply "Oats, mostly." says nothing by itself: the question before it says what it is about.
TURNS = [
    ("s1", "2026-03-01T09:00", "Ada", "What do you feed the goats in winter?"),
    ("s1", "2026-03-01T09:00", "Ben", "Oats, mostly."),
    ("s1", "2026-03-01T09:00", "Ada", "Nice weather for a walk."),
    ("s2", "2026-05-09T18:00", "Ben", "The ferry was late again."),
    ("s2", "2026-05-09T18:00", "Ada", "I bought a red kayak today."),
    ("s2", "2026-05-09T18:00", "Ben", "I bought a blue kayak as well."),
]


def conversation() -> Memory:
    """The turns above, as a chat log is stored."""
    memory = Memory(embedder=HashEmbedder(dimension=256))
    memory.add_many(
        Document(text, title=speaker, source_id=str(i), session=session, speaker=speaker, position=i, occurred_at=when)
        for i, (session, when, speaker, text) in enumerate(TURNS)
    )
    return memory


@pytest.fixture(scope="module")
def chat() -> Iterator[Memory]:
    """The conversation, read only."""
    with conversation() as memory:
        yield memory


def lexicon(memory: Memory) -> tuple[Lexicon, list[str]]:
    """The lexical side of a memory, and the source id of each passage."""
    retriever = memory.retriever("hippomem")
    assert isinstance(retriever, HippoMem)
    ids = [memory.get(passage).sources[0].source_id or "" for passage in retriever._index.passage_ids]
    return Lexicon.of(retriever._index), ids


def test_a_reply_is_found_by_the_question_before_it(chat: Memory) -> None:
    """The reply shares no word with the question, but those of the turn before reach it; BM25 alone does not find it."""
    found = [hit.source_ids[0] for hit in chat.search("What do the goats eat in winter?", k=3)]
    assert found[0] == "0"
    assert "1" in found
    assert "1" not in [
        hit.source_ids[0] for hit in chat.search("What do the goats eat in winter?", k=6, retriever="bm25")
    ]


def test_words_spread_by_hand(chat: Memory) -> None:
    """The word goats stands once, in turn 0: turn 1 gets ½ + 0.1, turn 2 ¼ + 0.1, the other session nothing."""
    of, ids = lexicon(chat)
    assert of.episodes is not None
    counts = np.zeros((len(ids), 1))
    counts[ids.index("0")] = 1.0
    spread = dict(zip(ids, of.episodes.spread(counts).ravel(), strict=True))
    assert spread == pytest.approx({"0": 1.0, "1": 0.6, "2": 0.35, "3": 0.0, "4": 0.0, "5": 0.0})
    counts[:] = 0.0
    counts[ids.index("2")] = 2.0  # and backwards: a quarter to the turn before, an eighth to the one before that
    spread = dict(zip(ids, of.episodes.spread(counts).ravel(), strict=True))
    assert spread == pytest.approx({"0": 0.45, "1": 0.7, "2": 2.0, "3": 0.0, "4": 0.0, "5": 0.0})


def test_a_day_finds_what_was_said_on_it(chat: Memory) -> None:
    """The date is in no turn's text; a question that names it finds the session."""
    days = {hit.occurred_at for hit in chat.search("What happened on May 9?", k=3)}
    assert days == {"2026-05-09T18:00"}


def test_who_said_it_decides_between_equal_turns(chat: Memory) -> None:
    """Both bought a kayak; the one whom the question names comes first."""
    assert chat.search("Which kayak did Ada buy?", k=1)[0].source_ids == ("4",)
    assert chat.search("Which kayak did Ben buy?", k=1)[0].source_ids == ("5",)


def test_text_without_time_is_left_alone() -> None:
    """Passages that are no episodes score the same with and without the parts for episodes."""
    with Memory(embedder=HashEmbedder(dimension=64)) as memory:
        memory.add_many(
            ["The goats eat oats.", "A ferry crosses the bay.", "Kayaks are boats.", "Oats grow in fields."]
        )
        retriever = memory.retriever("hippomem")
        assert isinstance(retriever, HippoMem)
        plain = retriever.variant(Weights().without("episode"))
        assert Lexicon.of(retriever._index).episodes is None
        for query in ("What do goats eat?", "Who owns a kayak?"):
            assert [(h.passage_id, h.score) for h in retriever.search(query)] == [
                (h.passage_id, h.score) for h in plain.search(query)
            ]
