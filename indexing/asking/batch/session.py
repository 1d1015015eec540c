"""What submitting and collecting share in one run."""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any

from hippomem.errors import ModelError
from hippomem.models.batch_api import BatchApi, Job
from hippomem.models.dialect import Dialect, Question
from hippomem.models.llm import Usage
from indexing.asking.batch.blocks import Limits
from indexing.asking.batch.keeping import BatchStore
from indexing.asking.batch.patience import Patience
from indexing.asking.batch.status import BatchStatus
from indexing.extract.llm import Scheme

#: Tokens of an answer about one passage, until answers have come.
_ANSWER_TOKENS = 250.0


#: Words about the form of a request. (An online client tries another form after any refusal; here that would take a day.)
_ABOUT_FORM = re.compile(
    "max_completion_tokens|temperature|response_format|json_schema|structured output", re.IGNORECASE
)


@dataclass(slots=True)
class Session:
    """One run. tell: is handed a snapshot whenever something changed.

    dialect: how requests are made from now on, as learned from lines that failed: a batch cannot try one request first.
    sent: how those of a job of this run were made, by token; first: how those of a job of an earlier run were, supposedly.
    jobs: what the vendor said last, by token.
    """

    store: BatchStore
    api: BatchApi
    scheme: Scheme
    patience: Patience
    limits: Limits
    tell: Callable[[BatchStatus], None]
    dialect: Dialect = field(default_factory=Dialect)
    sent: dict[str, Question] = field(default_factory=dict)
    first: Question = field(init=False)
    jobs: dict[str, Job] = field(default_factory=dict)
    status: BatchStatus = field(default_factory=BatchStatus)
    passages_answered: int = 0

    def __post_init__(self) -> None:
        self.first = self.question()

    def question(self) -> Question:
        """How requests are made now."""
        return self.dialect.question([], json_schema={})

    def learn(self, token: str, error: ModelError) -> bool:
        """Whether a request was refused for a parameter that it can do without: from now on it is sent without it."""
        if not _ABOUT_FORM.search(str(error.__cause__)):
            return False
        # Each line is about the form in which all of them were sent, so none may start from what another has learned.
        question = copy(self.sent.get(token, self.first))
        try:
            question.refused(error)
        except ModelError:
            return False
        question.answered()
        return True

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
