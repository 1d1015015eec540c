"""IRCoT over the toy memory: which search finds what, when it stops, and what it costs."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest

from hippomem.answer.ircot import Ircot, Trace
from hippomem.answer.prompting import load_prompt
from hippomem.errors import ConfigError, EmptyQueryError, ModelAuthError, ModelError, ModelOutputError, RetrievalError
from hippomem.memory import Memory
from hippomem.models.llm import Usage
from hippomem.testing import Fault
from hippomem.testing.toy import TOY_FIRST_HOP, TOY_QUESTION, TOY_SECOND_HOP

Script = Callable[..., Any]
HOP = "The Ombra Clock was built by Tessaly Vorn."
DONE = "So the answer is: Quillmoth Island."


def sources(result: Any) -> list[str]:
    """Source ids in rank order."""
    return [hit.source_ids[0] for hit in result]


def test_only_the_thought_s_search_finds_the_second_hop(toy: Memory, script: Script) -> None:
    """BM25 does not list the answer's passage for the question; the thought names Tessaly Vorn, and then it does."""
    bm25 = toy.retriever("bm25")
    assert TOY_SECOND_HOP not in sources(bm25.search(TOY_QUESTION, k=10))
    reasoned = Ircot(bm25, script(HOP, DONE).llm).reason(TOY_QUESTION)
    # The thought's search: clock 8.652, maker 3.620, market, watch 1.224; so (3.620 - 1.224) / (8.652 - 1.224).
    assert sources(reasoned.result)[:4] == [TOY_FIRST_HOP, "watch", "birth", TOY_SECOND_HOP]
    assert reasoned.result[3].score == pytest.approx(0.3226, abs=1e-3)
    assert reasoned.trace.queries == (TOY_QUESTION, HOP)


def test_a_hit_tells_which_step_found_it(toy: Memory, script: Script) -> None:
    """The reasons are those of the search that won, and the note names step and thought."""
    result = Ircot(toy.retriever("bm25"), script(HOP, DONE).llm).search(TOY_QUESTION)
    by_source = {hit.source_ids[0]: hit.why for hit in result}
    assert by_source[TOY_SECOND_HOP] is not None
    assert by_source[TOY_SECOND_HOP].note == f"found in step 2, rank 2, by the thought “{HOP}”"
    assert by_source["birth"] is not None
    assert by_source["birth"].note.startswith("found in step 1, rank ")
    assert by_source["birth"].note.endswith(" by the question")
    assert by_source[TOY_SECOND_HOP].retriever == "bm25"


def test_it_is_a_retriever(toy: Memory, script: Script) -> None:
    """Name, query, ranks from 1, scores falling within [0, 1], each passage once, at most k, no reasons unless asked."""
    ircot = Ircot(toy.retriever("hippomem"), script(HOP, DONE).llm)
    result = ircot.search(TOY_QUESTION, k=4, explain=False)
    assert (ircot.name, result.retriever, result.query) == ("ircot+hippomem", "ircot+hippomem", TOY_QUESTION)
    assert [hit.rank for hit in result] == [1, 2, 3, 4]
    assert all(1.0 >= a.score >= b.score >= 0.0 for a, b in itertools.pairwise(result))
    assert len({hit.passage_id for hit in result}) == 4
    assert [hit.why for hit in result] == [None] * 4
    assert {"encode", "walk", "think"} <= result.seconds.keys()


@pytest.mark.parametrize("k", [1, 3, 5, 10])
def test_a_smaller_k_is_a_prefix(toy: Memory, script: Script, k: int) -> None:
    """How many passages are asked for changes neither thoughts nor order, also when k exceeds a search's candidates."""

    def ranked(k: int) -> list[str]:
        return sources(
            Ircot(toy.retriever("hippomem"), script(HOP, DONE).llm, step_passages=4).search(TOY_QUESTION, k=k)
        )

    assert ranked(k) == ranked(10)[:k]


@pytest.mark.parametrize(
    ("said", "max_steps", "thoughts", "searches", "stop"),
    [
        ([DONE], 4, 1, 1, "answered"),
        ([HOP, "SO  THE ANSWER IS: there."], 4, 2, 2, "answered"),
        ([HOP, "the ombra clock was built by Tessaly Vorn"], 4, 2, 2, "repeated"),
        ([HOP, "Tessaly Vorn kept bees.", "She was born."], 4, 3, 4, "steps"),
        ([HOP], 2, 1, 2, "steps"),
        ([], 1, 0, 1, "steps"),
    ],
)
def test_when_it_stops(
    toy: Memory, script: Script, said: list[str], max_steps: int, thoughts: int, searches: int, stop: str
) -> None:
    """At the answer in any case and spacing, at a thought that comes again, or when the searches are used up."""
    model = script(*said)
    trace = Ircot(toy.retriever("bm25"), model.llm, max_steps=max_steps).reason(TOY_QUESTION).trace
    assert (len(trace.thoughts), len(trace.queries), trace.stop) == (thoughts, searches, stop)
    assert len(model.asked()) == thoughts


@pytest.mark.parametrize(
    "output",
    [
        f"{HOP} Tessaly Vorn lives in Rome. So the answer is: Rome.",
        f"<think>Who? So the answer is: Rome.</think>\n{HOP}\n",
    ],
)
def test_only_the_first_sentence_counts(toy: Memory, script: Script, output: str) -> None:
    """What a model adds before it has searched, and its thinking aloud, neither stop the search nor become a query."""
    trace = Ircot(toy.retriever("bm25"), script(output).llm, max_steps=2).reason(TOY_QUESTION).trace
    assert (trace.thoughts, trace.queries, trace.stop) == ((HOP,), (TOY_QUESTION, HOP), "steps")


def test_the_model_sees_the_question_the_passages_and_its_thoughts(toy: Memory, script: Script) -> None:
    """Instruction and one demonstration, then what was found so far as JSON lines, the question, and thoughts in order."""
    model = script(HOP, DONE)
    Ircot(toy.retriever("bm25"), model.llm).search(TOY_QUESTION)
    first, second = model.asked()
    assert [message["role"] for message in first] == ["system", "user", "assistant", "user"]
    assert first[:3] == second[:3] == list(load_prompt("next_thought"))
    assert "(none yet)" in first[-1]["content"]
    assert "Tessaly Vorn grew up" not in first[-1]["content"]
    lines = second[-1]["content"].splitlines()
    assert f"Question: {TOY_QUESTION}" in lines
    assert lines[-2:] == ["Thoughts so far:", HOP]
    assert any(json.loads(line)["title"] == "Tessaly Vorn" for line in lines if line.startswith("{"))


def test_tokens_add_up(toy: Memory, script: Script) -> None:
    """The trace's usage is the sum over its thoughts, which is all that the model counted."""
    model = script(HOP, "Tessaly Vorn kept bees.", DONE)
    trace = Ircot(toy.retriever("bm25"), model.llm).reason(TOY_QUESTION).trace
    words = sum(len(thought.split()) for thought in trace.thoughts)
    assert trace.usage == model.llm.usage
    assert (trace.usage.calls, trace.usage.completion_tokens) == (3, words)
    assert trace.usage.prompt_tokens > 3 * words


@pytest.mark.parametrize(
    ("faults", "error"),
    [
        ((Fault.refused_key(),), ModelAuthError),
        ((None, *[Fault.failed()] * 3), ModelError),
        ((None, Fault.wrong_types(" \n")), ModelOutputError),
        ((None, Fault.wrong_types("<think>Well, the clock")), ModelOutputError),
        ((Fault.empty_choices(),), ModelOutputError),
    ],
)
def test_a_model_that_fails_is_an_error(
    toy: Memory, script: Script, faults: tuple[Fault | None, ...], error: type[ModelError]
) -> None:
    """Never a shorter chain or an empty result, whichever thought it is that fails."""
    with pytest.raises(error):
        Ircot(toy.retriever("bm25"), script(HOP, DONE, faults=faults).llm).search(TOY_QUESTION)


def test_a_rate_limit_that_passes_leaves_no_mark(toy: Memory, script: Script) -> None:
    """A 429 and then a proper answer: the same chain as without."""
    model = script(HOP, DONE, faults=(Fault.rate_limited(0),))
    trace = Ircot(toy.retriever("bm25"), model.llm).reason(TOY_QUESTION).trace
    assert trace == Trace((HOP, DONE), (TOY_QUESTION, HOP), "answered", trace.usage)
    assert trace.usage.calls == 2


def test_questions_and_numbers_are_checked_before_anything_is_asked(toy: Memory, script: Script) -> None:
    """No word, no passage, no step: errors, and no request."""
    model = script()
    with pytest.raises(EmptyQueryError):
        Ircot(toy.retriever("bm25"), model.llm).search("  ")
    with pytest.raises(RetrievalError):
        Ircot(toy.retriever("bm25"), model.llm).search("clock", k=0)
    for wrong in ({"max_steps": 0}, {"step_passages": 0}):
        with pytest.raises(ConfigError, match="at least 1"):
            Ircot(toy.retriever("bm25"), model.llm, **wrong)
    assert model.asked() == []


def test_a_trace_is_json(toy: Memory, script: Script) -> None:
    """Plain types under the field names."""
    trace = Ircot(toy.retriever("bm25"), script(DONE).llm).reason(TOY_QUESTION).trace
    assert json.loads(json.dumps(trace.to_dict())) == {
        "thoughts": [DONE],
        "queries": [TOY_QUESTION],
        "stop": "answered",
        "usage": Usage(trace.usage.prompt_tokens, len(DONE.split()), 1).to_dict(),
    }
