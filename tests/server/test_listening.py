"""The socket of all our servers."""

from __future__ import annotations

import asyncio
import socket

import pytest

from hippomem.errors import ConfigError
from hippomem.server.listening import listening


def test_answers_leave_at_once() -> None:
    """What asyncio accepts from it has Nagle's algorithm off: 40 ms an answer otherwise."""

    async def accepted(listener: socket.socket) -> int:
        options: asyncio.Queue[int] = asyncio.Queue()

        async def note(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await options.put(writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        async with await asyncio.start_server(note, sock=listener) as server:
            _, client = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
            found = await options.get()
            client.close()
        return found

    with listening("127.0.0.1", 0) as listener:
        assert asyncio.run(accepted(listener)) == 1


def test_an_address_that_is_taken_or_is_none() -> None:
    with listening("127.0.0.1", 0) as listener:
        listener.listen()
        port = listener.getsockname()[1]
        with pytest.raises(ConfigError, match=f"cannot listen at 127.0.0.1:{port}"), listening("127.0.0.1", port):
            pass
    with pytest.raises(ConfigError, match=r"no\.such\.host\.invalid"), listening("no.such.host.invalid", 0):
        pass
