"""How long to wait before the next try."""

from __future__ import annotations

#: Without a Retry-After, the n-th wait is at most FIRST_WAIT · 2ⁿ seconds, and never more than LONGEST_BACKOFF.
FIRST_WAIT = 0.5
LONGEST_BACKOFF = 20.0


def backoff(failures: int, spread: float, *, longest: float = LONGEST_BACKOFF) -> float:
    """Seconds to wait after so many failures in a row, from 1.

    spread: in [0, 1); the wait is between half and all of what it would be, so that clients part.
    """
    # The power is bounded first: 2.0 ** 1100 overflows.
    return float(min(FIRST_WAIT * 2.0 ** min(failures - 1, 60), longest) * (0.5 + spread / 2))


def spread_wait(asked: float, spread: float) -> float:
    """Seconds to wait when a server asks for *asked*: a little longer, so that its clients do not return as one."""
    return asked + spread * min(1.0, asked / 10)
