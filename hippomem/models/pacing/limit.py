"""How many calls an endpoint takes at once, found by trying."""

from __future__ import annotations

from collections import deque
from typing import Literal, NamedTuple

#: "answered": the endpoint did its work, even if to say no. "refused": 429 or 503. "told": the same, with a time to wait.
#: "failed": another 5xx, a timeout, no connection. "cancelled": we did not wait for it.
Outcome = Literal["answered", "refused", "told", "failed", "cancelled"]
#: So many calls are needed to say that a load is too much, or is not.
EVIDENCE = 4


class Try(NamedTuple):
    """A try under way. load: how many were under way when it began, itself included.    cuts: how many cuts it knows."""

    load: int
    cuts: int


class AdaptiveLimit:
    """Slow start (+1 an answer, that is, doubling a round trip) until the first refusal, then +1 a round; halved on refusal.

    A refusal cuts once a round trip: tries that began before the last cut know nothing of it. It does not cut below the
    load that is *proved*: where most of the recent tries that began under as much load were answered, the load was not the
    cause (some endpoints refuse one call in ten at any load, and halving for each would end at 1), and up to there the
    limit comes back by +1 an answer. Once the load that was refused is itself proved, slow start goes on. A server that
    says how long to wait is believed: the limit is halved whatever is proved.

    Failures that are no refusals (5xx, timeouts, lost connections) say little about load one by one. When most of a
    round fails they do (timeouts are how a queue that is too long looks), and the limit is halved.
    """

    def __init__(self, ceiling: int) -> None:
        """ceiling: never more than this, ≥ 1."""
        self.ceiling = ceiling
        self.slow_start = True
        #: Tries now under way.
        self.under_way = 0
        self._limit = 1.0
        self._cuts = 0
        self._refused_at = 0
        #: (load, answered) of the last tries, in the order in which they ended; two rounds at the ceiling.
        self._recent: deque[tuple[int, bool]] = deque(maxlen=max(2 * ceiling, 2 * EVIDENCE))

    @property
    def limit(self) -> int:
        """How many may be under way, 1 to the ceiling."""
        return int(self._limit)

    def begin(self) -> Try:
        """A try begins."""
        self.under_way += 1
        return Try(self.under_way, self._cuts)

    def end(self, tried: Try, outcome: Outcome) -> None:
        """A try ended."""
        # As TCP does: who uses less than half of what is allowed learns nothing about the rest.
        in_use = 2 * self.under_way >= self._limit
        self.under_way -= 1
        if outcome == "cancelled":
            return
        self._recent.append((tried.load, outcome == "answered"))
        if outcome == "answered":
            if in_use:
                self._grow()
        elif tried.cuts == self._cuts:
            if outcome == "told" or (outcome == "failed" and self._mostly_fails()):
                self._cut(self._limit / 2, tried)
            elif outcome == "refused":
                self._cut(max(self._limit / 2, self.proved()), tried)

    def proved(self) -> int:
        """The largest load under which, or under more, most of the recent tries were answered; 0 when there is none."""
        answered = 0
        ordered = sorted(self._recent, reverse=True)
        for tries, (load, was_answered) in enumerate(ordered, 1):
            answered += was_answered
            last_of_load = tries == len(ordered) or ordered[tries][0] < load
            if last_of_load and tries >= EVIDENCE and 2 * answered > tries:
                return load
        return 0

    def _grow(self) -> None:
        if not self.slow_start:
            proved = self.proved()
            self.slow_start = proved >= self._refused_at
            step = 1.0 if self.slow_start or self._limit < proved else 1 / self._limit
        else:
            step = 1.0
        # int() forgives no rounding: ten steps of 0.1 are to be one.
        self._limit = min(float(self.ceiling), round(self._limit + step, 9))

    def _cut(self, to: float, tried: Try) -> None:
        to = max(1.0, to)
        if to >= self._limit > 1.0:
            return
        self.slow_start = False
        self._refused_at = tried.load
        if to < self._limit:
            self._limit = float(int(to))
            self._cuts += 1

    def _mostly_fails(self) -> bool:
        last = list(self._recent)[-max(EVIDENCE, self.limit) :]
        return len(last) >= EVIDENCE and 2 * sum(answered for _, answered in last) < len(last)
