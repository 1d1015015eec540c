"""What submitting and collecting share in one run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from hippomem.models.batch_api import BatchApi, Job
from hippomem.models.batch_lines import Dialect
from hippomem.models.llm import Usage
from indexing.asking.batch._interim import Scheme
from indexing.asking.batch.blocks import Limits
from indexing.asking.batch.keeping import BatchStore
from indexing.asking.batch.patience import Patience
from indexing.asking.batch.status import BatchStatus

#: Tokens of an answer about one passage, until answers have come.
_ANSWER_TOKENS = 250.0


@dataclass(slots=True)
class Session:
    """One run. tell: is handed a snapshot whenever something changed.

    dialect: what is sent from now on; sent: with which dialect a job of this run was sent, by token.
    jobs: what the vendor said last, by token.
    """

    store: BatchStore
    api: BatchApi
    scheme: Scheme
    patience: Patience
    limits: Limits
    tell: Callable[[BatchStatus], None]
    dialect: Dialect = field(default_factory=Dialect)
    sent: dict[str, Dialect] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    status: BatchStatus = field(default_factory=BatchStatus)
    passages_answered: int = 0

    def show(self, **changed: Any) -> None:
        """Tell the status, with these fields changed."""
        states: dict[str, int] = {}
        for job in self.jobs.values():
            states[job.state] = states.get(job.state, 0) + 1
        self.status = replace(
            self.status,
            batches=len(self.jobs),
            states=tuple(sorted(states.items())),
            completed=sum(job.completed for job in self.jobs.values()),
            failed=sum(job.failed for job in self.jobs.values()),
            total=sum(job.total for job in self.jobs.values()),
            **changed,
        )
        self.tell(self.status)

    def count(self, usage: Usage, asked: int, answered: int, failed: int) -> None:
        """Add to the status what was collected. asked: passages that the answers with that usage were about."""
        self.passages_answered += asked
        self.show(
            answered=self.status.answered + answered,
            gave_up=self.status.gave_up + failed,
            usage=self.status.usage + usage,
        )

    @property
    def answer_tokens(self) -> float:
        """Expected of an answer about one passage: the mean of those that came, once these are worth a mean."""
        if self.passages_answered < 20:
            return _ANSWER_TOKENS
        return self.status.usage.completion_tokens / self.passages_answered
