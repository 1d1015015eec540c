"""The asynchronous memory means what the other one means, and never holds up the loop."""

from __future__ import annotations

import asyncio
import inspect
import time
from pathlib import Path
from typing import Any

import pytest

from hippomem import AsyncMemory, Memory
from hippomem.errors import NotFoundError
from hippomem.testing import HashEmbedder

#: What has no counterpart: an object of one thread's, an attribute of one open memory.
ONLY_SYNC = {"retriever"}


def methods(of: type) -> dict[str, Any]:
    return {name: value for name, value in vars(of).items() if inspect.isfunction(value) and not name.startswith("_")}


def test_both_have_the_same_methods_with_the_same_arguments() -> None:
    sync, aio = methods(Memory), methods(AsyncMemory)
    assert set(sync) - ONLY_SYNC == set(aio) - {"of"}
    for name, method in aio.items():
        ours, theirs = inspect.signature(method), inspect.signature(sync[name])
        assert list(ours.parameters.values()) == list(theirs.parameters.values()), name
        returned = str(theirs.return_annotation)
        expected = returned.replace("Iterator", "AsyncIterator") if name == "list" else returned
        assert str(ours.return_annotation) == expected, name
        assert inspect.iscoroutinefunction(method) or inspect.isasyncgenfunction(method), name


def test_a_day_in_the_life(tmp_path: Path) -> None:
    """Every kind of call, with the results of the calls of the same name."""

    async def live() -> str:
        async with AsyncMemory(tmp_path / "a.hippo", embedder=HashEmbedder(dimension=32)) as memory:
            ada = await memory.add("Ada lives in Rome.", user="ada")
            await memory.add([{"role": "user", "content": "Bob likes tea."}], session="s")
            assert (await memory.add_many(["Cid plays chess."])).added == 1
            assert [r.text async for r in memory.list(user="ada")] == ["Ada lives in Rome."]
            assert (await memory.search("Where does Ada live?", user="ada"))[0].memory_id == ada
            assert "tea" in (await memory.recall("What does Bob like?")).text
            assert (await memory.update(ada, "Ada lives in Oslo.")).text == "Ada lives in Oslo."
            assert len(await memory.history(ada)) == 2
            assert (await memory.answer("Where does Ada live?")).question
            assert await memory.forget(ada) == 1
            with pytest.raises(NotFoundError):
                await memory.get(ada)
            assert await memory.count() == (await memory.stats()).memories == 2
            assert await memory.expire() == 0
            return await memory.export()

    exported = asyncio.run(live())
    with Memory(tmp_path / "a.hippo", embedder=HashEmbedder(dimension=32), create=False) as memory:
        assert memory.export() == exported


def test_the_loop_goes_on_while_a_slow_encoder_works() -> None:
    """A hundred ticks of a millisecond fit into one call of half a second."""

    class Slow(HashEmbedder):
        def embed(self, *args: Any, **options: Any) -> Any:
            time.sleep(0.5)
            return super().embed(*args, **options)

    async def tick() -> int:
        ticks = 0
        async with AsyncMemory(embedder=Slow(dimension=16)) as memory:
            adding = asyncio.create_task(memory.add("Ada lives in Rome."))
            while not adding.done():
                await asyncio.sleep(0.001)
                ticks += 1
            await adding
        return ticks

    assert asyncio.run(tick()) > 100
