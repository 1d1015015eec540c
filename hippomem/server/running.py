"""What a server process has open, and how requests get at it: threads for all that blocks, in bounded numbers."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

import anyio
import anyio.to_thread
from starlette.types import Scope

from hippomem.models.embedder import Embedder
from hippomem.server.access import Access, Caller, RateLimit, admit
from hippomem.server.metrics import Metrics
from hippomem.server.settings import ServerSettings
from hippomem.server.upkeep import forget_expired, make_ready
from hippomem.service.tenants import Tenants

LOG = logging.getLogger("hippomem.server")
T = TypeVar("T")
#: Threads for calls that read, and for calls that write; apart, so that a long ingestion leaves searches their threads.
#: Writers wait for each other anyway: those that wait together are committed together.
READERS, WRITERS = 16, 64
#: Seconds between two looks whether the parent process is still there.
PARENT_EVERY = 1.0


class Running:
    """One process's store, model, keys and counters. `open` it once, `close` it once; both from the event loop.

    on_failure: called when the store or the model cannot be opened; ``failure`` then says why.
    """

    def __init__(
        self,
        settings: ServerSettings,
        metrics: Metrics,
        *,
        embedder: Embedder | None = None,
        on_failure: Callable[[], None] = lambda: None,
    ) -> None:
        self.settings = settings
        self._embedder = embedder
        self._on_failure = on_failure
        self.metrics = metrics
        self.limit = RateLimit(settings.rate)
        #: Why the store or the model could not be opened.
        self.failure: Exception | None = None
        self._tenants: Tenants | None = None
        self._access: Access | None = None
        self._opened = asyncio.Event()
        self._readers, self._writers = anyio.CapacityLimiter(READERS), anyio.CapacityLimiter(WRITERS)
        self._jobs: set[asyncio.Task[Any]] = set()
        self._upkeep: list[asyncio.Task[None]] = []

    def open(self) -> None:
        """Start opening; the server listens meanwhile, and requests wait."""
        self._upkeep = [asyncio.create_task(self._open())]
        if self.settings.parent is not None:
            self._upkeep.append(asyncio.create_task(self._end_with(self.settings.parent)))

    async def _open(self) -> None:
        settings = self.settings
        try:
            self._tenants = await anyio.to_thread.run_sync(
                lambda: Tenants(
                    settings.store,
                    embedder=self._embedder or settings.embedder,
                    freshness=settings.freshness,
                    spread=settings.workers == 1,
                )
            )
            self._access = Access(self._tenants.store, host=settings.host, allowed_hosts=settings.allow_hosts)
        except Exception as error:
            self.failure = error
            LOG.error("the store could not be opened", exc_info=error)
            self._opened.set()
            self._on_failure()
            return
        await anyio.to_thread.run_sync(make_ready, self._tenants, LOG)
        self._opened.set()
        LOG.info("store and model are open")
        await forget_expired(self._expire, settings.expire_every, LOG)

    async def _expire(self) -> None:
        self.metrics.expired.inc(await self.in_thread(self.tenants.expire, self._writers))

    async def _end_with(self, parent: int) -> None:
        """A worker whose parent was killed would hold the port for ever."""
        while os.getppid() == parent:
            await asyncio.sleep(PARENT_EVERY)
        LOG.warning("the parent process is gone; shutting down")
        signal.raise_signal(signal.SIGTERM)

    @property
    def tenants(self) -> Tenants:
        """The open store. Raises why it could not be opened."""
        if self.failure is not None:
            raise self.failure.with_traceback(None)
        assert self._tenants is not None, "opened() was not waited for"
        return self._tenants

    @property
    def access(self) -> Access:
        """Who callers are. Raises why the store could not be opened."""
        if self.failure is not None:
            raise self.failure.with_traceback(None)
        assert self._access is not None, "opened() was not waited for"
        return self._access

    async def opened(self) -> None:
        """Wait until store and model are open. Raises why they could not be."""
        await self._opened.wait()
        if self.failure is not None:
            raise self.failure.with_traceback(None)

    @property
    def is_open(self) -> bool:
        """Whether all is there that requests need."""
        return self._opened.is_set() and self.failure is None

    async def admit(self, scope: Scope) -> Caller:
        """Whose request this is. Raises UnauthenticatedError, RateLimitError.

        Looking a key up takes microseconds and waits for no writer, so it needs no thread.
        """
        await self.opened()
        return admit(scope, self.access, self.limit)

    async def read(self, work: Callable[[], T]) -> T:
        """Run what reads in a thread."""
        return await self.in_thread(work, self._readers)

    async def write(self, work: Callable[[], T]) -> T:
        """Run what writes in a thread. Once begun it is finished, whatever becomes of the request."""
        return await self.start(self.in_thread(work, self._writers))

    async def in_thread(self, work: Callable[[], T], limiter: anyio.CapacityLimiter) -> T:
        """Run what blocks."""
        return await anyio.to_thread.run_sync(work, limiter=limiter)

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Future[T]:
        """Begin what `close` waits for; cancelling who awaits it does not cancel it."""
        job = asyncio.create_task(work)
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)
        return asyncio.shield(job)

    async def close(self) -> None:
        """Finish what was begun, then checkpoint and close the store."""
        for task in self._upkeep:
            task.cancel()
        for task in self._upkeep:
            with suppress(asyncio.CancelledError):
                await task
        while self._jobs:
            await asyncio.wait(self._jobs)
        if self._access is not None:
            self._access.close()
        if self._tenants is not None:
            await anyio.to_thread.run_sync(self._tenants.close)
            LOG.info("store closed")
