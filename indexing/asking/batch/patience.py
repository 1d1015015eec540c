"""Waiting for a vendor: again when a call fails in a way that may pass, and no longer when the run is to stop."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import ParamSpec, Protocol, TypeVar

from hippomem.errors import ModelError
from hippomem.models.backoff import backoff, spread_wait

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


def is_refusal(error: ModelError) -> bool:
    """Whether the endpoint said no: nothing came of the call, and nothing would if it were made again."""
    return error.status is not None and not error.transient


class Patience:
    """Pauses, and calls with retries.

    stop: looked at in every pause.    longest: seconds between tries.    limit: seconds of failures in a row after which the
    error rises.    waiting: told why, before each pause; "" when it is over.
    """

    def __init__(
        self,
        stop: Stop,
        *,
        longest: float,
        limit: float,
        waiting: Callable[[str], None],
    ) -> None:
        self._stop = stop
        self._longest = longest
        self._limit = limit
        self._waiting = waiting

    async def pause(self, seconds: float) -> None:
        """Sleep. Raises StoppedError, at once, when the run is to stop."""
        until = time.monotonic() + seconds
        while True:
            if self._stop.is_set():
                raise StoppedError
            left = until - time.monotonic()
            if left <= 0:
                return
            await asyncio.sleep(min(left, _BLINK))

    async def after(self, error: ModelError, failures: int, began: float) -> None:
        """Pause after so many failures in a row, from 1. began: when the first call was made (``time.monotonic``).

        Raises the error when it will not pass, or has not for too long; StoppedError.
        """
        if not error.transient or time.monotonic() - began > self._limit:
            raise error
        spread = random.random()  # noqa: S311 (so that clients part)
        asked = error.retry_after
        wait = backoff(failures, spread, longest=self._longest) if asked is None else spread_wait(asked, spread)
        self._waiting(f"{error}; next try in {wait:.0f} s")
        await self.pause(wait)

    async def call(
        self, request: Callable[Given, Awaitable[Answer]], *args: Given.args, **kwargs: Given.kwargs
    ) -> Answer:
        """The request with these arguments, again while it fails in a way that may pass. Raises ModelError, StoppedError."""
        began = time.monotonic()
        failures = 0
        while True:
            try:
                answer = await request(*args, **kwargs)
            except ModelError as error:
                failures += 1
                await self.after(error, failures, began)
            else:
                if failures:
                    self._waiting("")
                return answer
