"""What there is to show: how far each stage is, how fast, for how long; and the same of the LLM."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hippomem.cli.display.rate import Meter

if TYPE_CHECKING:
    from indexing.asking.status import AskingStatus

#: Passages read before it is said what all of them will cost.
ENOUGH = 20


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage at one moment.

    total: 0 for not known (yet).    rate: a second, None for not known or standing still; of what is done, on average.
    left: seconds, None for not known.    took: seconds from its beginning to its last advance.
    """

    what: str
    done: int
    total: int
    rate: float | None
    left: float | None
    took: float

    @property
    def is_done(self) -> bool:
        """Whether nothing is left of what is known."""
        return 0 < self.total <= self.done


@dataclass(frozen=True, slots=True)
class Asking:
    """The LLM at one moment. paused_because: empty while it is asked.    budget_*: None for none.

    usd_in_all: what the run is heading for at the present cost of a passage; None for not known.
    """

    status: AskingStatus
    stage: Stage
    paused_because: str
    usd_in_all: float | None
    budget_usd: float | None
    budget_tokens: int | None

    @property
    def is_over_budget(self) -> bool:
        """Whether the run is heading for more than it may spend."""
        return self.budget_usd is not None and self.usd_in_all is not None and self.usd_in_all > self.budget_usd


@dataclass(frozen=True, slots=True)
class View:
    """Everything at one moment. now: seconds of the clock.    stages: in the order in which they began."""

    now: float
    stages: tuple[Stage, ...]
    asking: Asking | None


class Board:
    """Collects what advances, from any thread, and looks at the LLM when asked for a view.

    status: how the LLM run stands; None while there is none.
    """

    #: What the LLM's row is called.
    LLM = "asking the LLM"

    def __init__(
        self,
        status: Callable[[], AskingStatus | None],
        clock: Callable[[], float],
        *,
        budget_usd: float | None = None,
        budget_tokens: int | None = None,
    ) -> None:
        self._status, self._clock = status, clock
        self._budget_usd, self._budget_tokens = budget_usd, budget_tokens
        self._lock = threading.Lock()
        self._counts: dict[str, tuple[int, int, Meter]] = {}
        self._asked = Meter()
        self._first: tuple[int, float] | None = None
        self._pause, self._unpaused = "", 0

    def advance(self, what: str, done: int, total: int) -> None:
        """See `indexing.pipeline.Progress`."""
        with self._lock:
            meter = self._counts[what][2] if what in self._counts else Meter()
            meter.add(self._clock(), done)
            self._counts[what] = done, total, meter

    def look(self) -> View:
        """Everything as it is now. Asks for the LLM's status; call it from one thread."""
        status, now = self._status(), self._clock()
        with self._lock:
            stages = tuple(_stage(what, *count, now) for what, count in self._counts.items())
        return View(now, stages, None if status is None else self._asking(status, now))

    def _asking(self, status: AskingStatus, now: float) -> Asking:
        done = status.answered + status.failed
        self._asked.add(now, done)
        stage = _stage(self.LLM, done, status.wanted, self._asked, now)
        pause = self._held(status.paused_because)
        return Asking(status, stage, pause, self._in_all(status, done), self._budget_usd, self._budget_tokens)

    def _in_all(self, status: AskingStatus, done: int) -> float | None:
        """Counted from the first look: what a run before has answered costs nothing now."""
        if status.usd is None:
            return None
        if self._first is None:
            self._first = done, status.usd
        done_before, usd_before = self._first
        if done - done_before < ENOUGH:
            return None
        return status.usd + (status.usd - usd_before) / (done - done_before) * max(0, status.wanted - done)

    def _held(self, because: str) -> str:
        """The pause, over as soon as two looks in a row found none: what is throttled call by call would flicker."""
        self._unpaused = 0 if because else self._unpaused + 1
        if because or self._unpaused > 1:
            self._pause = because
        return self._pause


def _stage(what: str, done: int, total: int, meter: Meter, now: float) -> Stage:
    took = meter.moved - meter.began
    if 0 < total <= done:
        return Stage(what, done, total, done / took if took > 0 else None, 0.0, took)
    rate = meter.rate(now)
    return Stage(what, done, total, rate, (total - done) / rate if rate and total else None, took)
