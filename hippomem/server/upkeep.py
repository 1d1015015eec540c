"""What a server does beside answering."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from hippomem.errors import HippomemError
from hippomem.service.tenants import Tenants


def make_ready(tenants: Tenants, log: logging.Logger, namespace: str | None = None) -> None:
    """Have compiled what searches run, and read what they read of a namespace that will be asked.

    A model that is away just now is no reason not to serve: calls will say so.
    """
    try:
        tenants.warm()
        if namespace is not None and tenants.exists(namespace):
            with tenants.reading(namespace) as memory:
                memory.search("anything", k=1)
    except Exception as error:
        log.warning("nothing was made ready for the first search (%s)", type(error).__name__)


async def forget_expired(expire: Callable[[], Awaitable[object]], every: float, log: logging.Logger) -> None:
    """Forget what has expired, every so many seconds, until it is cancelled.

    Searches leave it out at once; this is what takes it out of the file.
    """
    while True:
        try:
            await expire()
        except HippomemError as error:  # busy, or a full disk: the next time will do
            log.warning("expired memories could not be forgotten (%s)", type(error).__name__)
        await asyncio.sleep(every)
