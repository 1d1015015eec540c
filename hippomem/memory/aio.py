"""The memory for asyncio: the same calls, run in threads, so that no call holds up the loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, Unpack, overload

from hippomem.answer.reader import READ, Answer
from hippomem.answer.trail import Trail
from hippomem.memory.memory import Memory
from hippomem.types import (
    AddReport,
    CheckReport,
    Document,
    Kind,
    MemoryRecord,
    MemoryVersion,
    Message,
    Recall,
    Run,
    SearchResult,
    Stats,
    Telling,
    Where,
)

if TYPE_CHECKING:
    from hippomem.models.embedder import Embedder
    from hippomem.models.llm import LLM
    from indexing.pipeline import Progress

T = TypeVar("T")
#: Records that `AsyncMemory.list` reads in one thread.
_PAGE = 100


class AsyncMemory:
    """`hippomem.Memory` for asyncio; every method means what the one of that name means there.

    >>> async with AsyncMemory("notes.hippo") as memory:                                # doctest: +SKIP
    ...     await memory.add("Ada Lovelace wrote the first program.")
    ...     (await memory.search("Who wrote the first program?"))[0].text

    Takes the arguments of `Memory`; the store and the model are opened when the context is entered, or by the first call.
    A call that is cancelled goes on in its thread: what it was asked to write is written as a whole or not at all.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        self._open: Callable[[], Memory] = lambda: Memory(*args, **options)
        self._memory: Memory | None = None
        self._opening = asyncio.Lock()

    @classmethod
    def of(cls, memory: Memory) -> AsyncMemory:
        """Over a memory that is open already. Closing this one closes it."""
        made = cls()
        made._memory = memory
        return made

    async def _opened(self) -> Memory:
        async with self._opening:
            if self._memory is None:
                self._memory = await asyncio.to_thread(self._open)
            return self._memory

    async def _run(self, call: Callable[[Memory], T]) -> T:
        memory = await self._opened()
        return await asyncio.to_thread(call, memory)

    async def __aenter__(self) -> AsyncMemory:
        await self._opened()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """See `Memory.close`."""
        if self._memory is not None:
            await asyncio.to_thread(self._memory.close)

    @overload
    async def add(self, content: str, **told: Unpack[Telling]) -> str: ...
    @overload
    async def add(self, content: Sequence[Message], **told: Unpack[Telling]) -> tuple[str, ...]: ...
    async def add(self, content: str | Sequence[Message], **told: Unpack[Telling]) -> str | tuple[str, ...]:
        """See `Memory.add`."""
        # One call for both overloads.
        add: Callable[..., str | tuple[str, ...]] = (await self._opened()).add
        return await asyncio.to_thread(lambda: add(content, **told))

    async def documents(self, content: str | Sequence[Message], like: Document) -> list[Document]:
        """See `Memory.documents`."""
        return await self._run(lambda memory: memory.documents(content, like))

    async def add_many(
        self, documents: Iterable[Document | str], *, retry_failed: bool = False, progress: Progress | None = None
    ) -> AddReport:
        """See `Memory.add_many`. progress: called from the thread that adds."""
        return await self._run(lambda memory: memory.add_many(documents, retry_failed=retry_failed, progress=progress))

    async def update(
        self,
        memory_id: str,
        text: str | None = None,
        *,
        title: str | None = None,
        occurred_at: str | datetime | None = None,
        kind: Kind | None = None,
        metadata: Mapping[str, Any] | None = None,
        ttl: float | timedelta | None = None,
        expires_at: str | datetime | None = None,
        keep_history: bool = True,
    ) -> MemoryRecord:
        """See `Memory.update`."""
        return await self._run(
            lambda memory: memory.update(
                memory_id,
                text,
                title=title,
                occurred_at=occurred_at,
                kind=kind,
                metadata=metadata,
                ttl=ttl,
                expires_at=expires_at,
                keep_history=keep_history,
            )
        )

    async def forget(self, *memory_ids: str, **where: Unpack[Where]) -> int:
        """See `Memory.forget`."""
        return await self._run(lambda memory: memory.forget(*memory_ids, **where))

    async def forget_all(self) -> int:
        """See `Memory.forget_all`."""
        return await self._run(Memory.forget_all)

    async def expire(self) -> int:
        """See `Memory.expire`."""
        return await self._run(Memory.expire)

    async def get(self, memory_id: str) -> MemoryRecord:
        """See `Memory.get`."""
        return await self._run(lambda memory: memory.get(memory_id))

    async def list(
        self, *, limit: int | None = None, after: str | None = None, newest_first: bool = False, **where: Unpack[Where]
    ) -> AsyncIterator[MemoryRecord]:
        """See `Memory.list`; an async iterator: ``async for record in memory.list()``."""
        records = await self._run(
            lambda memory: memory.list(limit=limit, after=after, newest_first=newest_first, **where)
        )
        while page := await asyncio.to_thread(lambda: [*islice(records, _PAGE)]):
            for record in page:
                yield record

    async def count(self, **where: Unpack[Where]) -> int:
        """See `Memory.count`."""
        return await self._run(lambda memory: memory.count(**where))

    async def history(self, memory_id: str) -> tuple[MemoryVersion, ...]:
        """See `Memory.history`."""
        return await self._run(lambda memory: memory.history(memory_id))

    async def namespaces(self) -> Sequence[str]:
        """See `Memory.namespaces`."""
        return await self._run(Memory.namespaces)

    async def search(
        self,
        query: str,
        *,
        k: int = 10,
        retriever: str = "hippomem",
        explain: bool = True,
        freshness: bool | None = None,
        **where: Unpack[Where],
    ) -> SearchResult:
        """See `Memory.search`."""
        return await self._run(
            lambda memory: memory.search(query, k=k, retriever=retriever, explain=explain, freshness=freshness, **where)
        )

    async def recall(
        self,
        query: str,
        *,
        max_tokens: int = 1000,
        k: int = 20,
        freshness: bool | None = None,
        count_tokens: Callable[[str], int] | None = None,
        **where: Unpack[Where],
    ) -> Recall:
        """See `Memory.recall`."""
        return await self._run(
            lambda memory: memory.recall(
                query, max_tokens=max_tokens, k=k, freshness=freshness, count_tokens=count_tokens, **where
            )
        )

    async def answer(
        self,
        question: str,
        *,
        llm: LLM | None = None,
        k: int = READ,
        steps: int = 1,
        retriever: str = "hippomem",
        **where: Unpack[Where],
    ) -> Trail | Answer:
        """See `Memory.answer`."""

        def run(memory: Memory) -> Trail | Answer:
            if llm is None:
                return memory.answer(question, k=k, steps=steps, retriever=retriever, **where)
            return memory.answer(question, llm=llm, k=k, steps=steps, retriever=retriever, **where)

        return await self._run(run)

    async def resume(self, *, retry_failed: bool = False, progress: Progress | None = None) -> int:
        """See `Memory.resume`."""
        return await self._run(lambda memory: memory.resume(retry_failed=retry_failed, progress=progress))

    async def failures(self) -> Sequence[tuple[str, str, int]]:
        """See `Memory.failures`."""
        return await self._run(Memory.failures)

    async def runs(self, limit: int = 10) -> Sequence[Run]:
        """See `Memory.runs`."""
        return await self._run(lambda memory: memory.runs(limit))

    async def reembed(self, embedder: str | Embedder | None, *, progress: Progress | None = None) -> None:
        """See `Memory.reembed`."""
        await self._run(lambda memory: memory.reembed(embedder, progress=progress))

    async def purge(self) -> bool:
        """See `Memory.purge`."""
        return await self._run(Memory.purge)

    async def stats(self) -> Stats:
        """See `Memory.stats`."""
        return await self._run(Memory.stats)

    async def check(self) -> CheckReport:
        """See `Memory.check`."""
        return await self._run(Memory.check)

    async def export(self) -> str:
        """See `Memory.export`."""
        return await self._run(Memory.export)
