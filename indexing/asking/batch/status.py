"""How reading in batches goes, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hippomem.models.llm import Usage

#: finished: nothing is left to ask.    submitted: jobs are at the vendor, and nobody waits for them.    stopped: the same,
#: because the run was to stop.    budget: what is left to ask costs more than is left.
Outcome = Literal["finished", "submitted", "stopped", "budget"]


@dataclass(frozen=True, slots=True)
class BatchStatus:
    """A snapshot.

    batches: jobs at the vendor.    states: of how many jobs each vendor's state is, as {"in_progress": 2}.
    completed, failed, total: requests in these jobs, as the vendor counts.
    answered, gave_up: passages of which this run stored the answer, or that it cannot be had.
    usage: of the answers collected by this run.    waiting_because: why the vendor cannot be asked just now, else "".
    """

    batches: int = 0
    states: tuple[tuple[str, int], ...] = ()
    completed: int = 0
    failed: int = 0
    total: int = 0
    answered: int = 0
    gave_up: int = 0
    usage: Usage = Usage()
    waiting_because: str = ""

    def line(self) -> str:
        """The same in one line, for people."""
        states = ", ".join(f"{count} {state.replace('_', ' ')}" for state, count in self.states)
        at = (
            f"{self.batches} batches at the vendor ({states})"
            if self.batches != 1
            else f"1 batch at the vendor ({states})"
        )
        counts = f"{self.completed:,} of {self.total:,} requests done, {self.failed:,} failed"
        text = (
            f"{at}: {counts}; {self.answered:,} passages answered"
            if self.batches
            else f"{self.answered:,} passages answered"
        )
        return f"{text}; waiting: {self.waiting_because}" if self.waiting_because else text


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended. batches: jobs that are still at the vendor.    passages: how many these are about."""

    outcome: Outcome
    batches: int
    passages: int
    status: BatchStatus

    @property
    def message(self) -> str:
        """What to do next, in words; "" when there is nothing."""
        if self.batches:
            return (
                f"{self.passages:,} passages in {self.batches} batch{'' if self.batches == 1 else 'es'} are at the vendor, "
                "which goes on by itself; run the same command again to collect them"
            )
        if self.outcome == "budget":
            return "the budget does not allow for what is left; raise it and run the same command again"
        return "stopped; run the same command again to go on" if self.outcome == "stopped" else ""
