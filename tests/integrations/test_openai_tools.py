"""The tools as the OpenAI client types them, called by a model behind a real server on loopback."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai import OpenAI, pydantic_function_tool
from openai.types.chat import ChatCompletionFunctionToolParam
from openai.types.responses import FunctionToolParam
from pydantic import BaseModel, ConfigDict, TypeAdapter

from hippomem import Memory
from hippomem.integrations.openai_tools import acall, call, tools
from hippomem.testing import Fault, HashEmbedder, LoopbackServer, RecordedRequest


class remember(BaseModel):  # noqa: N801
    """As the client itself would describe it."""

    text: str
    occurred_at: str | None
    replaces: list[str] | None


class recall(BaseModel):  # noqa: N801
    """The same."""

    query: str
    since: str | None
    until: str | None


class forget(BaseModel):  # noqa: N801
    """The same."""

    memory_ids: list[str]


def shape(schema: Any) -> Any:
    """A JSON schema without its words, unions of types written in one way."""
    if isinstance(schema, list):
        return [shape(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "anyOf" in schema:
        merged: dict[str, Any] = {}
        for each in schema["anyOf"]:
            merged |= {key: value for key, value in each.items() if key != "type"}
        return shape(merged | {"type": [each["type"] for each in schema["anyOf"]]})
    return {key: shape(value) for key, value in schema.items() if key not in ("title", "description")}


def test_the_client_takes_the_tools_as_they_are() -> None:
    """They are what its types say, strictly, and what it makes of pydantic models of the same arguments."""
    chat = TypeAdapter(list[ChatCompletionFunctionToolParam], config=ConfigDict(extra="forbid"))
    assert chat.validate_python(tools(), strict=True) == tools()
    responses = TypeAdapter(list[FunctionToolParam], config=ConfigDict(extra="forbid"))
    assert responses.validate_python(tools("responses"), strict=True) == tools("responses")
    for tool, model in zip(tools(), (remember, recall, forget), strict=True):
        theirs: Any = pydantic_function_tool(model)
        assert tool["function"]["name"] == theirs["function"]["name"]
        assert shape(tool["function"]["parameters"]) == shape(theirs["function"]["parameters"])
        assert tool["function"]["strict"] is theirs["function"]["strict"] is True
    assert [tool["name"] for tool in tools("responses")] == ["remember", "recall", "forget"]


class Model:
    """A model behind the loopback server: it says in turn what it was given, each a list of tool calls or a text."""

    def __init__(self, *turns: list[tuple[str, Any]] | str) -> None:
        self.turns = list(turns)

    def chat(self, request: RecordedRequest) -> Fault:
        """The answer of chat completions."""
        turn = self.turns.pop(0)

        def answer(proper: dict[str, Any]) -> dict[str, Any]:
            message = proper["choices"][0]["message"]
            if isinstance(turn, str):
                message["content"] = turn
                return proper
            proper["choices"][0]["finish_reason"] = "tool_calls"
            message["tool_calls"] = [
                {"id": f"call-{n}", "type": "function", "function": {"name": name, "arguments": json.dumps(given)}}
                for n, (name, given) in enumerate(turn)
            ]
            return proper

        return Fault(answer=answer)

    def respond(self, request: RecordedRequest) -> Fault:
        """The answer of responses."""
        turn = self.turns.pop(0)
        if isinstance(turn, str):
            parts = [{"type": "output_text", "text": turn, "annotations": []}]
            output = [{"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": parts}]
        else:
            output = [
                {
                    "type": "function_call",
                    "id": f"f{n}",
                    "call_id": f"call-{n}",
                    "name": name,
                    "arguments": json.dumps(given),
                }
                for n, (name, given) in enumerate(turn)
            ]
        return Fault.raw(
            {"id": "r", "object": "response", "created_at": 0, "model": "loopback", "output": output, "tools": []}
            | {"parallel_tool_calls": True, "tool_choice": "auto", "status": "completed"}
        )


def chat(client: OpenAI, memory: Memory, said: str) -> list[dict[str, Any]]:
    """The loop that a program writes around chat completions; returns all messages."""
    messages: list[Any] = [{"role": "user", "content": said}]
    while True:
        made: Any = tools()
        message = client.chat.completions.create(model="loopback", messages=messages, tools=made).choices[0].message
        messages.append(message.model_dump(exclude_none=True))
        if not message.tool_calls:
            return messages
        for each in message.tool_calls:
            assert each.type == "function"
            text = call(memory, each.function.name, each.function.arguments, user="anna")
            messages.append({"role": "tool", "tool_call_id": each.id, "content": text})


@pytest.fixture
def sky(memory: Memory) -> Memory:
    memory.add("Anna works at Gull Rock Observatory.", user="anna", occurred_at="2026-01-10")
    memory.add("Bo works in Port Ellery.", user="bo")
    return memory


def test_a_model_remembers_and_recalls_through_chat_completions(sky: Memory) -> None:
    """The server is sent the tools and their answers; the memory holds what the model said, as the user's."""
    model = Model(
        [
            ("remember", {"text": "Anna moved to Rome.", "occurred_at": "2026-05-02", "replaces": None}),
            ("recall", {"query": "Where does Anna work?", "since": None, "until": None}),
        ],
        "At Gull Rock Observatory.",
    )
    with (
        LoopbackServer(faults=model.chat) as server,
        OpenAI(api_key="x", base_url=server.base_url, max_retries=0) as client,
    ):
        messages = chat(client, sky, "I moved to Rome yesterday. Where do I work?")
        assert [each["function"]["name"] for each in server.requests[0].body["tools"]] == [
            "remember",
            "recall",
            "forget",
        ]
        assert [m["role"] for m in server.requests[1].body["messages"]] == ["user", "assistant", "tool", "tool"]
    moved = sky.search("Rome", k=1)[0]
    assert messages[2]["content"] == f"Remembered as {moved.memory_id}."
    assert (moved.occurred_at, moved.sources[0].user) == ("2026-05-02", "anna")
    assert "Anna works at Gull Rock Observatory." in messages[3]["content"]
    assert "Port Ellery" not in messages[3]["content"]
    assert messages[4]["content"] == "At Gull Rock Observatory."


def test_a_model_forgets_through_responses(sky: Memory) -> None:
    """The same tools in the newer API: what the model was shown by `recall` it can name to `forget`."""
    memory_id = next(sky.list(user="anna")).memory_id
    model = Model(
        [("recall", {"query": "Where does Anna work?", "since": None, "until": None})],
        [("forget", {"memory_ids": [memory_id]})],
        "Done.",
    )
    with (
        LoopbackServer(faults=model.respond) as server,
        OpenAI(api_key="x", base_url=server.base_url, max_retries=0) as client,
    ):
        made: Any = tools("responses")
        items: list[Any] = [{"role": "user", "content": "Forget where I work."}]
        said = []
        while not (response := client.responses.create(model="loopback", input=items, tools=made)).output_text:
            for each in response.output:
                assert each.type == "function_call"
                said.append(call(sky, each.name, each.arguments, user="anna"))
                items += [each.model_dump(exclude_none=True)]
                items.append({"type": "function_call_output", "call_id": each.call_id, "output": said[-1]})
    assert f"[1] {memory_id}" in said[0]
    assert said[1] == f"Forgotten: {memory_id}."
    assert [record.text for record in sky.list()] == ["Bo works in Port Ellery."]


def test_a_correction_takes_the_place_of_what_it_corrects(sky: Memory) -> None:
    """`replaces` marks the older memory, and recall says so."""
    old = next(sky.list(user="anna")).memory_id
    text = call(sky, "remember", {"text": "Anna works in Oslo.", "replaces": [old]}, user="anna", session="s")
    new = text.split()[2].rstrip(".")
    assert text == f"Remembered as {new}. It takes the place of {old}."
    assert sky.get(old).superseded_by == new
    assert sky.get(new).sources[0].session == "s"
    assert asyncio.run(acall(sky, "recall", {"query": "Anna works"}, user="anna")).index("Oslo") > 0


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("remind", "{}", "there is no tool 'remind'; there are remember, recall, forget"),
        ("recall", '{"query": ', "no JSON"),
        ("recall", "[" * 100_000, "no JSON"),
        ("recall", '["a"]', "must be one JSON object with query, since, until"),
        ("recall", "{}", "`query` of `recall` must be a text"),
        ("recall", '{"query": ""}', "query"),
        ("recall", '{"query": "a", "top": 3}', "does not take top"),
        ("recall", '{"query": "a", "since": "last week"}', "no date"),
        ("recall", '{"query": "a", "since": 2026}', "must be a text or null"),
        ("remember", '{"text": " "}', "at least one visible character"),
        ("remember", '{"text": "a\\u0000"}', "NUL"),
        ("remember", '{"text": "a\\ud800"}', "not valid Unicode"),
        ("remember", '{"text": "a", "occurred_at": "soon"}', "no date"),
        ("remember", '{"text": "a", "replaces": ["m-1"]}', "there is no memory 'm-1'"),
        ("forget", '{"memory_ids": []}', "no memory id was given"),
        ("forget", '{"memory_ids": "m-1"}', "must be a list of texts"),
        ("forget", '{"memory_ids": [1]}', "must be a list of texts"),
        ("forget", '{"memory_ids": ["m-1"]}', "there is no memory 'm-1'"),
    ],
)
def test_mistakes_are_answered_in_words(sky: Memory, name: str, arguments: str, says: str) -> None:
    """The model learns what was wrong; nothing is changed."""
    before = sky.export()
    answer = call(sky, name, arguments, user="anna")
    assert says in answer
    assert answer.startswith("That did not work, and nothing was changed: ")
    assert sky.export() == before


def test_what_is_not_there_is_said(memory: Memory) -> None:
    """Nothing found is an answer, not an error."""
    assert call(memory, "recall", {"query": "anything"}) == "Nothing in memory about that."


def test_users_do_not_reach_each_other(sky: Memory) -> None:
    """What is another user's is not found, not forgotten, not replaced; in the words for what is not there."""
    theirs = next(sky.list(user="bo")).memory_id
    unknown = call(sky, "forget", {"memory_ids": ["m-0"]}, user="anna")
    assert call(sky, "forget", {"memory_ids": [theirs]}, user="anna") == unknown.replace("m-0", theirs)
    said = call(sky, "remember", {"text": "x", "replaces": [theirs]}, user="anna")
    assert said == unknown.replace("m-0", theirs)
    before = sky.count(user="anna")
    sky.add("Bo works in Port Ellery.", user="anna")  # one memory, told by both
    assert sky.count(user="anna") == before + 1
    assert call(sky, "forget", {"memory_ids": [theirs]}, user="anna") == f"Forgotten: {theirs}."
    assert (sky.count(user="anna"), sky.count(user="bo")) == (before, 1)
    assert call(sky, "forget", {"memory_ids": [theirs]}) == f"Forgotten: {theirs}."  # a program without users


@pytest.fixture(scope="module")
def small() -> Iterator[Memory]:
    with Memory(embedder=HashEmbedder(16)) as memory:
        memory.add("Ada Brook was born in Gull Rock.")
        yield memory


SCALARS = st.none() | st.booleans() | st.floats() | st.text()
ANYTHING = SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(st.text(), SCALARS | st.lists(SCALARS), max_size=3)
NAMES = st.sampled_from(["remember", "recall", "forget"])


@given(
    name=NAMES | st.text(),
    arguments=st.text()
    | ANYTHING.map(json.dumps)
    | st.dictionaries(
        st.sampled_from(["text", "occurred_at", "replaces", "query", "since", "until", "memory_ids"]),
        ANYTHING | st.lists(st.text()),
    ).map(json.dumps)
    | st.dictionaries(st.sampled_from(["query", "since", "until"]), st.text() | st.just("2026-01-01")).map(json.dumps),
)
@settings(max_examples=150, deadline=None)
def test_no_call_raises(small: Memory, name: str, arguments: str) -> None:
    """Whatever a model writes."""
    assert call(small, name, arguments)
