"""Trails: from the question over sentences and names to the passage that states the answer, without a model."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from hippomem.answer.reader import Answer
from hippomem.answer.trail import Trail
from hippomem.errors import ConfigError, EmptyQueryError, ModelError, RetrievalError
from hippomem.memory import Memory
from hippomem.models.llm import OpenAIChat
from hippomem.testing import Fault, HashEmbedder, LoopbackServer
from hippomem.testing.toy import TOY_DOCUMENTS, TOY_FIRST_HOP, TOY_QUESTION, TOY_SECOND_HOP, toy_memory
from hippomem.types import Document

Script = Callable[..., Any]


def small(*documents: Document) -> Memory:
    """A memory of a few documents."""
    memory = Memory(embedder=HashEmbedder())
    memory.add_many(documents)
    return memory


def led(trail: Trail) -> list[tuple[str, str, int | None]]:
    """(source, name that leads there, step that it leads from) of each step."""
    return [(step.source_ids[0], step.joined_by, step.after) for step in trail.steps]


def test_the_trail_leads_from_the_question_to_the_answer(toy: Memory) -> None:
    """The clock, which the question names; over its maker's name; to the maker's passage, with the sentence that joins."""
    trail = toy.answer(TOY_QUESTION)
    assert led(trail) == [(TOY_FIRST_HOP, "", None), (TOY_SECOND_HOP, "Tessaly Vorn", 0)]
    assert trail.steps[0].sentence == "The Ombra Clock in Harrowmere was built by Tessaly Vorn."
    assert [step.title for step in trail.steps] == ["Ombra Clock", "Tessaly Vorn"]
    assert trail.question == trail.retrieval.query == TOY_QUESTION


@pytest.mark.parametrize("retriever", ["hippomem", "hipporag1", "hipporag2", "dense", "bm25"])
def test_every_step_is_found_and_quoted(toy: Memory, retriever: str) -> None:
    """Over any retriever: distinct passages among the hits, each quoted in its own words, joined to an earlier step."""
    found = {hit.passage_id: hit for hit in toy.search(TOY_QUESTION, k=10, retriever=retriever)}
    trail = toy.answer(TOY_QUESTION, retriever=retriever)
    assert len({step.passage_id for step in trail.steps}) == len(trail.steps) >= 1
    for number, step in enumerate(trail.steps):
        assert step.sentence in found[step.passage_id].text
        assert -1.0 <= step.score <= 1.0
        assert (step.after is None) == (step.joined_by == "")
        assert step.after is None or step.after < number


def test_a_name_that_the_question_gives_leads_nowhere() -> None:
    """Two passages that merely name what was asked about are no two hops; the one that leads on is."""
    with small(
        Document("The Ombra Clock was built by Tessaly Vorn.", title="Ombra Clock", source_id="clock"),
        Document("Market day is loud when the Ombra Clock strikes.", title="Market day", source_id="noise"),
        Document("Tessaly Vorn grew up on Quillmoth Island.", title="Tessaly Vorn", source_id="maker"),
    ) as memory:
        assert led(memory.answer("Where did the builder of the Ombra Clock grow up?")) == [
            ("clock", "", None),
            ("maker", "Tessaly Vorn", 0),
        ]


def test_a_comparison_has_two_starts() -> None:
    """Both things that a question compares are steps, and neither leads to the other."""
    with small(
        Document("Alder Mill was opened in 1821.", title="Alder Mill", source_id="a"),
        Document("Birch Mill was opened in 1850.", title="Birch Mill", source_id="b"),
        Document("Rain fell on the hills.", title="Weather", source_id="c"),
    ) as memory:
        trail = memory.answer("Which was opened first, Alder Mill or Birch Mill?")
    assert sorted(led(trail)) == [("a", "", None), ("b", "", None)]


def test_no_match_is_an_empty_trail() -> None:
    """An empty memory, and a search that finds nothing, lead nowhere; that is no error."""
    with Memory(embedder=HashEmbedder()) as empty:
        assert empty.answer("who?").steps == ()
    with toy_memory() as toy:
        assert toy.answer("zyzzyva", retriever="bm25").steps == ()


def test_what_is_forgotten_is_on_no_trail() -> None:
    """A trail is found in the memory as it is now: without the clock's passage nothing leads to its maker."""
    with toy_memory() as toy:
        assert TOY_SECOND_HOP in [source for source, *_ in led(toy.answer(TOY_QUESTION))]
        toy.forget(TOY_FIRST_HOP)
        assert all(name != "Tessaly Vorn" for _, name, _ in led(toy.answer(TOY_QUESTION)))
        toy.add_many(TOY_DOCUMENTS)
        assert led(toy.answer(TOY_QUESTION))[-1] == (TOY_SECOND_HOP, "Tessaly Vorn", 0)


def test_a_trail_is_json(toy: Memory) -> None:
    """Plain types; the search is held to k hits however many the trail was found among."""
    trail = toy.answer(TOY_QUESTION, k=1)
    told = json.loads(json.dumps(trail.to_dict()))
    assert (told["kind"], len(told["steps"]), len(told["retrieval"]["hits"])) == ("trail", 2, 1)
    assert told["steps"][1]["joined_by"] == "Tessaly Vorn"


def test_with_an_llm_the_memory_answers_in_words(toy: Memory, script: Script) -> None:
    """One search and one call; the passages read are the k best."""
    model = script("Thought: She grew up there.\nAnswer: Quillmoth Island")
    answer = toy.answer(TOY_QUESTION, llm=model.llm, k=2)
    assert isinstance(answer, Answer)
    assert (answer.text, answer.usage.calls, answer.trace) == ("Quillmoth Island", 1, None)
    assert [hit.source_ids[0] for hit in answer.passages] == [TOY_FIRST_HOP, TOY_SECOND_HOP]


def test_with_steps_it_thinks_between_searches_first(toy: Memory, script: Script) -> None:
    """IRCoT, then the reader: the trace tells the thoughts, and all calls are in the usage."""
    model = script("The Ombra Clock was built by Tessaly Vorn.", "So the answer is: there.", "Answer: Quillmoth Island")
    answer = toy.answer(TOY_QUESTION, llm=model.llm, steps=4, retriever="bm25")
    assert answer.text == "Quillmoth Island"
    assert answer.trace is not None
    assert answer.trace.stop == "answered"
    assert TOY_SECOND_HOP in [hit.source_ids[0] for hit in answer.passages]
    assert (answer.usage, answer.usage.calls) == (model.llm.usage, 3)
    assert json.loads(json.dumps(answer.to_dict()))["trace"]["stop"] == "answered"


def test_others_are_let_in_while_the_model_thinks(toy: Memory) -> None:
    """The memory is not locked between its searches: the model's own thread can ask it meanwhile."""

    def chat(messages: list[dict[str, Any]]) -> str:
        return f"Answer: {toy.search('bees', retriever='bm25')[0].title}"

    with LoopbackServer(chat) as server, OpenAIChat("loopback", server.base_url, timeout=5.0, max_retries=0) as llm:
        assert toy.answer(TOY_QUESTION, llm=llm).text == "Tessaly Vorn"


def test_a_broken_model_is_an_error_not_a_trail(toy: Memory, script: Script) -> None:
    """Who asked for words gets words or an error."""
    with pytest.raises(ModelError):
        toy.answer(TOY_QUESTION, llm=script(faults=(Fault.refused_key(),)).llm)


def test_what_cannot_be_asked_is_refused(toy: Memory, script: Script) -> None:
    """An empty question, k < 1, no search at all, and thoughts without a model."""
    llm = script().llm
    for asked, error in (
        (lambda: toy.answer(" "), EmptyQueryError),
        (lambda: toy.answer(" ", llm=llm), EmptyQueryError),
        (lambda: toy.answer("clock", k=0), RetrievalError),
        (lambda: toy.answer("clock", k=0, llm=llm), RetrievalError),
        (lambda: toy.answer("clock", steps=0, llm=llm), ConfigError),
        (lambda: toy.answer("clock", steps=2), ConfigError),
        (lambda: toy.answer("clock", retriever="oracle"), ConfigError),
    ):
        with pytest.raises(error):
            asked()
