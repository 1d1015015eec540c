"""The names in a query by an LLM, over real HTTP: what counts as an answer, and what does not."""

from __future__ import annotations

import json

import pytest

from hippomem.errors import ModelAuthError, ModelError, ModelOutputError, ModelUnavailableError
from hippomem.models.llm import OpenAIChat
from hippomem.retrieve.query_entities import LlmQueryEntities
from hippomem.testing import Fault, LoopbackServer

QUERY = "Where was the maker of the Ombra Clock born?"


def names(answer: str, *faults: Fault) -> list[str]:
    """What is found when the model answers so."""
    with (
        LoopbackServer(lambda messages: answer, faults=faults) as server,
        OpenAIChat("loopback", server.base_url, sleep=lambda seconds: None, max_retries=1) as llm,
    ):
        return LlmQueryEntities(llm)(QUERY)


def test_names_come_as_keys_each_once_in_the_model_s_order() -> None:
    """Folded in any script; two writings of one name are one, and what folds to nothing is none."""
    answer = json.dumps({"entities": ["Ombra  Clock", "北京", "OMBRA CLOCK's", "***", "", 1931]})
    assert names(answer) == ["ombra clock", "北京", "1931"]


def test_a_query_may_name_nothing() -> None:
    """An empty list is an answer."""
    assert names('{"entities": []}') == []


def test_hipporag_s_word_for_the_list_will_do() -> None:
    """Models that know HippoRAG's prompt call it named_entities."""
    assert names('{"named_entities": ["Ombra Clock"]}') == ["ombra clock"]


def test_prose_and_servers_without_schemas_do_not_hide_the_answer() -> None:
    """Small talk around the JSON is read through; items of another type are left out of a list that has names."""
    answer = '{"entities": ["Ombra Clock", null, {"name": "x"}, true]}'
    assert names(answer, Fault.prose_around_json()) == ["ombra clock"]
    assert names(answer, Fault.no_structured_output(), Fault.no_structured_output()) == ["ombra clock"]


@pytest.mark.parametrize(
    "answer",
    ["I cannot.", '["Ombra Clock"]', "{}", '{"entities": "Ombra Clock"}', '{"entities": null}',
     '{"entities": [null, {"name": "Ombra Clock"}]}', '{"names": ["Ombra Clock"]}'],
)  # fmt: skip
def test_an_answer_without_a_list_of_names_is_an_error_not_nothing(answer: str) -> None:
    """What is no answer must not look like "the query names nothing"."""
    with pytest.raises(ModelOutputError):
        names(answer)


@pytest.mark.parametrize(
    ("fault", "error"), [(Fault.failed(), ModelUnavailableError), (Fault.refused_key(), ModelAuthError)]
)
def test_a_model_that_fails_for_good_is_a_model_error(fault: Fault, error: type[ModelError]) -> None:
    """After all retries the failure is raised."""
    with pytest.raises(error):
        names("{}", fault, fault)


def test_the_query_and_a_strict_schema_are_sent() -> None:
    """The model sees the query as it was asked, and the form of its answer as a schema."""
    with LoopbackServer(lambda messages: '{"entities": []}') as server, OpenAIChat("m", server.base_url) as llm:
        LlmQueryEntities(llm)("谁制造了时钟？")
        body = server.requests[0].body
    assert body["messages"][-1]["content"] == "Question: 谁制造了时钟？"
    assert body["response_format"]["json_schema"]["schema"]["required"] == ["entities"]
