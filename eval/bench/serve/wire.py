"""As much of HTTP as a load needs, and no more: a client that computes as much as its server would measure itself.

One request at a time on a connection that is kept, a response with a content-length. Standard library only.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

#: Seconds that an answer may take.
PATIENCE = 60.0


class Connection(asyncio.Protocol):
    """One connection; it is opened when something is asked, and again after the server has closed it."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self._came = bytearray()
        self._length = -1  # of the body; -1 while the head is not whole
        self._status = 0

    async def open(self) -> None:
        """Be connected. Raises OSError."""
        if self._transport is None:
            await asyncio.get_running_loop().create_connection(lambda: self, self._host, self._port)

    async def ask(self, method: str, path: str, body: str | None = None) -> tuple[int, bytes]:
        """Status and body of the answer. Raises OSError when there is none, also one that comes after `PATIENCE`."""
        await self.open()
        assert self._transport is not None
        assert self._answer is None
        self._came.clear()
        self._length = -1
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(self._request(method, path, body))
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._answer
        except TimeoutError:
            self.close()
            raise
        finally:
            self._answer = None

    def _request(self, method: str, path: str, body: str | None) -> bytes:
        head = f"{method} {path} HTTP/1.1\r\nhost: {self._host}:{self._port}\r\n"
        if body is None:
            return f"{head}\r\n".encode("latin-1")
        sent = body.encode("utf-8")
        head += f"content-type: application/json\r\ncontent-length: {len(sent)}\r\n\r\n"
        return head.encode("latin-1") + sent

    def close(self) -> None:
        """Let go of the connection."""
        if self._transport is not None:
            self._transport.abort()
            self._transport = None

    # -- asyncio.Protocol ---------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._transport = None
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionResetError("the server closed the connection"))

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        self._came += data
        if self._answer is None or self._answer.done():
            self.close()  # nobody asked: what comes cannot be understood any more
            return
        if self._length < 0:
            head, end, rest = self._came.partition(b"\r\n\r\n")
            if not end:
                return
            self._came = rest
            try:
                self._status, self._length = _head(bytes(head))
            except ValueError as error:
                self._answer.set_exception(OSError(f"no answer that this client reads: {error}"))
                self.close()
                return
        if len(self._came) >= self._length:
            self._answer.set_result((self._status, bytes(self._came[: self._length])))


def _head(head: bytes) -> tuple[int, int]:
    """Status, and length of the body. Raises ValueError for what is not as expected.

    >>> _head(b"HTTP/1.1 201 Created\\r\\nContent-Length: 7")
    (201, 7)
    """
    first, *lines = head.split(b"\r\n")
    fields = dict(line.lower().split(b":", 1) for line in lines)
    if b"content-length" not in fields:
        raise ValueError("it has no content-length")
    return int(first.split(b" ", 2)[1]), int(fields[b"content-length"])


def ids_of(body: bytes) -> list[str]:
    """The memory ids that an answer tells: of a report of adding, of hits, or of a record.

    >>> ids_of(b'{"hits": [{"memory_id": "m1", "text": ""}]}'), ids_of(b'{"memory_ids": ["m2"]}')
    (['m1'], ['m2'])
    """
    value: dict[str, Any] = json.loads(body)
    if "hits" in value:
        return [hit["memory_id"] for hit in value["hits"]]
    return list(value["memory_ids"]) if "memory_ids" in value else [value["memory_id"]]
