"""The tools that change what is stored: correct and forget."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.server.mcp.driving import Served, Session


def test_correct_changes_what_is_given_and_keeps_the_history(served: Served) -> None:
    """The id stays; what it said before can be read as a resource."""

    async def work(s: Session) -> tuple[str, dict[str, Any], str, dict[str, Any]]:
        memory_id = (await s.data("remember", text="Anna was born in 1980.", title="Anna"))["memory_ids"][0]
        data = await s.data("correct", memory_id=memory_id, text="Anna was born in 1981.", metadata={"checked": True})
        contents = (await s.client.read_resource(f"hippomem://memories/{memory_id}")).contents
        return memory_id, data, await s.words("recall", query="When was Anna born?"), json.loads(contents[0].text)  # type: ignore[union-attr]

    memory_id, data, words, resource = served.ask(work)
    assert (data["memory_id"], data["title"], data["text"]) == (memory_id, "Anna", "Anna was born in 1981.")
    assert data["sources"][0]["metadata"] == {"checked": True}
    assert "1981" in words
    assert "1980" not in words
    assert [version["text"] for version in resource["history"]] == ["Anna was born in 1980.", "Anna was born in 1981."]


def test_a_forgotten_text_is_gone(served: Served) -> None:
    """By id and by filter: no tool finds it, and the file does not hold it."""

    async def work(s: Session) -> None:
        memory_id = (await s.data("remember", text="The zyzzyva sleeps."))["memory_ids"][0]
        await s.data("remember", text="The quokka sleeps.", session="chat-1")
        await s.data("remember", text="The wombat sleeps.")
        assert (await s.data("forget", ids=[memory_id]))["forgotten"] == 1
        assert await s.words("forget", session="chat-1") == "Forgot 1 memory."
        assert "nothing was deleted" in await s.words("forget", session="chat-1")
        for words in (
            await s.words("recall", query="Who sleeps? zyzzyva quokka"),
            await s.words("explain", query="Who sleeps? zyzzyva quokka"),
            await s.words("browse"),
        ):
            assert "wombat" in words
            assert "zyzzyva" not in words.lower()
            assert "quokka" not in words.lower()
        assert memory_id in await s.refusal("forget", ids=[memory_id])

    served.ask(work)
    store = Path(served.tenants.store.path)
    for file in (store, store.with_name(store.name + "-wal")):
        assert b"zyzzyva" not in file.read_bytes()
        assert b"quokka" not in file.read_bytes()
