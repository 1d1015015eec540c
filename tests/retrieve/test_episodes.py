"""Conversations: a turn is found by what was said around it, by who said it and by when, and no other text is touched."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from hippomem.memory import Memory
from hippomem.retrieve.hippomem import HippoMem
from hippomem.retrieve.lexical import K1, B
from hippomem.retrieve.weights import Weights
from hippomem.retrieve.wording import Wording
from hippomem.testing import HashEmbedder
from hippomem.text.dates import date_words
from hippomem.text.fold import normalise, tokenize
from hippomem.text.words import terms
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


def wording(memory: Memory) -> tuple[Wording, dict[str, int]]:
    """The lexical side of a memory, and the place of each passage by source id."""
    retriever = memory.retriever("hippomem")
    assert isinstance(retriever, HippoMem)
    picture = retriever._picture
    keys = dict(
        memory.store.db.execute(
            "SELECT source_id, passage_key FROM sources JOIN passages USING (memory_key)"
        ).fetchall()
    )
    places = picture.passage_places(keys.values())
    return Wording(picture), {source: places[key] for source, key in keys.items()}


def counted(memory: Memory, word: str) -> dict[str, float]:
    """How often each turn counts as holding a word, found again from its share of BM25."""
    of, places = wording(memory)
    a = of.picture.arrays
    _, shares = of.share(of.query(tokenize(normalise(word))), len(places))
    mean = np.mean([a.spread_length[place] for place in places.values()])
    found = {}
    for source, place in places.items():
        saturation = K1 * (1 - B + B * a.spread_length[place] / mean)
        found[source] = float(shares[place] * saturation / (1 - shares[place]))
    return found


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
    assert counted(chat, "goats") == pytest.approx({"0": 1.0, "1": 0.6, "2": 0.35, "3": 0.0, "4": 0.0, "5": 0.0})
    # And backwards, for a word of turn 2: a quarter to the turn before, an eighth to the one before that.
    assert counted(chat, "weather") == pytest.approx({"0": 0.225, "1": 0.35, "2": 1.0, "3": 0.0, "4": 0.0, "5": 0.0})


def test_lengths_spread_by_hand(chat: Memory) -> None:
    """A turn is as long as what counts for it: its own terms, and in the same shares those around it, in fortieths."""
    of, places = wording(chat)
    a = of.picture.arrays
    own = {source: int(a.length[place]) for source, place in places.items()}
    # Ada, the speaker, is the title; "2026-03-01T09:00" adds its words to each turn.
    assert own["0"] == len(terms(f"Ada {TURNS[0][3]} {date_words(TURNS[0][1])}"))
    spread = {source: int(a.spread_length[place]) for source, place in places.items()}
    assert spread["0"] == 40 * own["0"] + (10 + 4) * own["1"] + (5 + 4) * own["2"]
    assert spread["1"] == 40 * own["1"] + (20 + 4) * own["0"] + (10 + 4) * own["2"]
    assert spread["2"] == 40 * own["2"] + (20 + 4) * own["1"] + (10 + 4) * own["0"]
    assert all(a.in_episode[place] for place in places.values())


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
        a = retriever._picture.arrays
        assert not a.in_episode.any()
        assert (a.spread_length == 40 * a.length).all()
        for query in ("What do goats eat?", "Who owns a kayak?"):
            assert [(h.passage_id, h.score) for h in retriever.search(query)] == [
                (h.passage_id, h.score) for h in plain.search(query)
            ]
