"""Server-sent events for a long ingestion: how far it is, and what became of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

from starlette.responses import StreamingResponse
from starlette.types import Scope

from hippomem.server.errors import body_of, log_failure
from hippomem.server.running import Running
from indexing.pipeline import Progress

#: Seconds of silence after which a comment is sent: proxies cut connections that say nothing.
PING = 15.0
#: Events that wait for a slow reader; of progress, the newest says all.
_WAITING = 64


def event(name: str, data: dict[str, Any]) -> bytes:
    """One server-sent event. JSON has no line breaks, so it is one line of data."""
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False, allow_nan=False)}\n\n".encode()


def streamed(running: Running, work: Callable[[Progress], dict[str, Any]], scope: Scope) -> StreamingResponse:
    """Run *work* in a writer's thread, and send what it reports: ``progress`` …, then ``done`` or ``error``.

    Work that was begun is finished even when the client goes away: what it stores is whole, and the client may send the
    same request again, which then finds duplicates.
    """
    loop = asyncio.get_running_loop()
    waiting: asyncio.Queue[bytes] = asyncio.Queue(_WAITING)

    def put(message: bytes) -> None:
        if waiting.full():
            waiting.get_nowait()
        waiting.put_nowait(message)

    def progress(stage: str, done: int, total: int) -> None:
        told = event("progress", {"stage": stage, "done": done, "total": total})
        loop.call_soon_threadsafe(lambda: put(told))

    async def job() -> bytes:
        try:
            return event("done", await running.write(lambda: work(progress)))
        except Exception as error:
            log_failure(error, scope)
            return event("error", body_of(error, scope))

    ended = running.start(job())

    async def events() -> AsyncIterator[bytes]:
        yield b": the report follows when all is stored and indexed\n\n"
        while not ended.done() or not waiting.empty():
            getting = asyncio.ensure_future(waiting.get())
            try:
                await asyncio.wait({getting, ended}, timeout=PING, return_when=asyncio.FIRST_COMPLETED)
            finally:
                if not getting.done():
                    getting.cancel()
            if getting.done() and not getting.cancelled():
                yield getting.result()
            elif not ended.done():
                yield b": still at it\n\n"
        yield ended.result()

    return StreamingResponse(
        events(),
        200,
        {"cache-control": "no-store", "x-accel-buffering": "no"},
        media_type="text/event-stream",
    )
