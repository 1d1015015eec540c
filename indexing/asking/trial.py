"""A few calls made for real, to learn what a model answers and how long it takes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hippomem.errors import ExtractionError, ModelError
from hippomem.models.async_chat import AsyncLLM
from hippomem.models.llm import Completion, Usage
from hippomem.models.pacing import Pace
from indexing.asking.calling import call, probable_tokens
from indexing.asking.expected import expected
from indexing.asking.ranges import Range, ratio
from indexing.extract import PassageText
from indexing.extract.llm import Request, Scheme


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of it.

    passages: asked about, of which failed ones had no usable answer; error is the last reason.    usage: what it cost.
    calls, prompts, answers: what was made and counted, as a multiple of what was expected.    seconds: of a call.
    """

    passages: int
    failed: int
    error: str
    usage: Usage
    calls: Range
    prompts: Range
    answers: Range
    seconds: Range

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {
            "passages": self.passages,
            "failed": self.failed,
            "error": self.error,
            **self.usage.to_dict(),
            "seconds_a_call": self.seconds.to_dict(),
        }


@dataclass
class _Asked:
    """One group: what was expected, what it took, and what came of each passage."""

    expected: Usage
    spent: Usage = field(default_factory=Usage)
    seconds: list[float] = field(default_factory=list)
    outcomes: list[object] = field(default_factory=list)


async def try_out(
    sample: Sequence[PassageText],
    scheme: Scheme,
    llm: AsyncLLM,
    pace: Pace,
    calls: int,
    *,
    clock: Callable[[], float] = time.perf_counter,
) -> Trial:
    """Ask about passages spread evenly over *sample*: about so many *calls*, and at most one for each group of the sample.

    Answers are looked at and not kept. Raises ModelError for what would fail for all passages alike.
    """
    groups = list(scheme.groups(sample))
    count = max(1, min(len(groups), calls // scheme.calls))
    chosen = [groups[len(groups) * each // count] for each in range(count)]
    return _summed(await asyncio.gather(*(_ask(group, scheme, llm, pace, clock) for group in chosen)))


async def _ask(
    group: Sequence[PassageText], scheme: Scheme, llm: AsyncLLM, pace: Pace, clock: Callable[[], float]
) -> _Asked:
    asked = _Asked(expected(group, scheme))

    async def complete(request: Request) -> Completion:
        async def attempt() -> Completion:
            began = clock()
            try:
                completion = await call(llm, request)
            except ModelError as error:
                asked.spent += error.usage or Usage()
                raise
            asked.seconds.append(clock() - began)
            asked.spent += completion.usage
            return completion

        return await pace.call(attempt, tokens=probable_tokens(request))

    async with pace.slot():
        try:
            asked.outcomes += await scheme.read(group, complete, model=llm.model)
        except ModelError as error:
            if error.endpoint_wide:
                raise
            asked.outcomes += [error] * len(group)
    return asked


def _summed(asked: Sequence[_Asked]) -> Trial:
    errors = [each for one in asked for each in one.outcomes if isinstance(each, ExtractionError | ModelError)]
    seconds = np.array([each for one in asked for each in one.seconds])
    return Trial(
        passages=sum(len(one.outcomes) for one in asked),
        failed=len(errors),
        error=str(errors[-1]) if errors else "",
        usage=sum((one.spent for one in asked), Usage()),
        calls=_factor(asked, "calls"),
        prompts=_factor(asked, "prompt_tokens"),
        answers=_factor(asked, "completion_tokens"),
        seconds=ratio(seconds, np.ones(len(seconds))),
    )


def _factor(asked: Sequence[_Asked], what: str) -> Range:
    spent, planned = (
        np.array([getattr(usage, what) for usage in usages], dtype=float)
        for usages in ([one.spent for one in asked], [one.expected for one in asked])
    )
    return ratio(spent, planned)
