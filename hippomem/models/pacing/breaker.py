"""When to stop asking an endpoint for a while, and when for good."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable

from hippomem.errors import ModelError
from hippomem.models.backoff import spread_wait

#: So many rounds of tries with nothing but failures open the breaker.
ROUNDS = 3
#: Seconds of the first pause, doubled by each probe that fails, up to the longest.
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0


class Breaker:
    """Pauses all calls when all fail, lets one through to see, and gives up when nothing succeeded for *patience* seconds.

    Rounds are counted, not calls: when fifty calls under way fail together, that is one thing that happened.
    Times are of the clock that the caller reads. Does no waiting itself.
    """

    def __init__(self, patience: float, jitter: Callable[[], float]) -> None:
        self._patience = patience
        self._jitter = jitter
        self._rounds = 0
        self._counted_at = 0.0
        self._failing_since = 0.0
        self._pauses = 0
        self._probing = False
        self._last: ModelError | None = None
        #: Until when a server asked to wait; that another call was answered meanwhile does not take it back.
        self._asked_until = 0.0
        #: Whether only probes are let through.
        self.open = False
        #: Whether nothing succeeded for too long.
        self.given_up = False
        #: No call may begin before.
        self.until = 0.0
        self.because = ""

    def begin_run(self) -> None:
        """Somebody asks anew: that it was given up before counts no more, but for a time that the server named."""
        if self.given_up:
            self._rounds = self._pauses = 0
            self._last = None
            self.open = self._probing = self.given_up = False
            self.until = self._asked_until

    def delay(self, now: float) -> float:
        """Seconds until a try may begin; infinite while a probe is under way. Raises the last error once given up."""
        if self.given_up and self._last is not None and now < self.until:
            raise self._final(self._last)
        if now < self.until:
            return self.until - now
        return float("inf") if self._probing else 0.0

    def begin(self) -> bool:
        """A try begins, now that it may. Whether it is the probe."""
        self._probing = self.open
        return self.open

    def answered(self) -> None:
        """The endpoint works."""
        self._rounds = self._pauses = 0
        self._last = None
        if self.open:
            self.open = self._probing = self.given_up = False
            self.until = self._asked_until

    def abandoned(self, *, probe: bool) -> None:
        """A try was cancelled; if it was the probe, the next is one."""
        if probe:
            self._probing = False

    def failed(self, error: ModelError, *, began: float, now: float, probe: bool) -> ModelError:
        """A try that *began* then failed. Returns the error; when it is the last, that says so (``endpoint_wide``)."""
        if not self._rounds:
            self._failing_since = now
        if not self._rounds or began >= self._counted_at:
            self._rounds += 1
            self._counted_at = now
        self._last = error
        left = self._failing_since + self._patience - now
        self.given_up = left <= 0 or (error.retry_after or 0.0) > left
        if error.retry_after is not None:
            asked = spread_wait(error.retry_after, self._jitter())
            self._asked_until = max(self._asked_until, now + asked)
            self._pause(asked, f"{error} [it asks to wait]", now)
        probe = probe and self.open  # another call may have been answered since
        if probe:
            self._probing = False
        if probe or (not self.open and self._rounds >= ROUNDS):
            self.open = True
            self._pauses += 1
            pause = min(FIRST_PAUSE * 2.0 ** min(self._pauses - 1, 20), LONGEST_PAUSE)
            pause = pause * (1 - self._jitter() / 4)
            self._pause(pause if self.given_up else min(pause, max(left, 0.0)), str(error), now)
        return self._final(error) if self.given_up else error

    def _pause(self, seconds: float, because: str, now: float) -> None:
        """Until then, unless it is paused for longer already."""
        if now + seconds > self.until:
            self.until = now + seconds
            again = time.strftime("%H:%M:%S", time.localtime(time.time() + seconds))
            self.because = f"{because}; next try at {again}"

    def _final(self, error: ModelError) -> ModelError:
        # A copy for each caller: an exception that is raised twice grows its traceback.
        last = copy.copy(error)
        last.__cause__ = error.__cause__
        last.endpoint_wide = True
        return last
