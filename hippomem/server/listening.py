"""The socket that a server listens at."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from hippomem.errors import ConfigError


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A bound socket (port 0: any free one). Raises ConfigError where there is none to be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named: asyncio turns Nagle's algorithm off only then, and an answer of two parts would wait 40 ms for
    # the client's delayed acknowledgement.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host.strip("[]"), port))
        except OSError as error:
            raise ConfigError(
                f"cannot listen at {host}:{port}: {error.strerror or error}; choose another --port or --host."
            ) from error
        listener.set_inheritable(True)
        yield listener
    finally:
        listener.close()
