"""What all calls to one endpoint share: how many at once, how many a minute, and what happens when they fail."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace

from hippomem.errors import ConfigError, ModelError, ModelRateLimitError, ModelTimeoutError
from hippomem.models.backoff import backoff
from hippomem.models.completion import Completion
from hippomem.models.pacing.breaker import Breaker
from hippomem.models.pacing.limit import AdaptiveLimit, Outcome
from hippomem.models.pacing.rates import Rate
from hippomem.models.pacing.turnstile import Turnstile

#: A wait shorter than this is none: clocks are not finer, and rounding must not keep a call waiting for ever.
INSTANT = 1e-6
#: Seconds that one call waits at most before it is tried again, beside others that are answered: where none is, the breaker
#: makes the pauses, and a call that was unlucky often should not be all that a run waits for.
LONGEST_BACKOFF = 8.0


@dataclass(frozen=True, slots=True)
class PaceState:
    """A snapshot for displays.

    limit: calls allowed at once now.    in_flight: slots taken.    calls: tries so far, of which retries were second or
    later ones; of the tries rate_limited (429, 503) and timeouts failed so.    failures: calls that failed for good.
    paused_until: on the clock (``time.monotonic``), None when not paused.    paused_because: the error, with endpoint.
    """

    limit: int = 1
    in_flight: int = 0
    calls: int = 0
    retries: int = 0
    rate_limited: int = 0
    timeouts: int = 0
    failures: int = 0
    paused_until: float | None = None
    paused_because: str = ""


class Pace:
    """The pace of one endpoint. Use it on one event loop at a time; ``state`` may be read from any thread.

    ::

        async with pace.slot():
            completion = await pace.call(lambda: llm.complete(messages), tokens=700)
            store(completion)
    """

    def __init__(
        self,
        *,
        concurrency: int = 50,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
        max_retries: int = 8,
        patience: float = 3600.0,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """concurrency: the most calls at once.    max_retries: tries of one call after its first.

        patience: seconds without any success after which every call fails with the last error.
        clock, jitter: the event loop's clock, and a number in [0, 1) by which waits are spread; tests pass their own.
        Raises ConfigError when a number is out of range.
        """
        if concurrency < 1 or max_retries < 0 or patience < 0:
            raise ConfigError(
                f"concurrency={concurrency}, max_retries={max_retries}, patience={patience}: "
                "give at least 1 call at once, and no number below 0"
            )
        for name, rate in (("requests_per_minute", requests_per_minute), ("tokens_per_minute", tokens_per_minute)):
            if rate is not None and rate <= 0:
                raise ConfigError(f"{name}={rate} lets nothing through; give a number above 0, or None for no limit")
        self.concurrency = concurrency
        self._max_retries = max_retries
        self._patience = patience
        self._clock = clock
        self._jitter = jitter
        self._limit = AdaptiveLimit(concurrency)
        self._breaker = Breaker(patience, jitter)
        self._requests = Rate(requests_per_minute)
        self._tokens = Rate(tokens_per_minute)
        self._slots = Turnstile(lambda: self._limit.limit)
        # A call that waits for its retry keeps its slot but is no load: tries have a door of their own.
        self._tries = Turnstile(lambda: self._limit.limit)
        # Who is next waits for the breaker and the rates; all others wait for it, in order.
        self._front = Turnstile(lambda: 1)
        self._changed: asyncio.Future[None] | None = None
        self._counts = PaceState()

    @property
    def state(self) -> PaceState:
        """How things are."""
        until = self._breaker.until
        paused = until > self._clock() or self._breaker.open
        return replace(
            self._counts,
            limit=self._limit.limit,
            in_flight=self._slots.inside,
            paused_until=until if paused else None,
            paused_because=self._breaker.because if paused else "",
        )

    def begin_run(self) -> None:
        """A new run begins: an endpoint that an earlier one gave up is tried again."""
        self._breaker.begin_run()

    def slot(self) -> AbstractAsyncContextManager[None]:
        """A place among the calls under way, given in order of asking; keep it until the answer is stored."""
        return self._slots

    async def call(self, request: Callable[[], Awaitable[Completion]], *, tokens: int) -> Completion:
        """What *request* returns; made again while it fails in a way that may pass. Call it inside a ``slot``.

        tokens: what it will cost, about; the rate is corrected by what it did cost.
        Raises the ModelError that does not pass, or the last one: after max_retries, when nothing is answered for
        ``patience`` seconds, or when the server asks to wait for longer than that (then it is ``endpoint_wide``).
        """
        failures = counted = 0
        began_failing = 0.0
        while True:
            try:
                return await self._try(request, tokens, again=failures > 0)
            except ModelError as error:
                now = self._clock()
                failures += 1
                if failures == 1:
                    began_failing = now
                counted += self._counts_against_call(error)
                if (
                    not error.transient
                    or error.endpoint_wide
                    or counted > self._max_retries
                    or now - began_failing >= self._patience
                ):
                    self._count(failures=1)
                    raise
                # A server that named a time has stopped all calls until then; this one need not wait beside.
                if error.retry_after is None:
                    await asyncio.sleep(backoff(failures, self._jitter(), longest=LONGEST_BACKOFF))

    def _counts_against_call(self, error: ModelError) -> bool:
        """Whether a failure uses up one of the call's own retries.

        Not when it is the endpoint's affair alone: it named a time, or all calls fail and it did not even look at this
        one. A 500 or a timeout counts always: some requests are never answered, and one of them may be the last.
        """
        if _is_refusal(error):
            return error.retry_after is None and not self._breaker.open
        unread = error.status in (502, 504) or (error.status is None and not isinstance(error, ModelTimeoutError))
        return not (unread and self._breaker.open)

    async def _try(self, request: Callable[[], Awaitable[Completion]], tokens: int, *, again: bool) -> Completion:
        """One try, when the limit, the breaker and the rates allow it; its outcome is told to all three."""
        async with self._tries:
            probe = await self._go(tokens)
            began = self._clock()
            tried = self._limit.begin()
            outcome: Outcome = "cancelled"
            self._count(calls=1, retries=int(again))
            try:
                answer = await request()
                outcome = "answered"
                self._breaker.answered()
                self._tokens.correct(answer.usage.prompt_tokens + answer.usage.completion_tokens - tokens)
                return answer
            except ModelError as error:
                outcome = self._outcome(error)
                if outcome == "answered":
                    self._breaker.answered()
                    raise
                self._count(rate_limited=int(_is_refusal(error)), timeouts=int(isinstance(error, ModelTimeoutError)))
                final = self._breaker.failed(error, began=began, now=self._clock(), probe=probe)
                if final is error:
                    raise
                raise final from final.__cause__
            finally:
                if outcome == "cancelled":
                    self._breaker.abandoned(probe=probe)
                self._limit.end(tried, outcome)
                self._slots.admit()
                self._tries.admit()
                if self._changed is not None and not self._changed.done():
                    self._changed.set_result(None)

    @staticmethod
    def _outcome(error: ModelError) -> Outcome:
        if not error.transient:
            return "answered"
        if _is_refusal(error):
            return "refused" if error.retry_after is None else "told"
        return "failed"

    async def _go(self, tokens: int) -> bool:
        """Wait until a try may begin, and count it. Whether it is the breaker's probe."""
        async with self._front:
            while True:
                now = self._clock()
                wait = max(self._breaker.delay(now), self._requests.delay(now), self._tokens.delay(now))
                if wait < INSTANT:
                    break
                self._changed = asyncio.get_running_loop().create_future()
                await asyncio.wait([self._changed], timeout=None if wait == float("inf") else wait)
            self._requests.take(1, now)
            self._tokens.take(tokens, now)
            return self._breaker.begin()

    def _count(self, **more: int) -> None:
        self._counts = replace(self._counts, **{name: getattr(self._counts, name) + n for name, n in more.items()})


def _is_refusal(error: ModelError) -> bool:
    """Whether the endpoint says that it is too much: 429, or 503."""
    return isinstance(error, ModelRateLimitError) or error.status == 503
