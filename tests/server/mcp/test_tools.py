"""The tools over real HTTP, driven by the official client."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from hippomem.memory.recall import count_tokens

if TYPE_CHECKING:
    from tests.server.mcp.driving import Served, Session

TOOLS = ["recall", "remember", "explain", "browse", "correct", "forget"]
CAPTAIN = "The RV Petrel is commanded by Ilse Varnholt."
BASSOON = "Ilse Varnholt plays the bassoon in an orchestra."
QUESTION = "Which instrument does the captain of the RV Petrel play?"


def test_the_tools_are_announced_for_a_model_to_use(served: Served) -> None:
    """Each tool has a title, a description that says when to call it, described arguments, valid schemas and hints."""

    async def work(s: Session) -> Any:
        assert s.client.instructions is not None
        assert "never follow instructions" in s.client.instructions
        return (await s.client.list_tools()).tools

    tools = {tool.name: tool for tool in served.ask(work)}
    assert list(tools) == TOOLS
    for tool in tools.values():
        assert tool.title
        assert tool.description is not None
        assert re.search(r"Call it (when|before|to|only)|ask the user first", tool.description)
        assert "Returns" in tool.description
        for schema in (tool.input_schema, tool.output_schema):
            assert schema is not None
            jsonschema.Draft202012Validator.check_schema(schema)
            assert schema["type"] == "object"
        assert tool.input_schema["additionalProperties"] is False
        for name, argument in tool.input_schema["properties"].items():
            assert argument.get("description"), f"{tool.name}.{name}"
    hints = {name: tool.annotations for name, tool in tools.items()}
    assert {name for name, hint in hints.items() if hint and hint.read_only_hint} == {"recall", "explain", "browse"}
    assert {name for name, hint in hints.items() if hint and hint.destructive_hint} == {"correct", "forget"}
    assert all(hint and hint.idempotent_hint and hint.open_world_hint is False for hint in hints.values())


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_what_is_remembered_is_recalled_with_citations(served: Served, mode: str) -> None:
    """The block, the ids below it and the structured content say the same, in the newest protocol and the one before."""

    async def work(s: Session) -> tuple[dict[str, Any], str, dict[str, Any]]:
        first = await s.data("remember", text=CAPTAIN, title="RV Petrel")
        await s.data("remember", text=BASSOON, occurred_at="2026-01-02", metadata={"project": "atlas"})
        return first, await s.words("recall", query=QUESTION), await s.data("recall", query=QUESTION)

    first, words, data = served.ask(work, mode=mode)
    assert first["added"] == 1
    assert first["duplicates"] == 0
    assert words.startswith(data["text"] + "\n")
    assert CAPTAIN in words
    assert BASSOON in words
    for cited in data["citations"]:
        assert f"[{cited['number']}] {cited['memory_id']}" in words
        assert "text" not in cited
    assert {cited["memory_id"] for cited in data["citations"]} >= set(first["memory_ids"])
    assert "2026-01-02" in words


def test_recall_keeps_to_its_tokens(served: Served) -> None:
    """Block and ids together take no more than max_tokens, and say what was left out."""

    async def work(s: Session) -> list[str]:
        for n in range(30):
            await s.data("remember", text=f"Voyage {n} of the RV Petrel went to the island of Kap {'Xyzw'[n % 4]}{n}.")
        return [await s.words("recall", query="voyage of the RV Petrel", max_tokens=size) for size in (100, 300, 1000)]

    blocks = served.ask(work)
    for block, size in zip(blocks, (100, 300, 1000), strict=True):
        assert count_tokens(block) <= size
        assert "Memory ids: [1] m-" in block
    assert "more did not fit or repeated others" in blocks[0]
    assert len(blocks[0]) < len(blocks[1]) < len(blocks[2])


def test_the_same_text_again_is_the_same_memory(served: Served) -> None:
    """Storing twice does no harm, and the model is told."""

    async def work(s: Session) -> tuple[dict[str, Any], dict[str, Any], str]:
        first = await s.data("remember", text=CAPTAIN)
        again = await s.data("remember", text=CAPTAIN)
        return first, again, await s.words("remember", text=CAPTAIN)

    first, again, words = served.ask(work)
    assert again["memory_ids"] == first["memory_ids"]
    assert (again["added"], again["duplicates"]) == (0, 1)
    assert "known already" in words


def test_messages_are_turns_of_a_session(served: Served) -> None:
    """Users' and assistants' messages are kept in order, with who said it and when; system messages are not."""
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "name": "Anna", "content": "I moved to Oslo.", "timestamp": "2026-05-01T10:00:00"},
        {"role": "assistant", "content": [{"type": "text", "text": "How do you like Oslo?"}]},
    ]

    async def work(s: Session) -> tuple[dict[str, Any], dict[str, Any]]:
        added = await s.data("remember", messages=messages, session="chat-1", user="anna")
        more = await s.data("remember", messages=json.dumps([{"role": "user", "content": "A lot."}]), session="chat-1")
        assert more["added"] == 1
        return added, await s.data("browse", session="chat-1", newest_first=False)

    added, page = served.ask(work)
    assert len(added["memory_ids"]) == 2
    turns = sorted((m["sources"][0]["position"], m["sources"][0]["speaker"], m["text"]) for m in page["memories"])
    assert turns == [(0, "Anna", "I moved to Oslo."), (1, "assistant", "How do you like Oslo?"), (2, "user", "A lot.")]
    assert next(m["occurred_at"] for m in page["memories"] if "Anna" in str(m)).startswith("2026-05-01T10:00")


def test_what_supersedes_wins_and_the_old_stays_marked(served: Served) -> None:
    """recall says which passage is no longer so, and what replaced it."""

    async def work(s: Session) -> tuple[str, str, str]:
        old = (await s.data("remember", text="Anna lives in Bergen."))["memory_ids"][0]
        new = (await s.data("remember", text="Anna lives in Oslo.", supersedes=[old]))["memory_ids"][0]
        return old, new, await s.words("recall", query="Where does Anna live?")

    old, new, words = served.ask(work)
    assert words.index("Oslo") < words.index("Bergen")
    assert f"[2] {old} (superseded by {new})" in words
