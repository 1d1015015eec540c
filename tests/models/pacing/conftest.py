"""An event loop whose clock jumps to the next timer, and an endpoint that lives on it: minutes pass in milliseconds."""

from __future__ import annotations

import asyncio
import random
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import pytest

from hippomem.errors import ModelError, ModelRateLimitError, ModelUnavailableError
from hippomem.models.completion import Completion, Usage
from hippomem.models.pacing import Pace

Result = TypeVar("Result")


class _Jump(selectors.SelectSelector):
    """Waits by moving the loop's clock; a loop that would wait for ever is a deadlock."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        assert timeout is not None, "everybody waits for somebody else"
        self.now += max(0.0, timeout)
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """Runs timers in their order without waiting for them."""

    def __init__(self) -> None:
        self._jump = _Jump()
        super().__init__(self._jump)

    def time(self) -> float:
        return self._jump.now


class World:
    """One virtual loop, and paces on its clock."""

    def __init__(self) -> None:
        self.loop = VirtualLoop()

    def run(self, main: Coroutine[Any, Any, Result]) -> Result:
        """Run to the end."""
        return self.loop.run_until_complete(main)

    def pace(self, **options: Any) -> Pace:
        """A pace without jitter."""
        return Pace(clock=self.loop.time, jitter=options.pop("jitter", lambda: 0.0), **options)


@pytest.fixture
def world() -> Any:
    """A world of its own for each test."""
    made = World()
    yield made
    made.loop.close()


def rate_limited(retry_after: float | None = None) -> ModelError:
    """A 429."""
    error = ModelRateLimitError("model 'm' at http://e is rate limited")
    error.transient, error.status, error.retry_after = True, 429, retry_after
    return error


def failed(status: int | None = 500) -> ModelError:
    """A 5xx, or no answer at all."""
    error = ModelUnavailableError(f"model 'm' at http://e failed ({status})")
    error.transient, error.status = True, status
    return error


class Endpoint:
    """Takes *latency* seconds and so many at once; beyond, and for a share of the calls at random, it fails."""

    def __init__(self, allows: int = 50, *, latency: float = 0.3, faults: float = 0.0, seed: int = 0) -> None:
        self.allows = allows
        self.latency = latency
        self.faults = faults
        self.fails: Callable[[], ModelError | None] = lambda: None
        self.now = self.most = self.calls = self.refused = 0
        self.began: list[float] = []
        self._random = random.Random(seed)

    async def __call__(self) -> Completion:
        self.calls += 1
        self.began.append(asyncio.get_running_loop().time())
        if (error := self.fails()) is not None:
            raise error
        if self.now >= self.allows:
            self.refused += 1
            raise rate_limited()
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            kind = self._random.choice((429, 500, None)) if self._random.random() < self.faults else 200
            if kind == 429:
                raise rate_limited()
            await asyncio.sleep(self.latency * self._random.uniform(0.95, 1.05))
            if kind != 200:
                raise failed(kind)
            return Completion("{}", "stop", Usage(500, 100, 1))
        finally:
            self.now -= 1


async def ask_all(pace: Pace, endpoint: Callable[[], Any], calls: int, *, tokens: int = 600) -> list[Any]:
    """So many calls, each in its slot; results and errors in order."""

    async def one() -> Completion:
        async with pace.slot():
            return await pace.call(endpoint, tokens=tokens)

    return await asyncio.gather(*(one() for _ in range(calls)), return_exceptions=True)
