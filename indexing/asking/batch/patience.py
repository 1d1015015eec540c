"""Waiting for a vendor: again when a call fails in a way that may pass, and no longer when the run is to stop."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import ParamSpec, Protocol, TypeVar

from hippomem.errors import ModelError
from hippomem.models.openai_errors import is_transient, retry_after

Answer = TypeVar("Answer")
Given = ParamSpec("Given")

#: Seconds between looks at whether the run is to stop.
_BLINK = 0.1


class Stop(Protocol):
    """An ``asyncio.Event`` or a ``threading.Event``."""

    def is_set(self) -> bool:
        """Whether the run is to stop."""
        ...


class StoppedError(Exception):
    """The run is to stop. Never leaves this package."""


def may_pass(error: ModelError) -> bool:
    """Whether the same call may succeed later."""
    return isinstance(error.__cause__, Exception) and is_transient(error.__cause__)


def is_refusal(error: ModelError) -> bool:
    """Whether the endpoint said no: nothing came of the call, and nothing would if it were made again."""
    return isinstance(getattr(error.__cause__, "status_code", None), int) and not may_pass(error)


class Patience:
    """Pauses, and calls with retries.

    stop: looked at in every pause.    first, longest: seconds; waits double from the one to the other.
    limit: seconds of failures in a row after which the error rises.    waiting: told why, before each pause; "" when it is over.
    """

    def __init__(
        self,
        stop: Stop,
        *,
        first: float = 2.0,
        longest: float = 60.0,
        limit: float = 6 * 3600.0,
        waiting: Callable[[str], None] = lambda reason: None,
    ) -> None:
        self.stop = stop
        self.first = first
        self.longest = longest
        self._limit = limit
        self._waiting = waiting

    async def pause(self, seconds: float) -> None:
        """Sleep. Raises StoppedError, at once, when the run is to stop."""
        until = time.monotonic() + seconds
        while True:
            if self.stop.is_set():
                raise StoppedError
            left = until - time.monotonic()
            if left <= 0:
                return
            await asyncio.sleep(min(left, _BLINK))

    async def after(self, error: ModelError, attempt: int) -> None:
        """Pause before the next try; attempt: from 0. Raises the error when it will not pass, and StoppedError."""
        if not may_pass(error):
            raise error
        assert isinstance(error.__cause__, Exception)
        asked = retry_after(error.__cause__)
        wait = min(self.first * 2.0 ** min(attempt, 30), self.longest) if asked is None else asked
        self._waiting(f"{error}; next try in {wait:.0f} s")
        await self.pause(wait * (1 + 0.1 * random.random()))  # noqa: S311 (so that clients part)

    async def call(
        self, request: Callable[Given, Awaitable[Answer]], *args: Given.args, **kwargs: Given.kwargs
    ) -> Answer:
        """The request with these arguments, again while it fails in a way that may pass. Raises ModelError, StoppedError."""
        began = time.monotonic()
        attempt = 0
        while True:
            try:
                answer = await request(*args, **kwargs)
            except ModelError as error:
                if time.monotonic() - began > self._limit:
                    raise
                await self.after(error, attempt)
                attempt += 1
            else:
                if attempt:
                    self._waiting("")
                return answer
