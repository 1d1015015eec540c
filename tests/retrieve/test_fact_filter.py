"""Recognition memory over real HTTP: which facts a model keeps, and what it may answer instead."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hippomem.errors import ModelAuthError, ModelError, ModelOutputError
from hippomem.memory import Memory
from hippomem.models.llm import OpenAIChat
from hippomem.retrieve.hipporag2 import HippoRag2
from hippomem.retrieve.index import load_index
from hippomem.retrieve.recognition import KEEP_AT_MOST, LlmFactFilter
from hippomem.testing import Fault, HashEmbedder, LoopbackServer
from hippomem.types import Triple

FACTS = [
    Triple("Ada", "lives in", "Rome"),
    Triple("Rome", "lies on", "the Tiber"),
    Triple("北京", "位于", "中国"),
    Triple("Ada", "wrote", "the first program"),
    Triple("Bob", "likes", "tea"),
]


def chat(server: LoopbackServer) -> OpenAIChat:
    """A client that waits for nothing."""
    return OpenAIChat("loopback", server.base_url, sleep=lambda seconds: None, max_retries=1)


def kept(answer: str, *faults: Fault) -> list[int]:
    """What the filter keeps of the facts when the model answers so."""
    with LoopbackServer(lambda messages: answer, faults=faults) as server, chat(server) as llm:
        return LlmFactFilter(llm).keep("Where does Ada live?", FACTS)


def said(*facts: list[Any]) -> str:
    """A model's answer."""
    return json.dumps({"fact": facts}, ensure_ascii=False)


def test_kept_facts_in_the_model_s_order() -> None:
    """Positions of the facts named, best first, each once."""
    answer = said(["北京", "位于", "中国"], ["Ada", "lives in", "Rome"], ["北京", "位于", "中国"])
    assert kept(answer) == [2, 0]


def test_a_reworded_fact_counts_as_the_nearest() -> None:
    """A model that writes a fact in slightly other words means the candidate nearest to it."""
    assert kept(said(["ada", "is living in", "Rome"], ["Rome", "lies on", "Tiber"])) == [0, 1]


def test_nothing_may_be_kept() -> None:
    """An empty list is an answer."""
    assert kept(said()) == []


def test_no_more_than_four_are_kept() -> None:
    """As in HippoRAG 2, whatever the model says."""
    assert kept(said(*([f.subject, f.predicate, f.object] for f in FACTS))) == list(range(KEEP_AT_MOST))


def test_prose_and_fences_do_not_hide_the_answer() -> None:
    """Small talk around the JSON is read through; so is a server without structured output."""
    answer = said(["Ada", "lives in", "Rome"])
    assert kept(answer, Fault.prose_around_json()) == [0]
    assert kept(answer, Fault.no_structured_output(), Fault.no_structured_output()) == [0]


@pytest.mark.parametrize(
    "answer", ["I cannot.", "[]", '{"fact": "Ada"}', '{"facts": []}', '{"fact": null}', "{}", '"fact"']
)
def test_an_answer_without_a_list_is_an_error_not_nothing(answer: str) -> None:
    """What is no answer must not look like "no fact helps"."""
    with pytest.raises(ModelOutputError):
        kept(answer)


def test_the_question_and_the_facts_are_in_the_prompt() -> None:
    """The model sees each candidate as a JSON list, in its own script."""
    with LoopbackServer(lambda messages: said()) as server, chat(server) as llm:
        LlmFactFilter(llm).keep("Where does Ada live?", FACTS)
        asked = server.requests[0].body["messages"][-1]["content"]
    assert "Question: Where does Ada live?" in asked
    assert '["北京", "位于", "中国"]' in asked


@pytest.mark.parametrize(
    ("fault", "error"),
    [(Fault.refused_key(), ModelAuthError), (Fault.failed(), ModelError), (Fault.wrong_types("no"), ModelOutputError)],
)
def test_a_search_whose_filter_breaks_is_an_error_not_a_lower_score(fault: Fault, error: type[ModelError]) -> None:
    """A model that fails raises through the search; it never becomes a quiet fall back to dense ranking."""
    with (
        LoopbackServer(lambda messages: said(), faults=lambda request: fault) as server,
        chat(server) as llm,
        Memory(embedder=HashEmbedder()) as memory,
    ):
        memory.add("Ada lives in Rome.")
        retriever = HippoRag2(
            memory.store, load_index(memory.store, "default"), HashEmbedder(), fact_filter=LlmFactFilter(llm)
        )
        with pytest.raises(error):
            retriever.search("Where does Ada live?")


def test_a_search_with_a_filter_end_to_end() -> None:
    """Sentences are shown to the model as (title, "states", sentence); what it keeps is where the walk starts."""

    def first_only(messages: list[dict[str, Any]]) -> str:
        line = next(line for line in str(messages[-1]["content"]).splitlines() if "Tessaly" in line)
        return json.dumps({"fact": [json.loads(line)]})

    with (
        LoopbackServer(first_only) as server,
        chat(server) as llm,
        Memory(embedder=HashEmbedder()) as memory,
    ):
        memory.add("Tessaly Vorn built the Ombra Clock.", title="Ombra Clock", source_id="clock")
        memory.add("A clock is a clock.", title="Clocks", source_id="other")
        retriever = HippoRag2(
            memory.store, load_index(memory.store, "default"), HashEmbedder(), fact_filter=LlmFactFilter(llm)
        )
        result = retriever.search("Who built the clock?")
        assert result[0].source_ids == ("clock",)
        assert result[0].why is not None
        assert {seed.name for seed in result[0].why.seeds if seed.kind == "entity"} == {"Ombra Clock", "Tessaly Vorn"}
