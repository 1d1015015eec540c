"""How many calls an endpoint takes at once, found by trying."""

from __future__ import annotations

from collections import deque
from typing import Literal, NamedTuple

#: "answered": the endpoint did its work, even if to say no. "refused": 429 or 503. "told": the same, with a time to wait.
#: "failed": another 5xx, a timeout, no connection. "cancelled": we did not wait for it.
Outcome = Literal["answered", "refused", "told", "failed", "cancelled"]
#: So many calls are needed to say that a load is too much, or is not.
EVIDENCE = 3
#: Slow start goes on when this many times the load that was refused is proved. Above 1, since at an endpoint that takes just
#: so many at once, one more gets through now and then.
REGAINED = 1.25
#: Refusals are few when so many times as many tries are answered.
FEW = 3


class Try(NamedTuple):
    """A try under way.

    load, limit: how many were under way when it began, itself included, and could have been.    cuts: those it knows of.
    """

    load: int
    limit: int
    cuts: int


class AdaptiveLimit:
    """Slow start (+1 an answer, that is, doubling a round trip) until the first refusal, then +1 a round; halved on refusal.

    A refusal cuts once a round trip: tries that began before the last cut know nothing of it. It does not cut when the
    load it met is *proved*, that is, when most of the recent tries that began under as much load were answered: then load
    was not the cause (some endpoints refuse one call in ten at any load, and halving for each would end at 1). Nor does it
    cut below what is proved, and up to there the limit comes back by +1 an answer. Once clearly more than the load that
    was refused is proved, or when light loads are refused as often as heavy ones, slow start goes on. A server that says
    how long to wait is believed: the limit is halved whatever is proved.

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
        #: The load for which the limit was last cut.
        self._refused_at = 0
        #: (load, outcome) of the last tries, in the order in which they ended; two rounds at the ceiling.
        self._recent: deque[tuple[int, Outcome]] = deque(maxlen=max(2 * ceiling, 2 * EVIDENCE))

    @property
    def limit(self) -> int:
        """How many may be under way, 1 to the ceiling."""
        return int(self._limit)

    def begin(self) -> Try:
        """A try begins."""
        self.under_way += 1
        return Try(self.under_way, self.limit, self._cuts)

    def end(self, tried: Try, outcome: Outcome) -> None:
        """A try ended."""
        # As TCP does: who uses less than half of what is allowed learns nothing about the rest.
        in_use = 2 * max(tried.load, self.under_way) >= tried.limit
        self.under_way -= 1
        if outcome == "cancelled":
            return
        self._recent.append((tried.load, outcome))
        if outcome == "answered":
            if in_use:
                self._grow()
        elif tried.cuts == self._cuts:
            if outcome == "told" or (outcome == "failed" and self._mostly_fails()):
                self._cut(self._half, tried.load)
            elif outcome == "refused" and not self._indiscriminate():
                proved = self.proved()
                if proved < tried.load:
                    self._cut(max(self._half, proved), tried.load)

    def proved(self) -> int:
        """The largest load under which, or under more, most recent tries were not refused; 0 when there is none."""
        answered = 0
        ordered = sorted((tried for tried in self._recent if tried[1] != "failed"), reverse=True)
        for tries, (load, outcome) in enumerate(ordered, 1):
            answered += outcome == "answered"
            last_of_load = tries == len(ordered) or ordered[tries][0] < load
            if last_of_load and tries >= EVIDENCE and 2 * answered > tries:
                return load
        return 0

    def _grow(self) -> None:
        if self.limit == self.ceiling:  # where most runs are most of the time: nothing to look up
            return
        step = 1.0
        if not self.slow_start:
            proved = self.proved()
            self.slow_start = proved > REGAINED * self._refused_at or self._indiscriminate()
            if not self.slow_start and self._limit >= proved:
                step = 1 / self.limit
        # int() forgives no rounding: ten steps of 0.1 are to be one.
        self._limit = min(float(self.ceiling), round(self._limit + step, 9))

    @property
    def _half(self) -> int:
        return (self.limit + 1) // 2

    def _cut(self, to: int, load: int) -> None:
        if to >= self.limit > 1:
            return
        self.slow_start = False
        self._refused_at = load
        self._limit = float(to)
        self._cuts += 1

    def _indiscriminate(self) -> bool:
        """Whether the few tries that are refused met light loads as well as heavy ones.

        Where so many at once are allowed, all that are refused met more than the answered ones did.
        """
        answered = sorted(load for load, outcome in self._recent if outcome == "answered")
        refused = [load for load, outcome in self._recent if outcome in ("refused", "told")]
        if len(refused) < EVIDENCE or len(answered) < FEW * len(refused):
            return False
        middle = answered[len(answered) // 2]
        return 4 * sum(load < middle for load in refused) > len(refused)

    def _mostly_fails(self) -> bool:
        last = list(self._recent)[-max(EVIDENCE, self.limit) :]
        return len(last) >= EVIDENCE and 2 * sum(outcome == "answered" for _, outcome in last) < len(last)
