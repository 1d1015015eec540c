"""So much a minute."""

from __future__ import annotations

#: Seconds' worth of the rate that may be taken at once: vendors count by the second or so, not by the whole minute.
BURST = 1.0


class Rate:
    """A limit by the minute, as the generic cell rate algorithm: even spacing, with a little burst.

    Amounts may be guesses, set right later by ``correct``. An amount above the burst is let through when nothing is
    owed, and paid off by those that follow. Over any t seconds at most rate · (t + BURST) plus one amount passes.
    """

    def __init__(self, per_minute: float | None) -> None:
        """per_minute: > 0, or None for no limit."""
        self._cost = 0.0 if per_minute is None else 60.0 / per_minute
        self._slack = max(0.0, BURST - self._cost)
        #: When all that was taken so far is paid off, in the seconds of the clock that callers read.
        self._paid_at = float("-inf")

    def delay(self, now: float) -> float:
        """Seconds until the next amount may be taken; 0 when it may now."""
        return max(0.0, self._paid_at - self._slack - now) if self._cost else 0.0

    def take(self, amount: float, now: float) -> None:
        """Count *amount* as passing now."""
        self._paid_at = max(self._paid_at, now) + amount * self._cost

    def correct(self, amount: float) -> None:
        """It was so much more (or, below 0, less) than was taken."""
        self._paid_at += amount * self._cost
