"""Progress from the thread that works to the client that waits: only the newest, and never in the way of the work."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from mcp.server.session import ServerSession


class Reporter:
    """``async with Reporter(session) as reporter``: `report` may be called from any thread, and returns at once.

    The protocol wants progress to grow, and the steps of an indexing run each count from 0: so what is sent is the number of
    steps begun, plus the share of the one at work, and the counts stand in the message.
    """

    def __init__(self, session: ServerSession) -> None:
        self._session = session
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self._newest: tuple[float, str] | None = None
        self._begun: list[str] = []
        self._sent = 0.0

    def report(self, what: str, done: int, total: int) -> None:
        """Step *what* has done so many of *total* (0: not known)."""
        self._loop.call_soon_threadsafe(self._note, what, done, total)

    def _note(self, what: str, done: int, total: int) -> None:
        if not self._begun or self._begun[-1] != what:
            self._begun.append(what)
        share = min(done / total, 1.0) * 0.99 if total else 0.0
        self._newest = len(self._begun) - 1 + share, f"{what} {done:,} of {total:,}" if total else what
        self._news.set()

    async def _send(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            assert self._newest is not None
            progress, message = self._newest
            if progress > self._sent:
                self._sent = progress
                await self._session.report_progress(progress, message=message)

    async def __aenter__(self) -> Self:
        # No task group: it would wrap what goes wrong in the work into a group of errors.
        self._sending = asyncio.create_task(self._send())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._sending.cancel()
        # A client that has gone cannot be told of progress; that is no reason to fail.
        await asyncio.gather(self._sending, return_exceptions=True)
