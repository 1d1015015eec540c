"""Many calls at once, long ones, and clients that do not wait for the end."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import anyio
import httpx2
import pytest

from hippomem.service.tenants import Tenants
from hippomem.testing import HashEmbedder

if TYPE_CHECKING:
    from pathlib import Path

    from tests.server.mcp.conftest import Serve
    from tests.server.mcp.driving import Served, Session


class Gated(HashEmbedder):
    """A model that waits, when it embeds a text of the gate, until the gate is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.reached, self.gate = threading.Event(), threading.Event()

    def embed(self, texts: Any, **options: Any) -> Any:
        """Wait, or embed."""
        if any("Tortoise" in text for text in texts):
            self.reached.set()
            assert self.gate.wait(20)
        return super().embed(texts, **options)


@pytest.fixture
def gated(tmp_path: Path) -> Iterator[tuple[Tenants, Gated]]:
    """A store whose model can be held up."""
    embedder = Gated()
    with Tenants(tmp_path / "gated.hippo", embedder=embedder) as tenants:
        yield tenants, embedder
        embedder.gate.set()


def test_an_addition_holds_no_other_call_up(gated: tuple[Tenants, Gated], serve: Serve) -> None:
    """While one call waits for the model, others are answered: readers, and the list of tools."""
    tenants, embedder = gated

    async def work(s: Session) -> None:
        await s.data("remember", text="The hare runs.")
        slow = asyncio.create_task(s.data("remember", text="The Tortoise walks."))
        while not embedder.reached.is_set():
            await asyncio.sleep(0.005)
        queued = [asyncio.create_task(s.data("remember", text=f"Snail {n} creeps.")) for n in range(40)]
        await asyncio.sleep(0.1)
        async with asyncio.timeout(5):
            answers = await asyncio.gather(*(s.words("recall", query=f"Who runs? {n}") for n in range(20)))
            assert all("The hare runs." in answer for answer in answers)
            assert await s.client.list_tools()
            assert "The hare runs." in await s.words("browse")
        assert not slow.done()
        embedder.gate.set()
        assert (await slow)["added"] == 1
        assert sum(done["added"] for done in await asyncio.gather(*queued)) == 40
        assert (await s.data("browse", limit=1))["total"] == 42

    serve(tenants=tenants).ask(work)


def test_many_messages_report_progress(served: Served) -> None:
    """Notifications whose number grows and whose message says what is done, on both protocols' streams."""
    for mode, start in (("auto", 0), ("legacy", 1000)):
        told: list[tuple[float, str | None]] = []

        async def note(progress: float, total: float | None, message: str | None, told: Any = told) -> None:
            told.append((progress, message))

        async def work(s: Session, note: Any = note, start: int = start) -> None:
            messages = [{"role": "user", "content": f"Anna saw ship number {start + n}."} for n in range(400)]
            result = await s.client.call_tool(
                "remember", {"messages": messages, "session": f"chat-{start}"}, progress_callback=note
            )
            assert result.structured_content["added"] == 400

        served.ask(work, mode=mode)
        assert len(told) >= 2
        assert [number for number, _ in told] == sorted({number for number, _ in told})
        assert any("400 of 400" in (message or "") for _, message in told)


def total(tenants: Tenants) -> int:
    """How many memories there are."""
    if not tenants.exists("default"):
        return 0
    with tenants.reading("default") as memory:
        return memory.count()


def wait_for(tenants: Tenants, count: int) -> None:
    """Until there are so many memories."""
    until = time.monotonic() + 10
    while total(tenants) != count:
        assert time.monotonic() < until, total(tenants)
        time.sleep(0.02)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_a_cancelled_addition_is_stored_whole(mode: str, gated: tuple[Tenants, Gated], serve: Serve) -> None:
    """The client gives up in the middle: all of the messages are there in the end, and the next call is served."""
    tenants, embedder = gated
    served = serve(tenants=tenants)

    async def work(s: Session) -> None:
        messages = [{"role": "user", "content": f"The Tortoise walked {n} miles."} for n in range(20)]
        with anyio.move_on_after(0.5) as scope:
            await s.call("remember", messages=messages, session="race")
        assert scope.cancelled_caught
        assert embedder.reached.is_set()
        embedder.gate.set()
        assert (await s.data("remember", text="The hare sleeps."))["added"] == 1

    served.ask(work, mode=mode)
    wait_for(tenants, 21)


def test_a_call_cancelled_while_it_waits_its_turn_stores_nothing_or_all(
    gated: tuple[Tenants, Gated], serve: Serve
) -> None:
    """Behind a long addition, a short one is given up: what it was to store is there whole, or not at all."""
    tenants, embedder = gated

    async def work(s: Session) -> None:
        slow = asyncio.create_task(s.data("remember", text="The Tortoise walks."))
        while not embedder.reached.is_set():
            await asyncio.sleep(0.005)
        with anyio.move_on_after(0.3):
            await s.call("remember", messages=[{"role": "user", "content": f"Snail {n}."} for n in range(5)])
        embedder.gate.set()
        await slow
        assert (await s.data("remember", text="The hare sleeps."))["added"] == 1

    serve(tenants=tenants).ask(work)
    time.sleep(0.5)
    assert total(tenants) in (2, 7)


@pytest.mark.parametrize("version", ["2025-06-18", "2026-07-28"])
def test_a_client_that_leaves_harms_nobody(version: str, gated: tuple[Tenants, Gated], serve: Serve) -> None:
    """The connection is cut while the call runs: what it was to store is stored whole, and others are served."""
    tenants, embedder = gated
    served = serve(tenants=tenants)
    arguments = {"messages": [{"role": "user", "content": f"The Tortoise walked {n} miles."} for n in range(20)]}
    call: dict[str, Any] = {
        "jsonrpc": "2.0",
        "id": 7,
        "method": "tools/call",
        "params": {"name": "remember", "arguments": arguments},
    }
    headers = {"accept": "application/json, text/event-stream", "mcp-protocol-version": version}
    if version == "2026-07-28":
        call["params"]["_meta"] = {
            "io.modelcontextprotocol/protocolVersion": version,
            "io.modelcontextprotocol/clientCapabilities": {},
        }
        headers |= {"mcp-method": "tools/call", "mcp-name": "remember"}
    with httpx2.Client(trust_env=False) as http, pytest.raises(httpx2.ReadTimeout):
        http.post(served.url, json=call, headers=headers, timeout=0.5)
    assert embedder.reached.wait(5)
    embedder.gate.set()
    wait_for(tenants, 20)

    async def work(s: Session) -> str:
        return await s.words("recall", query="How many miles did the Tortoise walk?")

    assert "Tortoise" in served.ask(work)


def test_many_clients_at_once(served: Served) -> None:
    """Eight clients that write and read at the same time each find their own, and nothing is lost."""

    async def one(s: Session, n: int) -> None:
        for m in range(5):
            await s.data("remember", text=f"Client {n} stored item {m}.", user=f"u{n}")
            words = await s.words("recall", query=f"What did client {n} store?", user=f"u{n}")
            assert f"Client {n} stored item {m}." in words
            assert all(f"Client {other} " not in words for other in range(8) if other != n)

    failures: list[BaseException] = []

    def run(n: int) -> None:
        try:
            served.ask(lambda s: one(s, n), mode="auto" if n % 2 else "legacy")
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures, failures[0]
    assert total(served.tenants) == 40
